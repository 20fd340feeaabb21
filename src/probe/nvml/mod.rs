//! NVML, asked in a process of its own.
//!
//! Invariants: every reading stands by itself, so a call that a driver lacks or a virtual GPU refuses costs that
//! reading alone; the trail names each foreign call before it is made; numbers are taken as numbers, never as
//! enums, for drivers are newer than any list.

mod asked;
mod device;
mod holders;
mod lists;
mod look;
mod processes;
mod watch;

pub(crate) use holders::{HOLDERS, Holder, follow_holders, holders_in, tell_holders};
pub(crate) use look::look;
pub(crate) use watch::{WATCH, sample};
pub use watch::{Watch, watch};

use crate::worker::{Ask, Worker};
use gpucheck_checks::fact::{Nvml, Observed};
use std::time::Duration;

/// What a worker calls this source.
pub const SOURCE: &str = "nvml";
/// The library, by the name that it gives itself.
pub const SONAME: &str = "libnvidia-ml.so.1";
/// Time to answer. Without a driver `nvmlInit` takes 30 ms; with one that sleeps, seconds.
pub const DEADLINE: Duration = Duration::from_secs(5);
/// Private memory of the worker, in bytes.
const MEMORY: u64 = 1 << 30;

/// What NVML says on this machine.
pub fn probe(worker: &Worker, ask: &Ask) -> Observed<Nvml> {
    worker.ask(SOURCE, ask, MEMORY, Vec::new())
}
