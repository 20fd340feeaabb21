//! GPUs put to work: simulated ones, which run the kernels that ship, and break in every way that matters.

mod bits;
mod failures;
mod healthy;
mod sweep;
mod whole;

use crate::simulated::Simulated;
use gpucheck::{
    child::Progress,
    probe::cuda::work::{self, Plan, Wish},
};
use gpucheck_checks::fact::{Facts, Observed, Work, WorkDevice};
use std::{sync::Mutex, time::Duration};

/// Time for work to be done on a busy machine.
const PATIENCE: Duration = Duration::from_secs(100);
/// As little as proves that everything is done.
const SMALL: Wish = Wish { deep: false, soak_s: None, small: true };

/// The work that is planned for the GPUs of a scenario.
fn plan(simulated: &Simulated, wish: Wish) -> (Facts, Plan) {
    let facts = simulated.facts();
    let plan = work::plan(&facts, wish, 0x1234_5678);
    (facts, plan)
}

/// What the GPUs of a scenario do by this plan, in this time.
fn done(simulated: &Simulated, plan: &Plan, deadline: Duration) -> Observed<Work> {
    work::probe(&simulated.worker(deadline), &simulated.ask(), plan, &|_| {})
}

/// The same, and how far it said to be.
fn done_and_told(simulated: &Simulated, plan: &Plan) -> (Observed<Work>, Vec<Progress>) {
    let told = Mutex::new(Vec::new());
    let hear = |progress| told.lock().unwrap().push(progress);
    let done = work::probe(&simulated.worker(PATIENCE), &simulated.ask(), plan, &hear);
    (done, told.into_inner().unwrap())
}

/// What the only device did.
fn only(work: &Observed<Work>) -> &WorkDevice {
    let devices = work.seen().map(|work| work.devices.as_slice()).unwrap_or_default();
    let [device] = devices else { panic!("{work:#?}") };
    device
}

/// How often a call was made and came back with success, since a point of the trace.
fn successes(trace: &[String], call: &str) -> usize {
    let success = format!("{call} = 0");
    trace.iter().filter(|line| **line == success).count()
}

/// Whether what the last worker took has been given back.
fn assert_nothing_is_left(trace: &[String]) {
    let pairs = [
        ("cuMemAlloc_v2", "cuMemFree_v2"),
        ("cuMemHostAlloc", "cuMemFreeHost"),
        ("cuEventCreate", "cuEventDestroy_v2"),
        ("cuModuleLoadDataEx", "cuModuleUnload"),
        ("cuDevicePrimaryCtxRetain", "cuDevicePrimaryCtxRelease_v2"),
    ];
    for (take, give) in pairs {
        assert_eq!(successes(trace, take), successes(trace, give), "{take}");
    }
}
