//! The CUDA driver API, and a kernel computed through it, in a process of its own.
//!
//! Invariants: symbols are looked up one by one, so one that a driver lacks costs that reading alone; return
//! codes are numbers, for drivers know codes that no list knows; whatever was taken is given back, also after a
//! failure. One process serves both sources of facts: a context takes seconds on a cold GPU.

mod api;
mod compute;
mod look;

pub(crate) use look::look;

use crate::worker::{Ask, Worker};
use gpucheck_checks::fact::{Compute, Driver, Observed};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// What a worker calls this source.
pub const SOURCE: &str = "cuda";
/// The library, by the name that it gives itself.
pub const SONAME: &str = "libcuda.so.1";
/// Time to answer: 15 s for `cuInit`, which waits for cold GPUs, and 30 s for contexts and the kernel.
pub const DEADLINE: Duration = Duration::from_secs(45);
/// Private memory of the worker, in bytes.
const MEMORY: u64 = 4 << 30;

/// What a worker for this source answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Cuda {
    driver: Driver,
    compute: Observed<Compute>,
    /// A kernel is at work: what happens now is no longer the driver's answer.
    computing: bool,
}

/// What libcuda says and what a kernel computes on this machine, asked by this program.
pub fn probe(ask: &Ask) -> (Observed<Driver>, Observed<Compute>) {
    probe_by(&Worker::own(DEADLINE), ask)
}

/// The same, asked by another program or with another deadline.
pub fn probe_by(worker: &Worker, ask: &Ask) -> (Observed<Driver>, Observed<Compute>) {
    let env =
        vec![("CUDA_DEVICE_ORDER", Some("PCI_BUS_ID".into())), ("CUDA_CACHE_DISABLE", Some("1".into()))];
    split(worker.ask(SOURCE, ask, MEMORY, env))
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
