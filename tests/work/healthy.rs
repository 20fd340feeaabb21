//! GPUs that are well: everything is right, everything was done, nothing is left.

use super::{PATIENCE, SMALL, assert_nothing_is_left, done, done_and_told, only, plan, successes};
use crate::simulated::{Simulated, k80, t4};
use gpucheck::probe::cuda::work::Wish;
use gpucheck_checks::fact::{Level, Observed, Pattern, Work, WorkDevice};
use serde_json::{Value, json};
use std::time::Duration;

/// 141 GB, as NVIDIA's data sheet of the H200 has it.
fn h200() -> Value {
    json!({
        "driver": {"version": "555.58.02", "cuda": 12050},
        "gpus": [{
            "pci": "0000:18:00.0", "pci_device_id": 0x2335_10de_u32, "name": "NVIDIA H200",
            "uuid": "GPU-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeef", "compute_capability": [9, 0],
            "memory": {"total": 150_754_820_096_u64, "reserved": 500_000_000}, "multiprocessors": 132,
            "nvml": {"temperature": 30, "utilization": [0, 0], "memory_bus_width": 6144,
                     "max_clocks": {"sm": 1980, "memory": 3201}}
        }]
    })
}

fn assert_right(device: &WorkDevice) {
    for product in [&device.integer_product, &device.float_product] {
        assert_eq!(product.seen().map(|product| product.wrong), Some(0), "{product:?}");
    }
    let memory = device.memory.seen().unwrap_or_else(|| panic!("{device:#?}"));
    assert_eq!((memory.wrong, memory.faults.len()), (0, 0), "{memory:?}");
    for copy in [&device.copy, &device.upload, &device.download] {
        assert!(copy.seen().is_none_or(|copy| copy.wrong == 0), "{copy:?}");
    }
    assert!(device.arithmetic.seen().is_none_or(|done| done.wrong == 0), "{device:#?}");
    let failures = [device.free.failure(), device.memory.failure(), device.arithmetic.failure()];
    assert_eq!(failures, [None; 3]);
}

#[test]
fn a_healthy_gpu_does_all_of_it_right_and_keeps_nothing() {
    for (scenario, gpus) in [(t4(), 1), (k80(), 2), (h200(), 1)] {
        let name = &scenario["gpus"][0]["name"];
        let simulated = Simulated::new(&scenario);
        let (_, plan) = plan(&simulated, SMALL);
        assert_eq!(plan.devices.len(), gpus, "{name}");
        let before = simulated.trace().len();
        let done = done(&simulated, &plan, PATIENCE);
        let Observed::Seen(Work { level: Level::Usual, devices, soaked_s: None }) = &done else {
            panic!("{name}: {done:#?}")
        };
        assert_eq!(devices.len(), gpus);
        for device in devices {
            assert_right(device);
            assert_eq!((device.memory.seen().unwrap().bytes, device.rounds), (1 << 20, 1));
            assert_eq!(device.copy, Observed::not_probed("small work"));
        }
        assert_nothing_is_left(&simulated.trace()[before..]);
    }
}

#[test]
fn the_usual_work_times_what_it_does() {
    let simulated = Simulated::new(&t4());
    let (facts, plan) = plan(&simulated, Wish::default());
    let before = simulated.trace().len();
    let done = done(&simulated, &plan, PATIENCE);
    let device = only(&done);
    assert_right(device);
    assert_eq!(device.stepped_back, None);
    assert_eq!(device.pci, facts.cuda_devices().next().unwrap().pci.seen().cloned());
    let made_of = device.made_of.seen().unwrap();
    assert_eq!((made_of.multiprocessors, made_of.memory_bus_width), (40, 256));
    assert_eq!((made_of.clock_khz, made_of.memory_clock_khz), (1_590_000, 5_001_000));
    let memory = device.memory.seen().unwrap();
    assert_eq!(memory.bytes, 256 << 20);
    let patterns: Vec<_> = memory.passes.iter().map(|pass| pass.pattern).collect();
    let all = [Pattern::Address, Pattern::Inverse, Pattern::Random, Pattern::WalkingBit, Pattern::WalkingGap];
    assert_eq!(patterns, all);
    assert!(memory.passes.iter().all(|pass| pass.write_us > 0 && pass.check_us > 0));
    for copy in [&device.copy, &device.upload, &device.download] {
        let copy = copy.seen().unwrap();
        assert!(copy.bytes >= 32 << 20 && copy.device_us > 0, "{copy:?}");
    }
    let arithmetic = device.arithmetic.seen().unwrap();
    assert!(arithmetic.operations >= 40 * 8 * 256 * 128, "{arithmetic:?}");
    for step in &device.steps {
        println!("{:>16}: {:>8.1} ms", step.name, Duration::from_micros(step.wall_us).as_secs_f64() * 1e3);
    }
    let names: Vec<_> = device.steps.iter().map(|step| step.name.as_str()).collect();
    let expected = [
        "context",
        "load",
        "integer_product",
        "float_product",
        "memory",
        "copy",
        "download",
        "upload",
        "arithmetic",
    ];
    assert_eq!(names, expected);
    assert_nothing_is_left(&simulated.trace()[before..]);
    assert!(successes(&simulated.trace(), "cuMemHostAlloc") == 1);
}

