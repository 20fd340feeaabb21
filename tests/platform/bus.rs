//! The PCI bus as sysfs shows it, and as nobody would expect it.

use super::bus_of;
use crate::stage::Machine;
use gpucheck::probe::pci;
use gpucheck_checks::fact::{ConfigSpace, MemoryRegion, Observed, PciAddress, PciFunction};
use std::{
    os::unix::fs::symlink,
    time::{Duration, Instant},
};

const DEVICES: &str = "/sys/bus/pci/devices";

/// A function with the files that sysfs has for each.
fn with(machine: Machine, address: &str, files: &[(&str, &str)]) -> Machine {
    files.iter().fold(machine, |machine, (name, content)| {
        machine.file(&format!("{DEVICES}/{address}/{name}"), format!("{content}\n"))
    })
}

/// The header of a config space: vendor and device first, little endian.
fn header(vendor: u16, device: u16) -> Vec<u8> {
    let mut bytes = vec![0_u8; 256];
    bytes[..2].copy_from_slice(&vendor.to_le_bytes());
    bytes[2..4].copy_from_slice(&device.to_le_bytes());
    bytes
}

fn t4(machine: Machine) -> Machine {
    // A T4 in Azure, whose addresses have domains of their own.
    let address = "0001:00:00.0";
    let files = [
        ("vendor", "0x10de"),
        ("device", "0x1eb8"),
        ("class", "0x030200"),
        ("subsystem_vendor", "0x10de"),
        ("subsystem_device", "0x12a2"),
        ("current_link_speed", "2.5 GT/s PCIe"),
        ("max_link_speed", "8.0 GT/s PCIe"),
        ("current_link_width", "16"),
        ("max_link_width", "16"),
        ("numa_node", "-1"),
    ];
    with(machine, address, &files)
        .link(&format!("{DEVICES}/{address}/driver"), "../../../../bus/pci/drivers/nvidia")
        .file(&format!("{DEVICES}/{address}/config"), header(0x10de, 0x1eb8))
}

fn only(machine: &Machine) -> PciFunction {
    let bus = bus_of(machine);
    assert_eq!(bus.functions.len(), 1, "{bus:?}");
    bus.functions[0].clone()
}

#[test]
fn a_gpu_is_read_with_its_driver_and_its_links() {
    let expected = PciFunction {
        address: PciAddress::new("0001:00:00.0"),
        vendor: 0x10de,
        device: 0x1eb8,
        subsystem: Some((0x10de, 0x12a2)),
        class: 0x03_02_00,
        driver: Some("nvidia".to_owned()),
        link_speed: Some("2.5 GT/s PCIe".to_owned()),
        link_speed_max: Some("8.0 GT/s PCIe".to_owned()),
        link_width: Some(16),
        link_width_max: Some(16),
        numa_node: Some(-1),
        config: ConfigSpace::Answers,
        regions: Vec::new(),
        boot_vga: None,
    };
    assert_eq!(only(&t4(Machine::linux())), expected);
}

#[test]
fn displays_and_nvidia_functions_are_kept_and_the_rest_is_counted() {
    let ids = |vendor, device, class| [("vendor", vendor), ("device", device), ("class", class)];
    let machine = t4(Machine::linux());
    // A K80 with the Azure domain of NVIDIA/nvidia-docker#1226, Hyper-V's screen, a card's audio, a network card.
    let machine = with(machine, "52ce:00:00.0", &ids("0x10de", "0x102d", "0x030200"));
    let machine = with(machine, "0000:00:08.0", &ids("0x1414", "0x5353", "0x030000"));
    let machine = with(machine, "0000:01:00.1", &ids("0x10de", "0x10f0", "0x040300"));
    let machine = with(machine, "0002:00:02.0", &ids("0x15b3", "0x101a", "0x020000"));
    let bus = bus_of(&machine);
    let kept: Vec<_> = bus.functions.iter().map(|function| function.address.as_str()).collect();
    assert_eq!(kept, ["0000:00:08.0", "0000:01:00.1", "0001:00:00.0", "52ce:00:00.0"]);
    assert_eq!(bus.function_count, 5);
    let gpus: Vec<_> =
        bus.functions.iter().filter(|f| f.is_nvidia_gpu()).map(|f| f.address.as_str()).collect();
    assert_eq!(gpus, ["0001:00:00.0", "52ce:00:00.0"]);
}

