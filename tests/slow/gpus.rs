//! GPUs that are watched: what their driver tells is heard, and what was heard is kept, whatever becomes of it.

use super::SECOND;
use crate::simulated::{Simulated, k80, t4};
use gpucheck::{
    probe::nvml::{self, Watch},
    worker::Ask,
};
use gpucheck_checks::fact::{GpuLoad, GpuSample, Observed, ProbeFailure};
use serde_json::{Value, json};
use std::{
    thread,
    time::{Duration, Instant},
};

/// Time that the driver may be silent; a busy machine takes its own.
const PATIENCE: Duration = Duration::from_secs(5);

fn watched(simulated: &Simulated, time: Duration) -> Observed<Vec<GpuLoad>> {
    nvml::watch(&simulated.worker(PATIENCE), &simulated.ask(), Some(time), &Watch::default())
}

fn at_work() -> Value {
    let mut scenario = t4();
    let gpu = &mut scenario["gpus"][0];
    gpu["nvml"]["utilization"] = json!([97, 61]);
    gpu["nvml"]["link_throughput"] = json!([1500, 250_000]);
    gpu["processes"] = json!([
        {"pid": 4242, "memory": 1_000_000, "activity": 93, "memory_activity": 40},
        {"pid": 4243, "memory": 1_000_000}
    ]);
    gpu["xid_events"] = json!([31, 13]);
    scenario
}

fn samples(gpu: &GpuLoad) -> &[GpuSample] {
    gpu.samples.seen().map(Vec::as_slice).unwrap_or_default()
}

#[test]
fn a_gpu_at_work_is_sampled_all_the_time() {
    let seen = watched(&Simulated::new(&at_work()), SECOND * 2);
    let [gpu] = seen.seen().unwrap().as_slice() else { panic!("{seen:?}") };
    let samples = samples(gpu);
    // Twenty, where nothing else keeps the processors busy.
    assert!((6..=22).contains(&samples.len()), "{samples:?}");
    assert!(samples.last().unwrap().at_ms >= 2000 && samples[0].at_ms < 500);
    for sample in samples {
        let expected = GpuSample {
            at_ms: sample.at_ms,
            activity: Some(97),
            memory_activity: Some(61),
            memory_used: sample.memory_used,
            sm_mhz: Some(300),
            memory_mhz: Some(405),
            reasons: Some(1),
            temperature: Some(34),
            power_mw: Some(9_500),
            link_generation: Some(1),
            link_width: Some(16),
            sent_kbs: sample.sent_kbs,
            received_kbs: sample.received_kbs,
        };
        assert_eq!(*sample, expected);
        assert!(sample.memory_used.is_some());
    }
    let traffic: Vec<_> = samples.iter().filter_map(|one| one.sent_kbs.zip(one.received_kbs)).collect();
    assert!(
        (1..=3).contains(&traffic.len()) && traffic.iter().all(|one| *one == (1500, 250_000)),
        "{traffic:?}"
    );
    let used = gpu.processes.seen().unwrap();
    let used: Vec<_> = used.iter().map(|one| (one.pid, one.activity, one.memory_activity)).collect();
    assert_eq!(used, [(4242, 93, 40)]);
    assert_eq!(gpu.xids, Some(vec![31, 13]));
}

#[test]
fn what_a_driver_refuses_is_none_and_the_rest_is_there() {
    let mut scenario = at_work();
    scenario["faults"] = json!([
        {"call": "nvmlDeviceGetProcessUtilization", "do": {"return": 3}},
        {"call": "nvmlDeviceRegisterEvents", "do": {"return": 3}},
        {"call": "nvmlDeviceGetPcieThroughput", "do": {"return": 3}},
        {"call": "nvmlDeviceGetPowerUsage", "do": {"return": 999}}
    ]);
    let seen = watched(&Simulated::new(&scenario), SECOND);
    let Observed::Seen(gpus) = &seen else { panic!("{seen:?}") };
    assert_eq!(gpus[0].processes.refusal_code(), Some(3));
    assert_eq!(gpus[0].xids, None);
    for sample in samples(&gpus[0]) {
        assert_eq!((sample.sent_kbs, sample.received_kbs, sample.power_mw), (None, None, None));
        assert_eq!(sample.activity, Some(97));
    }
}

