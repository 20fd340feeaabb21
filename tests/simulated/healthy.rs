//! Drivers that are well: everything that the scenario gives arrives, and the kernel computes.

use super::{Simulated, k80, roots, t4, verdicts};
use gpucheck::probe::{cuda, nvml};
use gpucheck_checks::fact::{Memory, Observed, PciAddress, RetiredPages};
use serde_json::{Value, json};
use std::time::Instant;

fn h100() -> Value {
    json!({
        "driver": {"version": "555.58.02", "cuda": 12050},
        "gpus": [{
            "pci": "0000:18:00.0", "pci_device_id": 0x2330_10de_u32, "name": "NVIDIA H100 80GB HBM3",
            "uuid": "GPU-aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee", "compute_capability": [9, 0],
            "memory": {"total": 85_520_809_984_u64, "reserved": 1_000_000}, "multiprocessors": 132,
            "nvml": {"temperature": 30, "remapped_rows": {}, "fabric": [3, 0], "gsp_firmware": "555.58.02"}
        }]
    })
}

/// The oldest driver with a card of its time.
fn m60() -> Value {
    json!({
        "driver": {"version": "390.157", "cuda": 9010},
        "gpus": [{
            "pci": "0000:00:1e.0", "pci_device_id": 0x13f2_10de_u32, "name": "Tesla M60",
            "uuid": "GPU-12345678-1234-1234-1234-123456789abc", "compute_capability": [5, 2],
            "memory": {"total": 7_986_216_960_u64, "used": 11_534_336}, "multiprocessors": 16,
            "nvml": {"temperature": 33, "ecc_mode": [false, false]}
        }]
    })
}

#[test]
fn whatever_the_branch_the_kernel_computes_and_no_root_is_found() {
    for (scenario, gpus) in [(t4(), 1), (k80(), 2), (h100(), 1), (m60(), 1)] {
        let driver = &scenario["driver"]["version"];
        let start = Instant::now();
        let simulated = Simulated::new(&scenario);
        simulated.check();
        println!("{driver}: {:?}", start.elapsed());
        let (report, exit) = simulated.check();
        assert_eq!(roots(&report), [""; 0], "{driver}: {:#}", report["roots"]);
        // Pythons of another root are not run, so that no more can be said of the machine.
        assert_eq!((report["verdict"].as_str(), exit), (Some("incomplete"), Some(3)));
        for id in ["nvml.sees_gpu", "driver.sees_gpu", "driver.opens_context", "compute.adds_vectors"] {
            assert_eq!(verdicts(&report, id), vec!["pass"; gpus], "{driver}: {id}");
        }
        let wrong: Vec<_> = simulated
            .trace()
            .into_iter()
            .filter(|call| call.starts_with("cu") && !call.ends_with(" = 0"))
            .collect();
        assert_eq!(wrong, [""; 0], "{driver}");
    }
}

#[test]
fn every_reading_arrives() {
    let simulated = Simulated::new(&t4());
    let Observed::Seen(nvml) = simulated.nvml(nvml::DEADLINE) else { panic!() };
    assert_eq!(nvml.driver_version, Observed::Seen("535.161.08".to_owned()));
    assert_eq!(nvml.nvml_version, Observed::Seen("12.535.161.08".to_owned()));
    assert_eq!(nvml.cuda_version, Observed::Seen(12020));
    let device = nvml.devices.seen().unwrap()[0].seen().unwrap().clone();
    assert_eq!(device.pci, Observed::Seen(PciAddress::new("0001:00:00.0")));
    assert_eq!(device.pci_device_id, Observed::Seen(0x1eb8_10de));
    assert_eq!(device.name, Observed::Seen("Tesla T4".to_owned()));
    assert_eq!(device.vbios, Observed::Seen("90.04.96.00.9F".to_owned()));
    let (total, reserved) = (16_106_127_360, 468_713_472);
    let memory = Memory { total, free: total - reserved, used: 0, reserved: Some(reserved) };
    assert_eq!(device.memory, Observed::Seen(memory));
    assert_eq!(device.bar1, Observed::Seen((268_435_456, 2_097_152)));
    assert_eq!(device.persistence, Observed::Seen(true));
    assert_eq!(device.clocks.sm, Observed::Seen(300));
    assert_eq!(device.clocks.memory_max, Observed::Seen(5001));
    assert_eq!(device.clock_event_reasons, Observed::Seen(1));
    assert_eq!(device.temperature.slowdown, Observed::Seen(93));
    assert_eq!(device.temperature.shutdown, Observed::Seen(96));
    assert_eq!(device.power.usage, Observed::Seen(9500));
    assert_eq!(device.ecc.mode, Observed::Seen((true, true)));
    let none = RetiredPages { single_bit: 0, double_bit: 0, pending: false };
    assert_eq!(device.retired_pages, Observed::Seen(none));
    assert_eq!(device.link.generation_max, Observed::Seen(3));
    assert_eq!(device.memory_bus_width, Observed::Seen(256));
    assert_eq!(device.virtualization_mode, Observed::Seen(1));
    assert_eq!(device.gsp_firmware.refusal_code(), Some(3), "what is not given is not supported");
    assert_eq!(device.remapped_rows.refusal_code(), Some(3));
    assert_eq!(simulated.trace().last().map(String::as_str), Some("nvmlShutdown = 0"));
}

