//! What may happen at a call, each kind once: gpucheck hears it in time and blames the right layer.

use super::{Simulated, k80, roots, t4, verdicts};
use gpucheck::probe::{cuda, nvml};
use gpucheck_checks::fact::{Compute, Driver, Observed, ProbeFailure, VectorAdd};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// What the probe of CUDA sees of a T4 where this happens at a call.
fn cuda_with(call: &str, action: &Value) -> (Observed<Driver>, Observed<Compute>) {
    Simulated::with(&t4(), call, action).cuda(cuda::DEADLINE)
}

fn sum(compute: &Observed<Compute>) -> Observed<VectorAdd> {
    compute.seen().unwrap().devices[0].vector_add.clone()
}

#[test]
fn a_code_is_returned() {
    let (driver, _) = cuda_with("cuInit", &json!({"return": 803}));
    let init = &driver.seen().unwrap().init;
    assert_eq!(
        init.why_not(),
        "cuInit: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH (803): system has unsupported display driver / cuda driver combination"
    );
    let (report, exit) = Simulated::with(&t4(), "cuInit", &json!({"return": 803})).check();
    assert_eq!(
        (roots(&report).first(), exit),
        (Some(&"driver.initializes"), Some(1)),
        "{:#}",
        report["roots"]
    );
}

#[test]
fn the_second_call_or_the_second_gpu_alone() {
    let mut scenario = k80();
    scenario["faults"] = json!([{"call": "cuMemAlloc_v2", "nth": 2, "do": {"return": 2}}]);
    let simulated = Simulated::new(&scenario);
    let (_, compute) = simulated.cuda(cuda::DEADLINE);
    let devices = &compute.seen().unwrap().devices;
    assert_eq!(devices[0].vector_add.refusal_code(), Some(2));
    assert_eq!(devices[1].vector_add.seen().unwrap().wrong, 0);
    // What was taken before the refusal is given back.
    let calls = simulated.trace();
    assert_eq!(calls.iter().filter(|call| *call == "cuMemFree_v2 = 0").count(), 1 + 3);
    scenario["faults"] = json!([{"call": "cuDevicePrimaryCtxRetain", "gpu": 1, "do": {"return": 214}}]);
    let (driver, _) = Simulated::new(&scenario).cuda(cuda::DEADLINE);
    let devices = driver.seen().unwrap().devices.seen().unwrap().clone();
    assert_eq!(devices[0].context, Observed::Seen(()));
    assert_eq!(devices[1].context.refusal_code(), Some(214));
}

#[test]
fn an_error_that_cuda_keeps_stays_for_the_process() {
    let mut scenario = k80();
    scenario["faults"] = json!([{"call": "cuLaunchKernel", "nth": 1, "do": {"return": 719}}]);
    let simulated = Simulated::new(&scenario);
    let (driver, _) = simulated.cuda(cuda::DEADLINE);
    let trace = simulated.trace();
    let after = trace.iter().skip_while(|call| *call != "cuLaunchKernel = 719");
    let codes: Vec<_> = after
        .filter(|call| !call.contains("cuGetError"))
        .map(|call| call.rsplit(' ').next().unwrap())
        .collect();
    assert!(codes.len() > 3 && codes.iter().all(|code| *code == "719"), "{trace:?}");
    let devices = driver.seen().unwrap().devices.seen().unwrap().clone();
    assert!(devices[1].context.why_not().contains("CUDA_ERROR_LAUNCH_FAILED"), "{devices:?}");
}

#[test]
fn hanging_and_spinning_end_at_the_deadline() {
    for action in ["hang", "spin"] {
        let simulated = Simulated::with(&t4(), "cuInit", &json!(action));
        let (start, deadline) = (Instant::now(), Duration::from_secs(1));
        let (driver, _) = simulated.cuda(deadline);
        assert!(start.elapsed() < deadline + Duration::from_secs(1), "{action}: {:?}", start.elapsed());
        let timed_out =
            ProbeFailure::TimedOut { after_ms: 1000, step: "cuInit".to_owned(), unkillable: false };
        assert_eq!(driver.failure(), Some(&timed_out));
        assert_eq!(simulated.trace().last().map(String::as_str), Some("cuInit"));
    }
}

#[test]
fn a_delay_is_waited_for() {
    let start = Instant::now();
    let (_, compute) = cuda_with("cuCtxSynchronize", &json!({"delay_ms": 300}));
    assert!(start.elapsed() >= Duration::from_millis(300));
    assert_eq!(sum(&compute).seen().unwrap().wrong, 0);
}

#[test]
fn ends_of_the_process() {
    let step = || "cuDeviceGetCount".to_owned();
    for (action, failure) in [
        (json!("segv"), ProbeFailure::Crashed { signal: 11, step: step() }),
        (json!("abort"), ProbeFailure::Crashed { signal: 6, step: step() }),
        (json!({"exit": 7}), ProbeFailure::Exited { code: 7, step: step() }),
    ] {
        let (driver, _) = cuda_with("cuDeviceGetCount", &action);
        assert_eq!(driver.failure(), Some(&failure), "{action}");
    }
}