#[test]
fn a_gpu_that_fell_off_the_bus_reads_all_ones() {
    let config = format!("{DEVICES}/0001:00:00.0/config");
    for (bytes, expected) in [
        (vec![0xff; 256], ConfigSpace::AllOnes),
        (vec![0xff; 64], ConfigSpace::AllOnes),
        (Vec::new(), ConfigSpace::Unreadable),
        ([header(0x10de, 0x1eb8), vec![0xff; 256]].concat(), ConfigSpace::Answers),
    ] {
        assert_eq!(only(&t4(Machine::linux()).file(&config, bytes)).config, expected);
    }
    let without = t4(Machine::linux());
    std::fs::remove_file(without.place_for(&config)).unwrap();
    assert_eq!(only(&without).config, ConfigSpace::Unreadable);
}

#[test]
fn a_link_that_nobody_knows_is_none() {
    let files = [
        ("current_link_speed", "Unknown"),
        ("max_link_speed", "Unknown speed"),
        ("current_link_width", "0"),
        ("max_link_width", "255"),
    ];
    let gpu = only(&with(t4(Machine::linux()), "0001:00:00.0", &files));
    assert_eq!((gpu.link_speed, gpu.link_speed_max), (None, None));
    assert_eq!((gpu.link_width, gpu.link_width_max), (None, None));
}

#[test]
fn a_gpu_without_a_driver_has_none() {
    let machine = t4(Machine::linux());
    std::fs::remove_file(machine.place_for(&format!("{DEVICES}/0001:00:00.0/driver"))).unwrap();
    assert_eq!(only(&machine).driver, None);
}

#[test]
fn garbage_in_any_file_costs_that_file_alone() {
    let garbage: [&[u8]; 6] =
        [b"", b"\0\0\0", b"\xff\xfe\xfd", b"0xZZZZ", b"99999999999999999999999", &[b'9'; 10_000]];
    let names = ["subsystem_vendor", "subsystem_device", "current_link_width", "max_link_width", "numa_node"];
    for name in names {
        for content in garbage {
            let machine = t4(Machine::linux()).file(&format!("{DEVICES}/0001:00:00.0/{name}"), content);
            let gpu = only(&machine);
            assert!(gpu.is_nvidia_gpu() && gpu.config == ConfigSpace::Answers);
            let lost = match name {
                "current_link_width" => gpu.link_width.is_none(),
                "max_link_width" => gpu.link_width_max.is_none(),
                "numa_node" => gpu.numa_node.is_none(),
                _ => gpu.subsystem.is_none(),
            };
            assert!(lost, "{name}: {gpu:?}");
        }
    }
    for name in ["vendor", "device", "class"] {
        for content in garbage {
            let bus = bus_of(&t4(Machine::linux()).file(&format!("{DEVICES}/0001:00:00.0/{name}"), content));
            assert_eq!((bus.functions.len(), bus.function_count), (0, 1), "{name}");
        }
    }
}

