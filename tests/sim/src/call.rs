//! The boundary: every function that the libraries export goes through here.
//!
//! Invariants: a call is counted and written down before it does anything; faults are done here and nowhere else; a
//! panic becomes `UNKNOWN`.

use crate::{
    cuda,
    machine::{Machine, complain, machine, trace},
    scenario::{Action, BitFlip},
};
use std::{
    cell::Cell,
    hint::spin_loop,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

/// `NVML_ERROR_UNKNOWN` and `CUDA_ERROR_UNKNOWN`.
pub(crate) const UNKNOWN: u32 = 999;

/// What a call comes to: nothing, or the code that it returns.
pub(crate) type Outcome = Result<(), u32>;

/// Whose function it is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    Nvml,
    Cuda,
    /// Functions of CUDA that answer whatever happened before.
    CudaAlways,
}

thread_local! {
    /// What every byte of the call's answer is to be.
    pub(crate) static GARBAGE: Cell<Option<u8>> = const { Cell::new(None) };
    /// Where the call wrote, and how much.
    pub(crate) static WRITTEN: Cell<Option<(usize, usize)>> = const { Cell::new(None) };
}

/// Makes a call: its faults, then its body.
pub(crate) fn call(
    api: Api,
    symbol: &'static str,
    gpu: Option<usize>,
    body: &dyn Fn(&'static Machine) -> Outcome,
) -> u32 {
    let code = catch_unwind(AssertUnwindSafe(|| {
        let Some(machine) = machine() else { return UNKNOWN };
        let gpu = gpu.or_else(|| if api == Api::Nvml { None } else { cuda::current_gpu() });
        let code = faulty(api, symbol, machine, gpu, body);
        if api != Api::Nvml && cuda::is_kept(code) {
            cuda::keep(code);
        }
        code
    }));
    let code = code.unwrap_or_else(|_| {
        complain(&format!("{symbol} panicked"));
        UNKNOWN
    });
    trace(&format!("{symbol} = {code}"));
    code
}

fn faulty(
    api: Api,
    symbol: &'static str,
    machine: &'static Machine,
    gpu: Option<usize>,
    body: &dyn Fn(&'static Machine) -> Outcome,
) -> u32 {
    let mut flip = None;
    let mut garbage = None;
    for fault in machine.faults(symbol, gpu) {
        match &fault.action {
            Action::Return(code) => return *code,
            Action::Skip => return 0,
            Action::Garbage(byte) => garbage = Some(*byte),
            Action::BitFlip(bit) => flip = Some(*bit),
            Action::DelayMs(time) => delay(api, gpu, Duration::from_millis(*time)),
            Action::Stdout(text) => print(std::io::stdout(), text),
            Action::Stderr(text) => print(std::io::stderr(), text),
            last @ (Action::Hang | Action::Spin | Action::Segv | Action::Abort | Action::Exit(_)) => {
                trace(symbol);
                end(last);
            }
        }
    }
    if api == Api::Cuda
        && let Some(code) = cuda::kept()
    {
        return code;
    }
    GARBAGE.set(garbage);
    WRITTEN.set(None);
    let outcome = body(machine);
    GARBAGE.set(None);
    if api != Api::Nvml && machine.scenario.contexts.is_some() {
        cuda::note_contexts(machine);
    }
    if let (Some(flip), Ok(())) = (flip, outcome) {
        flip_bit(flip);
    }
    outcome.err().unwrap_or(0)
}

/// The host waits, and a GPU takes as much longer.
fn delay(api: Api, gpu: Option<usize>, time: Duration) {
    std::thread::sleep(time);
    if let (Api::Cuda, Some(gpu)) = (api, gpu) {
        cuda::delay(gpu, time);
    }
}

/// Never comes back to the caller.
fn end(action: &Action) {
    match action {
        Action::Hang => loop {
            std::thread::sleep(Duration::from_hours(1));
        },
        Action::Spin => loop {
            spin_loop();
        },
        // SAFETY: the process shall die of a bad address: whatever handles the signal otherwise is put aside, and
        // the store to an address that no process has mapped is a volatile one, so that it is made.
        Action::Segv => unsafe {
            libc::signal(libc::SIGSEGV, libc::SIG_DFL);
            std::ptr::write_volatile(std::ptr::without_provenance_mut::<u8>(8), 1);
        },
        Action::Abort => std::process::abort(),
        Action::Exit(status) => std::process::exit(*status),
        Action::Return(_)
        | Action::Skip
        | Action::Stdout(_)
        | Action::Stderr(_)
        | Action::DelayMs(_)
        | Action::Garbage(_)
        | Action::BitFlip(_) => {}
    }
}

fn print(mut to: impl Write, text: &str) {
    let _closed = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}

fn flip_bit(flip: BitFlip) {
    let Some((to, length)) = WRITTEN.get() else { return complain("nothing was written, no bit is flipped") };
    let Some(byte) = usize::try_from(flip.byte).ok().filter(|byte| *byte < length) else {
        return complain(&format!("byte {} is not among the {length} that were written", flip.byte));
    };
    let at = std::ptr::with_exposed_provenance_mut::<u8>(to + byte);
    // SAFETY: the call that has just been made wrote these bytes, and has not returned.
    unsafe { *at ^= 1 << (flip.bit % 8) };
}

/// Declares exported functions. Each has a name, arguments that say which GPU they concern, and a body that is given
/// the machine and ends in an [`Outcome`].
macro_rules! exports {
    ($api:expr; $($symbol:ident($($arg:ident: $type:ty),* $(,)?) |$machine:pat_param| $body:expr;)*) => {
        $(#[unsafe(no_mangle)]
        #[allow(clippy::too_many_arguments, reason = "the header says what is given")]
        extern "C" fn $symbol($($arg: $type),*) -> u32 {
            let gpu = None$(.or_else(|| $crate::outs::Concerns::gpu(&$arg)))*;
            $crate::call::call($api, stringify!($symbol), gpu, &|$machine| $body)
        })*
        /// What is exported here.
        pub(crate) const SYMBOLS: &[&str] = &[$(stringify!($symbol)),*];
    };
}
pub(crate) use exports;

/// Declares exported functions that refuse whatever they are given.
macro_rules! refused {
    ($api:expr, $code:expr; $($symbol:ident)*) => {
        $(#[unsafe(no_mangle)]
        extern "C" fn $symbol() -> u32 {
            $crate::call::call($api, stringify!($symbol), None, &|_| Err($code))
        })*
        /// What is exported here.
        pub(crate) const SYMBOLS: &[&str] = &[$(stringify!($symbol)),*];
    };
}
pub(crate) use refused;
