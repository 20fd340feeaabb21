//! libcuda.so.1.
//!
//! Invariants: device memory is only touched through its allocations, so that nothing a kernel does leaves them; an
//! error that CUDA keeps stays for the process; handles are numbers that are never followed.

mod context;
mod device;
mod errors;
mod events;
mod memory;
mod modules;
mod others;
mod speed;
mod state;
mod visible;

use crate::machine::Machine;
use std::sync::atomic::{AtomicU32, Ordering};

/// `CUresult`.
pub(crate) const INVALID_VALUE: u32 = 1;
pub(crate) const OUT_OF_MEMORY: u32 = 2;
pub(crate) const NOT_INITIALIZED: u32 = 3;
pub(crate) const NO_DEVICE: u32 = 100;
pub(crate) const INVALID_DEVICE: u32 = 101;
pub(crate) const INVALID_CONTEXT: u32 = 201;
pub(crate) const NO_BINARY_FOR_GPU: u32 = 209;
pub(crate) const INVALID_PTX: u32 = 218;
pub(crate) const UNSUPPORTED_PTX_VERSION: u32 = 222;
pub(crate) const INVALID_HANDLE: u32 = 400;
pub(crate) const NOT_FOUND: u32 = 500;
pub(crate) const ILLEGAL_ADDRESS: u32 = 700;
pub(crate) const MISALIGNED_ADDRESS: u32 = 716;
pub(crate) const NOT_SUPPORTED: u32 = 801;

/// The error that the process has to live with; 0 for none.
static KEPT: AtomicU32 = AtomicU32::new(0);

/// Whether cuda.h says of a code that it leaves the process in an inconsistent state.
pub(crate) fn is_kept(code: u32) -> bool {
    matches!(code, 226 | 700 | 702 | 710 | 714..=719 | 721)
}

/// Keeps an error for every later call.
pub(crate) fn keep(code: u32) {
    let _first_stays = KEPT.compare_exchange(0, code, Ordering::SeqCst, Ordering::SeqCst);
}

/// The error that is kept.
pub(crate) fn kept() -> Option<u32> {
    Some(KEPT.load(Ordering::SeqCst)).filter(|code| *code != 0)
}

/// The GPU of the current context, by its place in the list.
pub(crate) fn current_gpu() -> Option<usize> {
    context::current_gpu()
}

/// Notes the contexts of this process, where that has changed.
pub(crate) fn note_contexts(machine: &'static Machine) {
    state::any().note(machine);
}

/// A GPU's work takes so much longer.
pub(crate) fn delay(gpu: usize, time: std::time::Duration) {
    state::any().advance(gpu, time.as_secs_f64());
}

/// What is exported.
pub(crate) const SYMBOLS: [&[&str]; 7] = [
    errors::SYMBOLS,
    device::SYMBOLS,
    context::SYMBOLS,
    memory::SYMBOLS,
    modules::SYMBOLS,
    events::SYMBOLS,
    others::SYMBOLS,
];
