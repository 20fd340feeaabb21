//! Libraries that crash, hang, leave or shout: each is a fact, in time, with what was seen before.

use super::{ask, probe_cuda, stand_in::StandIn, worker};
use gpucheck::probe::{cuda, nvml};
use gpucheck_checks::fact::{Compute, Driver, Observed, ProbeFailure};
use std::time::{Duration, Instant};

fn probe(stand_in: &StandIn) -> (Observed<Driver>, Observed<Compute>) {
    cuda::probe(&worker(Duration::from_secs(10)), &ask(stand_in.path()))
}

#[test]
fn a_crash_in_init_is_a_fact() {
    let (driver, compute) = probe(&StandIn::cuda(&["SEGV"]));
    let crashed = ProbeFailure::Crashed { signal: 11, step: "cuInit".to_owned() };
    assert_eq!(driver.failure(), Some(&crashed));
    // What it said before the crash is kept.
    assert_eq!(driver.seen().unwrap().version, Observed::Seen(12020));
    assert_eq!(compute.why_not(), "not probed: the look at libcuda ended before");
}

#[test]
fn a_crash_while_loading_is_a_fact() {
    let (driver, _) = probe(&StandIn::cuda(&["LOAD_SEGV"]));
    assert_eq!(
        driver,
        Observed::Failed(ProbeFailure::Crashed { signal: 11, step: "dlopen libcuda.so.1".to_owned() })
    );
}

#[test]
fn a_crash_while_unloading_costs_nothing() {
    let (_, compute) = probe_cuda(&ask(StandIn::cuda(&["UNLOAD_SEGV"]).path()));
    assert_eq!(compute.seen().unwrap().devices.len(), 1);
}

#[test]
fn a_hang_in_init_ends_at_the_deadline() {
    let stand_in = StandIn::cuda(&["HANG"]);
    let (start, deadline) = (Instant::now(), Duration::from_secs(1));
    let (driver, _) = cuda::probe(&worker(deadline), &ask(stand_in.path()));
    assert!(start.elapsed() < deadline + Duration::from_secs(1), "{:?}", start.elapsed());
    let timed_out = ProbeFailure::TimedOut { after_ms: 1000, step: "cuInit".to_owned(), unkillable: false };
    assert_eq!(driver.failure(), Some(&timed_out));
}

#[test]
fn leaving_in_init_is_a_fact() {
    let (driver, _) = probe(&StandIn::cuda(&["EXIT"]));
    assert_eq!(driver.failure(), Some(&ProbeFailure::Exited { code: 7, step: "cuInit".to_owned() }));
}

#[test]
fn what_a_library_prints_is_no_answer() {
    let (driver, compute) = probe_cuda(&ask(StandIn::cuda(&["NOISE"]).path()));
    assert_eq!(driver.init, Observed::Seen(()));
    assert_eq!(compute.seen().unwrap().devices.len(), 1);
}

#[test]
fn a_crash_while_computing_leaves_the_driver_seen() {
    let (driver, compute) = probe(&StandIn::cuda(&["LAUNCH_SEGV", "DEVICES=2"]));
    let Observed::Seen(driver) = driver else { panic!("{driver:?}") };
    assert_eq!(driver.devices.seen().unwrap()[0].context, Observed::Seen(()));
    assert_eq!(driver.devices.seen().unwrap()[1].context.why_not(), "not probed: not reached");
    let crashed = ProbeFailure::Crashed { signal: 11, step: "cuLaunchKernel".to_owned() };
    assert_eq!(compute.failure(), Some(&crashed));
}

#[test]
fn a_device_that_hangs_does_not_cost_the_one_before() {
    let stand_in = StandIn::cuda(&["RETAIN_HANG=1", "DEVICES=2"]);
    let (driver, compute) = cuda::probe(&worker(Duration::from_secs(1)), &ask(stand_in.path()));
    assert_eq!(driver.failure().unwrap().step(), "cuDevicePrimaryCtxRetain");
    assert_eq!(driver.seen().unwrap().devices.seen().unwrap().len(), 2);
    let computed = compute.seen().unwrap();
    assert_eq!(computed.devices[0].vector_add.seen().unwrap().wrong, 0);
}

#[test]
fn a_refused_launch_gives_everything_back() {
    let stand_in = StandIn::cuda(&["LAUNCH_CODE=1"]);
    let (_, compute) = probe_cuda(&ask(stand_in.path()));
    let added = &compute.seen().unwrap().devices[0].vector_add;
    assert_eq!(added.why_not(), "cuLaunchKernel: error 1 (1)");
    assert_eq!(stand_in.log(), "device 0: 0 buffers, 0 modules left\n");
}

#[test]
fn an_error_that_cuda_keeps_is_not_blamed_on_the_next_device() {
    let (driver, compute) = probe_cuda(&ask(StandIn::cuda(&["LAUNCH_CODE=719", "DEVICES=2"]).path()));
    let computed = &compute.seen().unwrap().devices;
    assert_eq!(computed.len(), 1);
    assert_eq!(computed[0].vector_add.why_not(), "cuLaunchKernel: CUDA_ERROR_LAUNCH_FAILED (719)");
    assert_eq!(
        driver.devices.seen().unwrap()[1].context.why_not(),
        "not probed: device 0 left CUDA_ERROR_LAUNCH_FAILED, which CUDA keeps for the whole process"
    );
}

#[test]
fn a_missing_symbol_costs_its_own_reading() {
    let (driver, compute) = probe_cuda(&ask(StandIn::cuda(&["NO_PCI"]).path()));
    let device = &driver.devices.seen().unwrap()[0];
    assert!(device.pci.why_not().starts_with("cuDeviceGetPCIBusId: missing symbol"), "{device:?}");
    assert_eq!(device.name, Observed::Seen("Stand-in 0".to_owned()));
    assert_eq!(compute.seen().unwrap().devices[0].vector_add.seen().unwrap().wrong, 0);
}

#[test]
fn a_crash_in_nvml_keeps_the_devices_before() {
    let stand_in = StandIn::nvml(&["SEGV_AT=1", "DEVICES=3"]);
    let nvml = nvml::probe(&worker(nvml::DEADLINE), &ask(stand_in.path()));
    let crashed = ProbeFailure::Crashed { signal: 11, step: "nvmlDeviceGetHandleByIndex_v2".to_owned() };
    assert_eq!(nvml.failure(), Some(&crashed));
    assert_eq!(nvml.seen().unwrap().devices.seen().unwrap().len(), 1);
}