#[test]
fn an_old_driver_tells_xids_by_its_own_call() {
    let mut scenario = k80();
    scenario["driver"] = json!({"version": "418.226.00", "cuda": 10010});
    scenario["gpus"][1]["xid_events"] = json!([48]);
    let simulated = Simulated::new(&scenario);
    let seen = watched(&simulated, SECOND);
    let Observed::Seen(gpus) = &seen else { panic!("{seen:?}") };
    assert_eq!((&gpus[0].xids, &gpus[1].xids), (&Some(Vec::new()), &Some(vec![48])));
    let calls = simulated.trace();
    assert!(!calls.iter().any(|call| call.starts_with("nvmlEventSetWait_v2")), "{calls:?}");
    // NVML samples processes from Maxwell on.
    assert_eq!(gpus[0].processes.refusal_code(), Some(3));
    for given_back in ["nvmlEventSetFree = 0", "nvmlShutdown = 0"] {
        assert!(calls.iter().any(|call| call == given_back), "{given_back}");
    }
}

#[test]
fn a_hang_in_the_third_sample_keeps_two() {
    let mut scenario = at_work();
    scenario["faults"] = json!([{"call": "nvmlDeviceGetUtilizationRates", "nth": 3, "do": "hang"}]);
    let simulated = Simulated::new(&scenario);
    let start = Instant::now();
    let seen = nvml::watch(&simulated.worker(SECOND), &simulated.ask(), Some(SECOND * 30), &Watch::default());
    assert!(start.elapsed() < SECOND * 10, "{:?}", start.elapsed());
    let by = ProbeFailure::TimedOut {
        after_ms: 1000,
        step: "nvmlDeviceGetUtilizationRates".to_owned(),
        unkillable: false,
    };
    let Observed::Interrupted { seen: gpus, by: told } = &seen else { panic!("{seen:?}") };
    assert_eq!(told, &by);
    assert_eq!((samples(&gpus[0]).len(), gpus[0].samples.failure()), (2, Some(&by)));
}

#[test]
fn a_crash_in_the_third_sample_keeps_two() {
    let mut scenario = at_work();
    scenario["faults"] = json!([{"call": "nvmlDeviceGetPowerUsage", "nth": 3, "do": "segv"}]);
    let seen = watched(&Simulated::new(&scenario), SECOND * 30);
    let Observed::Interrupted { seen: gpus, by } = &seen else { panic!("{seen:?}") };
    assert_eq!(by, &ProbeFailure::Crashed { signal: 11, step: "nvmlDeviceGetPowerUsage".to_owned() });
    assert_eq!(samples(&gpus[0]).len(), 2);
}

#[test]
fn a_gpu_that_is_lost_leaves_the_other_alone() {
    let mut scenario = k80();
    for gpu in 0..2 {
        scenario["gpus"][gpu]["nvml"]["utilization"] = json!([50, 10]);
    }
    scenario["faults"] = json!([{"call": "nvmlDevice*", "gpu": 1, "from": 60, "do": {"return": 15}}]);
    let seen = watched(&Simulated::new(&scenario), SECOND * 2);
    let Observed::Seen(gpus) = &seen else { panic!("{seen:?}") };
    assert!(samples(&gpus[0]).len() > samples(&gpus[1]).len());
    assert!(!samples(&gpus[1]).is_empty());
    assert_eq!((gpus[0].samples.failure(), gpus[1].samples.refusal_code()), (None, Some(15)));
}

#[test]
fn a_driver_that_does_not_initialize_says_why() {
    let simulated = Simulated::with(&t4(), "nvmlInit_v2", &json!({"return": 9}));
    assert_eq!(watched(&simulated, SECOND).refusal_code(), Some(9));
    let crashes = Simulated::with(&t4(), "nvmlInit_v2", &json!("segv"));
    assert!(matches!(watched(&crashes, SECOND), Observed::Failed(ProbeFailure::Crashed { .. })));
    let held = Ask { hold_init: Some("no module".to_owned()), ..crashes.ask() };
    let seen = nvml::watch(&crashes.worker(PATIENCE), &held, Some(SECOND), &Watch::default());
    assert_eq!(seen, Observed::not_probed("no module"));
}

#[test]
fn a_watch_without_an_end_ends_when_it_is_told_to() {
    let simulated = Simulated::new(&at_work());
    let watch = Watch::default();
    let (worker, ask, told) = (simulated.worker(PATIENCE), simulated.ask(), watch.clone());
    let watching = thread::spawn(move || nvml::watch(&worker, &ask, None, &told));
    assert!(crate::stage::within(SECOND * 20, || watch.so_far().iter().any(|gpu| samples(gpu).len() > 2)));
    let start = Instant::now();
    watch.end();
    let seen = watching.join().unwrap();
    assert!(start.elapsed() < SECOND * 3, "{:?}", start.elapsed());
    let Observed::Seen(gpus) = &seen else { panic!("{seen:?}") };
    assert!(samples(&gpus[0]).len() > 2 && gpus[0].xids.is_some());
}
