//! Who holds memory of which GPU, again and again: a worker asks until it is ended.
//!
//! Invariant: every look is told whole or not at all.

use super::{
    SONAME,
    asked::failure,
    look, processes,
    watch::{WatchAsk, count},
};
use crate::{
    child::{Follower, Trail},
    probe::library,
    worker::{Ask, Worker},
};
use gpucheck_checks::fact::{Observed, ProbeFailure};
use nvml_wrapper::Nvml as Library;
use nvml_wrapper_sys::bindings::NvmlLib;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{ffi::OsStr, thread, time::Duration};

/// What a worker calls this source.
pub(crate) const HOLDERS: &str = "nvml-holders";
/// From one look to the next.
const EVERY: Duration = Duration::from_millis(200);

/// A process that has a context on a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Holder {
    pub(crate) pid: u32,
    /// In bytes; none where the driver does not tell.
    pub(crate) memory: Option<u64>,
}

/// Asks until the follower has enough; every look comes to it as a piece, [`holders_in`].
pub(crate) fn follow_holders(worker: &Worker, ask: &Ask, follower: &mut dyn Follower) -> Observed<()> {
    if let Some(why) = &ask.hold_init {
        return Observed::not_probed(why.clone());
    }
    let question = WatchAsk { library: ask.clone(), time_ms: None };
    let ended: Observed<Observed<()>> =
        worker.ask_and_follow(HOLDERS, &question, (ask, super::MEMORY, Vec::new()), follower);
    match ended {
        Observed::Seen(told) | Observed::Interrupted { seen: told, .. } => told,
        Observed::Failed(by) => Observed::Failed(by),
        Observed::NotProbed { why } => Observed::NotProbed { why },
    }
}

/// What a piece tells.
pub(crate) fn holders_in(piece: &RawValue) -> Option<Vec<Holder>> {
    serde_json::from_str(piece.get()).ok()
}

/// The worker's side.
pub(crate) fn tell_holders(ask: &WatchAsk, trail: &mut Trail) -> Observed<()> {
    tell(ask, trail).into()
}

fn tell(ask: &WatchAsk, trail: &mut Trail) -> Result<(), ProbeFailure> {
    trail.step(&format!("dlopen {SONAME}"));
    let opened = library::open(SONAME, &ask.library.search)?;
    trail.step("nvmlInit_v2");
    let library = Library::builder().lib_path(OsStr::new(&opened.path)).init();
    let library = library.map_err(|error| failure("nvmlInit_v2", error))?;
    let gpus = count(library.lib(), trail)?;
    loop {
        let held = held(library.lib(), gpus, trail)?;
        trail.piece(&held);
        thread::sleep(EVERY);
    }
}

fn held(lib: &NvmlLib, gpus: u32, trail: &mut Trail) -> Result<Vec<Holder>, ProbeFailure> {
    let mut held = Vec::new();
    for index in 0..gpus {
        let Ok(mut asked) = look::open(lib, index, trail) else { continue };
        let listed = processes::compute(&mut asked)?;
        held.extend(listed.into_iter().map(|one| Holder { pid: one.pid, memory: one.memory }));
    }
    Ok(held)
}
