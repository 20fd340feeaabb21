//! The PCI bus and what carries it, as sysfs shows them.

use super::Tree;
use crate::{
    file::{Config, Function, Surroundings},
    machine::{Machine, Slot},
};
use gpucheck_sim::scenario::Reading;

const DEVICES: &str = "/sys/bus/pci/devices";
/// `HV_PCIE_GUID` in include/linux/hyperv.h.
const PASS_THROUGH: &str = "{44c4f61d-4444-4400-9d52-802e27ede19f}";
/// Speeds of PCI Express by generation, in sysfs's words.
const SPEEDS: [&str; 6] =
    ["2.5 GT/s PCIe", "5.0 GT/s PCIe", "8.0 GT/s PCIe", "16.0 GT/s PCIe", "32.0 GT/s PCIe", "64.0 GT/s PCIe"];

/// Adds the bus.
pub(super) fn add(tree: &mut Tree, machine: &Machine) {
    if machine.place() == Surroundings::Wsl {
        tree.folder("/sys/bus/pci/devices");
        return;
    }
    tree.folder(DEVICES);
    for function in own_functions(machine.place()).iter().chain(&machine.functions) {
        add_function(tree, function);
    }
    for slot in &machine.gpus {
        add_gpu(tree, machine, slot);
    }
}

/// What is on the bus of such a machine anyway.
fn own_functions(place: Surroundings) -> Vec<Function> {
    let function = |at: &str, vendor, device, class, driver: &str| Function {
        at: at.to_owned(),
        vendor,
        device,
        class,
        driver: (!driver.is_empty()).then(|| driver.to_owned()),
    };
    match place {
        // Second generation: everything but what is passed through comes by the VMBus.
        Surroundings::Azure | Surroundings::Wsl => Vec::new(),
        Surroundings::Aws | Surroundings::Google | Surroundings::Kvm | Surroundings::Vmware => {
            vec![function("0000:00:00.0", 0x8086, 0x1237, 0x06_0000, "")]
        }
        Surroundings::BareMetal => vec![
            function("0000:00:00.0", 0x8086, 0x2020, 0x06_0000, ""),
            // The management controller's own display.
            function("0000:03:00.0", 0x102b, 0x0536, 0x03_0000, "mgag200"),
        ],
        Surroundings::Workstation => vec![function("0000:00:00.0", 0x8086, 0x2020, 0x06_0000, "")],
    }
}

fn add_function(tree: &mut Tree, function: &Function) {
    let base = format!("{DEVICES}/{}", function.at);
    tree.file(format!("{base}/vendor"), format!("0x{:04x}\n", function.vendor));
    tree.file(format!("{base}/device"), format!("0x{:04x}\n", function.device));
    tree.file(format!("{base}/class"), format!("0x{:06x}\n", function.class));
    tree.file(format!("{base}/config"), config(function.vendor, function.device, function.class));
    if let Some(driver) = &function.driver {
        tree.link(format!("{base}/driver"), &format!("../../../../bus/pci/drivers/{driver}"));
    }
}

/// The header of a config space, as far as it says who is there.
fn config(vendor: u16, device: u16, class: u32) -> Vec<u8> {
    let mut bytes = vec![0; 256];
    let [_, class @ ..] = class.to_be_bytes();
    let words = [vendor.to_le_bytes(), device.to_le_bytes(), [0x06, 0x04], [0x10, 0x00]];
    for (place, byte) in bytes.iter_mut().zip(words.into_iter().flatten()) {
        *place = byte;
    }
    for (place, byte) in bytes.iter_mut().skip(9).zip(class.into_iter().rev()) {
        *place = byte;
    }
    bytes
}

fn add_gpu(tree: &mut Tree, machine: &Machine, slot: &Slot) {
    let card = &slot.card.bus;
    let base = format!("{DEVICES}/{}", slot.at);
    let driver = machine.bound_driver(slot);
    let function = |at: &str, device, class, driver| Function {
        at: at.to_owned(),
        vendor: crate::card::nvidia(),
        device,
        class,
        driver,
    };
    add_function(tree, &function(&slot.at, card.device, card.class, driver));
    if let Some(audio) = card.audio {
        let at = format!("{}1", slot.at.trim_end_matches('0'));
        add_function(tree, &function(&at, audio, 0x04_0300, Some("snd_hda_intel".to_owned())));
    }
    tree.file(format!("{base}/subsystem_vendor"), format!("0x{:04x}\n", card.subsystem_vendor));
    tree.file(format!("{base}/subsystem_device"), format!("0x{:04x}\n", card.subsystem));
    tree.file(format!("{base}/numa_node"), "0\n");
    tree.file(format!("{base}/enable"), "1\n");
    tree.file(format!("{base}/resource"), resource(slot));
    match slot.config {
        Config::Answers => add_link(tree, &base, slot),
        Config::AllOnes => {
            tree.file(format!("{base}/config"), [0xff; 256]);
            for name in ["current_link_speed", "max_link_speed"] {
                tree.file(format!("{base}/{name}"), "Unknown\n");
            }
            for name in ["current_link_width", "max_link_width"] {
                tree.file(format!("{base}/{name}"), "63\n");
            }
        }
    }
    if machine.place() == Surroundings::Azure {
        let device = format!("/sys/bus/vmbus/devices/{}", crate::scenario::uuid("pci", &slot.at));
        tree.file(format!("{device}/class_id"), format!("{PASS_THROUGH}\n"));
        tree.link(format!("{device}/driver"), "../../../../bus/vmbus/drivers/hv_pci");
    }
}

/// The link, as NVML tells it: sysfs reads the same registers.
fn add_link(tree: &mut Tree, base: &str, slot: &Slot) {
    let told = |reading: &Option<Reading<u32>>| match reading {
        Some(Reading::Told(value)) => Some(*value),
        Some(Reading::Refused { .. }) | None => None,
    };
    let speed = |generation: Option<u32>| {
        let index = usize::try_from(generation?.checked_sub(1)?).ok()?;
        SPEEDS.get(index).map(|speed| format!("{speed}\n"))
    };
    let nvml = &slot.nvml;
    let width = |reading: &Option<Reading<u32>>| told(reading).map(|lanes| format!("{lanes}\n"));
    for (name, value) in [
        ("current_link_speed", speed(told(&nvml.link_generation))),
        ("max_link_speed", speed(told(&nvml.gpu_link_generation_max).or(told(&nvml.link_generation_max)))),
        ("current_link_width", width(&nvml.link_width)),
        ("max_link_width", width(&nvml.link_width_max)),
    ] {
        if let Some(value) = value {
            tree.file(format!("{base}/{name}"), value);
        }
    }
}

/// `resource`: begin, end and flags of each region. The second is the window to the memory.
fn resource(slot: &Slot) -> String {
    const MIB: u64 = 1 << 20;
    let window = match slot.nvml.bar1 {
        Some(Reading::Told((total, _))) => total,
        Some(Reading::Refused { .. }) | None => 256 * MIB,
    };
    let registers = 0xfb00_0000;
    let begin = 0x10_0000_0000_u64;
    let end = begin + window - 1;
    let more = end + 1;
    let line = |begin: u64, end: u64, flags: u64| format!("0x{begin:016x} 0x{end:016x} 0x{flags:016x}\n");
    [
        line(registers, registers + 16 * MIB - 1, 0x0004_0200),
        line(begin, end, 0x0014_220c),
        line(0, 0, 0),
        line(more, more + 32 * MIB - 1, 0x0014_220c),
        line(0, 0, 0).repeat(9),
    ]
    .concat()
}
