//! Libraries that work: what they say arrives, and a wrong sum is found.

use super::{ask, probe_cuda, probe_nvml, stand_in::StandIn};
use gpucheck_checks::fact::{Memory, Observed, PciAddress, VectorAdd};

/// The one device's sum.
fn vector_add(stand_in: &StandIn) -> VectorAdd {
    let (_, compute) = probe_cuda(&ask(stand_in.path()));
    *compute.seen().unwrap().devices[0].vector_add.seen().unwrap()
}

#[test]
fn every_device_adds_and_gives_everything_back() {
    let stand_in = StandIn::cuda(&["DEVICES=2"]);
    let (driver, compute) = probe_cuda(&ask(stand_in.path()));
    let devices = driver.devices.seen().unwrap();
    for (i, address) in ["0001:0a:00.0", "0001:0b:00.0"].into_iter().enumerate() {
        let address = PciAddress::new(address);
        assert_eq!(devices[i].pci, Observed::Seen(address.clone()));
        assert_eq!(devices[i].compute_capability, Observed::Seen((7, 5)));
        assert_eq!(devices[i].memory, Observed::Seen(16 << 30));
        assert_eq!(devices[i].context, Observed::Seen(()));
        let computed = &compute.seen().unwrap().devices[i];
        assert_eq!(computed.pci, Some(address));
        let sum = computed.vector_add.seen().unwrap();
        assert_eq!((sum.wrong, sum.first_wrong), (0, None));
        assert!(sum.elements > 4096 && sum.elements % 256 != 0);
    }
    let log = "device 0: 0 buffers, 0 modules left\ndevice 1: 0 buffers, 0 modules left\n";
    assert_eq!(stand_in.log(), log);
}

#[test]
fn one_flipped_bit_is_found() {
    for at in [0, 4097, 100_002] {
        let sum = vector_add(&StandIn::cuda(&[&format!("FLIP={at}")]));
        assert_eq!((sum.wrong, sum.first_wrong), (1, Some(at)));
    }
}

#[test]
fn a_kernel_that_never_ran_is_all_wrong() {
    let sum = vector_add(&StandIn::cuda(&["SKIP"]));
    assert_eq!((sum.wrong, sum.first_wrong), (sum.elements, Some(0)));
}

#[test]
fn nvml_readings_stand_by_themselves() {
    let stand_in = StandIn::nvml(&["DEVICES=2", "LOST=1"]);
    let nvml = probe_nvml(&ask(stand_in.path()));
    assert_eq!(nvml.driver_version, Observed::Seen("535.54.03".to_owned()));
    assert_eq!(nvml.cuda_version, Observed::Seen(12020));
    let devices = nvml.devices.seen().unwrap();
    let device = devices[0].seen().unwrap();
    assert_eq!(device.pci, Observed::Seen(PciAddress::new("0001:3b:00.0")));
    assert_eq!(device.pci_device_id, Observed::Seen(0x1eb8_10de));
    assert_eq!(device.name, Observed::Seen("Stand-in".to_owned()));
    // The second version is missing, as in drivers up to 470; the first is asked.
    assert_eq!(device.memory, Observed::Seen(Memory { total: 300, free: 200, used: 100, reserved: None }));
    let clocks = &device.clocks;
    assert_eq!(
        (&clocks.application_sm, &clocks.application_sm_default),
        (&Observed::Seen(562), &Observed::Seen(585))
    );
    assert!(nvml.start_ms.is_some_and(|ms| ms < 5_000));
    assert_eq!(device.virtualization_mode, Observed::Seen(77), "an unknown value stays a number");
    assert!(device.power.usage.why_not().starts_with("nvmlDeviceGetPowerUsage: NOT_SUPPORTED (3)"));
    assert_eq!(device.persistence.refusal_code(), Some(4711));
    assert_eq!(device.remapped_rows.refusal_code(), Some(13));
    let lost = devices[1].failure().unwrap().to_string();
    assert!(lost.starts_with("nvmlDeviceGetHandleByIndex_v2: GPU_IS_LOST (15)"), "{lost}");
    assert_eq!(stand_in.log(), "shut down\n");
}

#[test]
fn processes_are_read_in_whatever_layout_they_come() {
    for stride in [24, 32] {
        for count in [0, 1, 2, 40] {
            let defines = [format!("STRIDE={stride}"), format!("PROCESSES={count}")];
            let stand_in = StandIn::nvml(&[&defines[0], &defines[1]]);
            let nvml = probe_nvml(&ask(stand_in.path()));
            let device = nvml.devices.seen().unwrap()[0].seen().unwrap().clone();
            let processes = device.compute_processes.seen().unwrap();
            let seen: Vec<_> = processes.iter().map(|one| (one.pid, one.memory)).collect();
            let expected: Vec<_> =
                (0..count).map(|i| (4_000_000 + i, Some((u64::from(i) + 1) * 1000))).collect();
            assert_eq!(seen, expected, "{stride} bytes");
            assert!(processes.iter().all(|process| !process.ours));
        }
    }
}
