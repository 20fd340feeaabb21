//! The CUDA driver API, and a kernel computed through it, in a process of its own.
//!
//! Invariants: symbols are looked up one by one, so one that a driver lacks costs that reading alone; return
//! codes are numbers, for drivers know codes that no list knows; whatever was taken is given back, also after a
//! failure. One process serves both sources of facts: a context takes seconds on a cold GPU.

pub(super) mod api;
mod borrowed;
pub(crate) mod cache;
mod compute;
pub(super) mod exact;
mod look;
pub mod work;

pub(crate) use look::{count, look};

use crate::worker::{Ask, Worker};
use gpucheck_checks::fact::{Compute, Driver, Observed};
use serde::{Deserialize, Serialize};
use std::{ffi::OsString, time::Duration};

/// What a worker calls this source.
pub const SOURCE: &str = "cuda";
/// What a worker calls the question how many devices there are.
pub(crate) const COUNT: &str = "cuda-count";
/// The library, by the name that it gives itself.
pub const SONAME: &str = "libcuda.so.1";
/// Time to answer: 15 s for `cuInit`, which waits for cold GPUs, and 30 s for contexts and the kernel.
pub const DEADLINE: Duration = Duration::from_secs(45);
/// Private memory of the worker, in bytes.
const MEMORY: u64 = 4 << 30;

/// `CUDA_ERROR_NO_DEVICE`.
const NO_DEVICE: i64 = 100;

/// What a worker for this source answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cuda {
    driver: Driver,
    compute: Observed<Compute>,
    /// A kernel is at work: what happens now is no longer the driver's answer.
    computing: bool,
}

/// What libcuda says and what a kernel computes on this machine.
pub fn probe(worker: &Worker, ask: &Ask) -> (Observed<Driver>, Observed<Compute>) {
    let (mut driver, compute) = split(worker.ask(SOURCE, ask, MEMORY, environment()));
    if let Observed::Seen(driver) | Observed::Interrupted { seen: driver, .. } = &mut driver {
        driver.compute_cache = Some(cache::look());
        if hides_a_device(driver) {
            driver.devices_unhidden = count_unhidden(worker, ask);
        }
    }
    (driver, compute)
}

fn environment() -> Vec<(&'static str, Option<OsString>)> {
    vec![("CUDA_DEVICE_ORDER", Some("PCI_BUS_ID".into())), ("CUDA_CACHE_DISABLE", Some("1".into()))]
}

/// Whether `CUDA_VISIBLE_DEVICES` is set and CUDA lists what it leaves: none, or some. Which of the two is all that
/// there is shows without it.
fn hides_a_device(driver: &Driver) -> bool {
    let refused = driver.init.refusal_code() == Some(NO_DEVICE);
    driver.visible_devices.is_some() && (refused || driver.devices.seen().is_some())
}

/// How many devices there are without `CUDA_VISIBLE_DEVICES`; none where that could not be told.
fn count_unhidden(worker: &Worker, ask: &Ask) -> Option<usize> {
    let env = environment().into_iter().chain([("CUDA_VISIBLE_DEVICES", None)]).collect();
    let counted: Observed<Option<usize>> = worker.ask(COUNT, ask, MEMORY, env);
    counted.seen().copied().flatten()
}

/// One observation into two: an interruption belongs to what was going on.
fn split(cuda: Observed<Cuda>) -> (Observed<Driver>, Observed<Compute>) {
    let unasked = || Observed::not_probed("the look at libcuda ended before");
    match cuda {
        Observed::Seen(Cuda { driver, compute, .. }) => (Observed::Seen(driver), compute),
        Observed::Failed(by) => (Observed::Failed(by), unasked()),
        Observed::NotProbed { why } => (Observed::not_probed(why.clone()), Observed::not_probed(why)),
        Observed::Interrupted { seen: Cuda { driver, compute, computing }, by } => {
            let began = compute.seen().filter(|seen| computing || !seen.devices.is_empty());
            let computed = began
                .map_or_else(unasked, |seen| Observed::Interrupted { seen: seen.clone(), by: by.clone() });
            let driver =
                if computing { Observed::Seen(driver) } else { Observed::Interrupted { seen: driver, by } };
            (driver, computed)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpucheck_checks::fact::ProbeFailure;

    fn interrupted(computing: bool) -> (Observed<Driver>, Observed<Compute>) {
        let seen =
            Cuda { driver: Driver::unasked("test"), compute: Observed::Seen(Compute::default()), computing };
        split(Observed::Interrupted {
            seen,
            by: ProbeFailure::Crashed { signal: 11, step: "step".to_owned() },
        })
    }

    #[test]
    fn an_interruption_belongs_to_what_was_going_on() {
        let (driver, compute) = interrupted(false);
        assert!(matches!(driver, Observed::Interrupted { .. }), "{driver:?}");
        assert!(matches!(compute, Observed::NotProbed { .. }), "{compute:?}");
        let (driver, compute) = interrupted(true);
        assert!(matches!(driver, Observed::Seen(_)), "{driver:?}");
        assert!(matches!(compute, Observed::Interrupted { .. }), "{compute:?}");
    }
}