#[test]
fn a_library_may_die_while_it_is_loaded() {
    let (driver, _) = cuda_with("dlopen libcuda.so.1", &json!("segv"));
    let crashed = ProbeFailure::Crashed { signal: 11, step: "dlopen libcuda.so.1".to_owned() };
    assert_eq!(driver, Observed::Failed(crashed));
    // gpucheck's worker leaves without unloading anything.
    let (_, compute) = cuda_with("dlclose libcuda.so.1", &json!("segv"));
    assert_eq!(sum(&compute).seen().unwrap().wrong, 0);
}

#[test]
fn what_is_printed_is_no_answer() {
    for action in [json!({"stdout": "{\"answer\":\"not this one\"}\n"}), json!({"stderr": "not this one\n"})]
    {
        let (driver, compute) = cuda_with("cuInit", &action);
        assert_eq!(driver.seen().unwrap().init, Observed::Seen(()));
        assert_eq!(sum(&compute).seen().unwrap().wrong, 0);
    }
}

#[test]
fn one_wrong_bit_is_found_wherever_it_comes_from() {
    for call in ["cuLaunchKernel", "cuMemcpyDtoH_v2"] {
        for element in [0, 4097, 100_002] {
            let (_, compute) = cuda_with(call, &json!({"bit_flip": {"byte": 4 * element, "bit": 0}}));
            let sum = *sum(&compute).seen().unwrap();
            assert_eq!((sum.wrong, sum.first_wrong), (1, Some(element)), "{call}");
        }
    }
    // An operand that arrives wrong makes a sum that is; of its bits only some change what is rounded.
    let (_, compute) = cuda_with("cuMemcpyHtoD_v2", &json!({"bit_flip": {"byte": 11, "bit": 7}}));
    assert!(sum(&compute).seen().unwrap().wrong >= 1);
    let (report, exit) = Simulated::with(&t4(), "cuLaunchKernel", &json!({"bit_flip": {"byte": 28}})).check();
    assert_eq!((roots(&report), exit), (vec!["compute.adds_vectors"], Some(1)));
}

#[test]
fn a_kernel_that_never_runs_is_all_wrong() {
    let (_, compute) = cuda_with("cuLaunchKernel", &json!("skip"));
    let sum = *sum(&compute).seen().unwrap();
    assert_eq!((sum.wrong, sum.first_wrong), (sum.elements, Some(0)));
}

#[test]
fn garbage_is_no_answer() {
    let simulated = Simulated::with(&t4(), "nvmlDeviceGetName", &json!({"garbage": 0xa5}));
    let Observed::Seen(nvml) = simulated.nvml(nvml::DEADLINE) else { panic!() };
    let device = nvml.devices.seen().unwrap()[0].seen().unwrap().clone();
    assert_ne!(device.name, Observed::Seen("Tesla T4".to_owned()));
    let (_, compute) = cuda_with("cuMemcpyDtoH_v2", &json!({"garbage": 0xa5}));
    assert_eq!(sum(&compute).seen().unwrap().wrong, 100_003);
}

#[test]
fn ptx_that_is_too_new_for_the_driver_is_refused() {
    let mut scenario = t4();
    scenario["driver"]["ptx"] = json!([5, 0]);
    let (_, compute) = Simulated::new(&scenario).cuda(cuda::DEADLINE);
    assert_eq!(sum(&compute).refusal_code(), Some(222));
}

#[test]
fn memory_and_compute_modes_are_kept_to() {
    let mut full = t4();
    full["gpus"][0]["memory"]["used"] = json!(16_106_127_360_u64 - 468_713_472 - 400_000);
    let (_, compute) = Simulated::new(&full).cuda(cuda::DEADLINE);
    assert_eq!(sum(&compute).refusal_code(), Some(2));
    for (mode, process, version, code) in [
        (2, false, "535.161.08", Some(46)),
        (3, true, "535.161.08", Some(46)),
        (2, false, "470.256.02", Some(999)),
        (3, false, "535.161.08", None),
    ] {
        let mut scenario = t4();
        scenario["driver"]["version"] = json!(version);
        scenario["gpus"][0]["nvml"]["compute_mode"] = json!(mode);
        if process {
            scenario["gpus"][0]["processes"] = json!([{"pid": 4_000_000, "memory": 1}]);
        }
        let (driver, _) = Simulated::new(&scenario).cuda(cuda::DEADLINE);
        let devices = driver.seen().unwrap().devices.seen().unwrap().clone();
        assert_eq!(devices[0].context.refusal_code(), code, "mode {mode} on {version}");
    }
}

#[test]
fn a_gpu_that_is_lost_is_told_by_nvml() {
    let mut scenario = k80();
    scenario["gpus"][1]["nvml"]["handle"] = json!(15);
    scenario["gpus"][1]["in_cuda"] = json!(false);
    let (report, _) = Simulated::new(&scenario).check();
    assert_eq!(roots(&report).first(), Some(&"nvml.sees_gpu"), "{:#}", report["roots"]);
    assert_eq!(
        verdicts(&report, "compute.adds_vectors").iter().filter(|verdict| **verdict == "pass").count(),
        1
    );
    assert!(report.to_string().contains("GPU_IS_LOST (15)"), "{report:#}");
}