#[test]
fn a_reading_may_be_refused_by_any_code() {
    let mut scenario = t4();
    let nvml = &mut scenario["gpus"][0]["nvml"];
    nvml["temperature"] = json!({"error": 4711});
    nvml["ecc_mode"] = json!({"error": 15});
    nvml["name"] = json!({"error": 999});
    nvml["processes"] = json!(4);
    let Observed::Seen(nvml) = Simulated::new(&scenario).nvml(nvml::DEADLINE) else { panic!() };
    let device = nvml.devices.seen().unwrap()[0].seen().unwrap().clone();
    assert_eq!(device.temperature.gpu.refusal_code(), Some(4711));
    assert_eq!(device.ecc.mode.refusal_code(), Some(15));
    assert_eq!(device.name.refusal_code(), Some(999));
    assert_eq!(device.compute_processes.refusal_code(), Some(4));
    assert_eq!(device.temperature.slowdown, Observed::Seen(93));
}

#[test]
fn lists_arrive() {
    let mut scenario = t4();
    let gpu = &mut scenario["gpus"][0];
    gpu["nvml"]["retired_pages"] = json!({"single_bit": 3, "double_bit": 1, "pending": true});
    gpu["nvml"]["remapped_rows"] = json!({"corrected": 1, "uncorrected": 2, "pending": true, "failed": true});
    gpu["nvml"]["grid_features"] = json!([{"code": 1, "licensed": false}, {"code": 4, "licensed": true}]);
    gpu["mig"] = json!({"mode": true, "pending": true, "instances": [
        {"name": "T4 MIG 1g.5gb", "uuid": "MIG-1", "memory": {"total": 5 << 30}, "multiprocessors": 14}]});
    let Observed::Seen(nvml) = Simulated::new(&scenario).nvml(nvml::DEADLINE) else { panic!() };
    let device = nvml.devices.seen().unwrap()[0].seen().unwrap().clone();
    let pages = RetiredPages { single_bit: 3, double_bit: 1, pending: true };
    assert_eq!(device.retired_pages, Observed::Seen(pages));
    let rows = device.remapped_rows.seen().unwrap();
    assert_eq!((rows.corrected, rows.uncorrected, rows.pending, rows.failed), (1, 2, true, true));
    let features = device.grid_features.seen().unwrap();
    let features: Vec<_> = features.iter().map(|feature| (feature.code, feature.licensed)).collect();
    assert_eq!(features, [(1, false), (4, true)]);
    assert_eq!(device.mig_mode, Observed::Seen((true, true)));
    let instances = device.mig_instances.seen().unwrap();
    assert_eq!(instances[0].name, Observed::Seen("T4 MIG 1g.5gb".to_owned()));
    assert_eq!(instances.len(), 1);
}

#[test]
fn processes_arrive_in_every_layout_that_drivers_had() {
    for (version, entry) in [("390.157", 16), ("470.256.02", 24), ("535.161.08", 24), ("535.54.03", 32)] {
        for count in [0_u32, 1, 2, 40] {
            let mut scenario = t4();
            scenario["driver"]["version"] = json!(version);
            let process = |i: u32| json!({"pid": 4_000_000 + i, "memory": (u64::from(i) + 1) * 1000});
            scenario["gpus"][0]["processes"] = (0..count).map(process).collect();
            let Observed::Seen(nvml) = Simulated::new(&scenario).nvml(nvml::DEADLINE) else { panic!() };
            let device = nvml.devices.seen().unwrap()[0].seen().unwrap().clone();
            let seen: Vec<_> =
                device.compute_processes.seen().unwrap().iter().map(|one| (one.pid, one.memory)).collect();
            let expected: Vec<_> =
                (0..count).map(|i| (4_000_000 + i, Some((u64::from(i) + 1) * 1000))).collect();
            assert_eq!(seen, expected, "{version}: {entry} bytes");
        }
    }
}

#[test]
fn cuda_sees_what_the_scenario_has() {
    let (driver, compute) = Simulated::new(&k80()).cuda(cuda::DEADLINE);
    let driver = driver.seen().unwrap().clone();
    assert_eq!(driver.version, Observed::Seen(11040));
    let devices = driver.devices.seen().unwrap();
    for (device, address) in devices.iter().zip(["0001:00:00.0", "0002:00:00.0"]) {
        assert_eq!(device.pci, Observed::Seen(PciAddress::new(address)));
        assert_eq!(device.name, Observed::Seen("Tesla K80".to_owned()));
        assert_eq!(device.compute_capability, Observed::Seen((3, 7)));
        assert_eq!(device.memory, Observed::Seen(11_996_954_624 - 65_536));
    }
    let sums: Vec<_> =
        compute.seen().unwrap().devices.iter().map(|device| device.vector_add.clone()).collect();
    assert_eq!(sums.len(), 2);
    assert!(sums.iter().all(|sum| sum.seen().unwrap().wrong == 0));
}

#[test]
fn without_a_scenario_every_call_is_refused_and_says_so() {
    let simulated = Simulated::new(&t4());
    let output = std::process::Command::new("python3")
        .args(["-c", "import ctypes, sys; print(ctypes.CDLL(sys.argv[1]).cuInit(0))"])
        .arg(simulated.libraries.join("libcuda.so.1"))
        .env("GPUSIM_SCENARIO", "/nowhere/scenario.json")
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "999\n");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.starts_with("gpusim: /nowhere/scenario.json: No such file"), "{said}");
}