#[test]
fn rates_are_those_of_the_gpu() {
    let mut scenario = t4();
    let speed = json!({"memory_gbs": 250.0, "upload_gbs": 11.0, "download_gbs": 12.0, "gflops": 5.0});
    scenario["gpus"][0]["speed"] = speed.clone();
    let simulated = Simulated::new(&scenario);
    let (_, mut plan) = plan(&simulated, SMALL);
    plan.devices[0].most = Some(32 << 20);
    plan.devices[0].untimed = None;
    let done = done(&simulated, &plan, PATIENCE);
    let device = only(&done);
    let [copy, upload, download] =
        [&device.copy, &device.upload, &device.download].map(|copy| *copy.seen().unwrap());
    let arithmetic = device.arithmetic.seen().unwrap();
    let rates = [
        ("memory_gbs", 2 * copy.bytes, copy.device_us),
        ("upload_gbs", upload.bytes, upload.device_us),
        ("download_gbs", download.bytes, download.device_us),
        ("gflops", arithmetic.operations, arithmetic.device_us),
    ];
    for (name, done, device_us) in rates {
        let expected = speed[name].as_f64().unwrap();
        let rate =
            Duration::from_micros(done).as_secs_f64() / Duration::from_micros(device_us).as_secs_f64() / 1e3;
        println!("{name}: {rate:.2} of {expected}");
        assert!((rate / expected - 1.0).abs() < 0.03, "{name}: {rate} of {expected}");
    }
}

#[test]
fn deep_work_takes_what_is_free_in_pieces_and_says_how_far_it_is() {
    let mut scenario = t4();
    scenario["gpus"][0]["memory"] = json!({"total": 1_400 << 20, "reserved": 0});
    let simulated = Simulated::new(&scenario);
    let (_, mut plan) = plan(&simulated, Wish { deep: true, ..Wish::default() });
    assert_eq!((plan.passes.len(), plan.product_size), (70, 1024));
    plan.passes.truncate(2);
    plan.product_size = 64;
    let before = simulated.trace().len();
    let (done, told) = done_and_told(&simulated, &plan);
    let device = only(&done);
    assert_right(device);
    let (free, tested) = (*device.free.seen().unwrap(), device.memory.seen().unwrap().bytes);
    println!("{tested} of {free} bytes tested");
    assert!(tested >= free / 100 * 95 && tested < free);
    let traffic = 2 * tested;
    let told: Vec<_> = told.iter().map(|told| (told.device, told.done, told.all)).collect();
    // What comes in one reading of the pipe is told once.
    assert!(told.iter().all(|told| [(0, traffic, Some(2 * traffic)), (0, 2 * traffic, Some(2 * traffic))].contains(told)), "{told:?}");
    assert!(!told.is_empty());
    assert_nothing_is_left(&simulated.trace()[before..]);
}

#[test]
fn work_that_goes_on_counts_its_rounds() {
    let simulated = Simulated::new(&k80());
    let (_, mut plan) = plan(&simulated, Wish { soak_s: Some(2), small: true, ..Wish::default() });
    plan.passes.truncate(4);
    let before = simulated.trace().len();
    let (done, told) = done_and_told(&simulated, &plan);
    let Observed::Seen(work) = &done else { panic!("{done:#?}") };
    assert_eq!((work.level, work.devices.len()), (Level::Soak, 2));
    assert!(work.soaked_s.is_some_and(|seconds| (2..60).contains(&seconds)), "{:?}", work.soaked_s);
    for device in &work.devices {
        assert_right(device);
        assert!(device.rounds > 1, "{}", device.rounds);
    }
    assert!(told.iter().any(|told| told.device == 0) && told.iter().any(|told| told.device == 1));
    assert!(told.iter().all(|told| told.all.is_none() && told.left_s <= 2));
    assert_nothing_is_left(&simulated.trace()[before..]);
}