#[test]
fn ten_thousand_functions_do_not_hold_it_up() {
    // As in sysfs, where the bus has links to the devices.
    let ids = [("vendor", "0x15b3"), ("device", "0x101a"), ("class", "0x020000")];
    let machine = ids.iter().fold(t4(Machine::linux()), |machine, (name, content)| {
        machine.file(&format!("/sys/devices/network/{name}"), format!("{content}\n"))
    });
    let devices = machine.place_for(&format!("{DEVICES}/x"));
    for number in 0..10_000 {
        let address =
            format!("{:04x}:{:02x}:{:02x}.0", 0x100 + number / 4096, number / 32 % 128, number % 32);
        symlink("../../../devices/network", devices.with_file_name(address)).unwrap();
    }
    let start = Instant::now();
    let bus = bus_of(&machine);
    // A fraction of a second alone, some seconds on a busy machine; a look at each pair of them would take minutes.
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    assert_eq!((bus.functions.len(), bus.function_count), (1, 10_001));
}

#[test]
fn hyper_vs_devices_that_were_not_handed_over_are_told() {
    let device = |machine: Machine, name: &str, class: &str| {
        machine.file(&format!("/sys/bus/vmbus/devices/{name}/class_id"), format!("{class}\n"))
    };
    // HV_PCIE_GUID and HV_NIC_GUID of include/linux/hyperv.h.
    let machine = device(Machine::linux(), "unbound", "{44c4f61d-4444-4400-9d52-802e27ede19f}");
    let machine = device(machine, "bound", "{44c4f61d-4444-4400-9d52-802e27ede19f}")
        .link("/sys/bus/vmbus/devices/bound/driver", "../../../bus/vmbus/drivers/hv_pci");
    let machine = device(machine, "network", "{f8615163-df3e-46c5-913f-f2d2f965ed0e}");
    assert_eq!(bus_of(&machine).unbound_vmbus_pci, ["unbound"]);
}

#[test]
fn a_machine_without_a_bus_has_no_functions() {
    let bus = bus_of(&Machine::empty().folder("/sys/bus/usb"));
    assert_eq!((bus.functions.len(), bus.function_count), (0, 0));
}

#[test]
fn a_bus_that_was_not_seen_is_not_one_without_a_gpu() {
    for machine in [Machine::empty(), Machine::empty().folder("/sys")] {
        assert_eq!(pci::probe(&machine.root()), Observed::not_probed("this root has no /sys"));
    }
    let hidden = Machine::empty().folder("/sys/bus/pci");
    let file = Machine::empty().file(DEVICES, "");
    let away = Machine::empty().link("/sys/bus", "/loop").link("/loop", "/sys/bus");
    for machine in [hidden, file] {
        let seen = pci::probe(&machine.root());
        assert!(seen.why_not().starts_with("list /sys/bus/pci/devices: unreadable: "), "{seen:?}");
    }
    assert!(pci::probe(&away.root()).seen().is_none());
}

#[test]
fn memory_regions_are_the_first_six_lines() {
    let line = "0x0000000041000000 0x0000000041ffffff 0x0000000000040200\n";
    let none = "0x0000000000000000 0x0000000000000000 0x0000000000000000\n";
    let resource = format!("{DEVICES}/0001:00:00.0/resource");
    let regions = |content: &str| only(&t4(Machine::linux()).file(&resource, content)).regions;
    let whole = [line, none, none, none, none, none, line, line].concat();
    let region = MemoryRegion { start: 0x4100_0000, end: 0x41ff_ffff, flags: 0x4_0200 };
    assert_eq!(regions(&whole).len(), 6);
    assert_eq!(regions(&whole)[0], region);
    assert_eq!(regions(&format!("{line}garbage\n{line}")), [region]);
    assert_eq!(regions("0x1 0x2\n"), []);
    assert_eq!(regions("0xfffffffffffffffff 0x0 0x0\n"), []);
}

#[test]
fn switches_between_gpus_are_kept() {
    let files = [("vendor", "0x10de"), ("device", "0x1af1"), ("class", "0x068000")];
    let machine = with(t4(Machine::linux()), "0003:00:00.0", &files);
    let bus = bus_of(&machine);
    let switches: Vec<_> =
        bus.functions.iter().filter(|f| f.is_nvswitch()).map(|f| f.address.as_str()).collect();
    assert_eq!(switches, ["0003:00:00.0"]);
}
