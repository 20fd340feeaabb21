//! The PCI bus, from `/sys/bus/pci`.

use crate::root::Root;
use gpucheck_checks::fact::{ConfigSpace, MemoryRegion, Observed, Pci, PciAddress, PciFunction};
use std::io;

const BUSES: &str = "/sys/bus";
const DEVICES: &str = "/sys/bus/pci/devices";
const VMBUS: &str = "/sys/bus/vmbus/devices";
/// Hyper-V's class of PCI pass-through, `HV_PCIE_GUID` in include/linux/hyperv.h.
const VMBUS_PCI_CLASS: &str = "{44c4f61d-4444-4400-9d52-802e27ede19f}";
/// Memory regions that a function has at most; lines of `resource` after these are about its ROM and bridges.
const REGIONS: usize = 6;
/// Bytes of config space that any user may read.
const CONFIG_HEADER: u64 = 64;

/// Looks at the bus. A bus that could not be looked at is not one without a GPU.
pub fn probe(root: &Root) -> Observed<Pci> {
    let names = match root.list(DEVICES) {
        Ok(names) => names,
        Err(_) if has_no_bus(root) => Vec::new(),
        Err(_) if !root.is_this_machine() && !root.exists(BUSES) => {
            return Observed::not_probed("this root has no /sys");
        }
        Err(error) => {
            let step = format!("list {DEVICES}");
            return Observed::refused(&step, 0, "unreadable", error.to_string());
        }
    };
    Observed::Seen(Pci {
        functions: names.iter().filter_map(|name| function(root, name)).collect(),
        function_count: names.len(),
        unbound_vmbus_pci: unbound_vmbus_pci(root),
    })
}

/// A machine without PCI: its Linux lists its buses, and PCI is not among them.
fn has_no_bus(root: &Root) -> bool {
    let buses: io::Result<Vec<String>> = root.list(BUSES);
    buses.is_ok_and(|buses| !buses.iter().any(|bus| bus == "pci"))
}

/// A display controller, or another function of NVIDIA's. Of the others no more is read than what tells so.
fn function(root: &Root, name: &str) -> Option<PciFunction> {
    let file = |file: &str| root.value(&format!("{DEVICES}/{name}/{file}"));
    let id = |name: &str| u16::try_from(hexadecimal(&file(name)?)?).ok();
    let known = |name: &str| file(name).filter(|text| !text.starts_with("Unknown"));
    // sysfs writes 255 where the width is unknown.
    let width = |name: &str| known(name)?.parse().ok().filter(|lanes| (1..=32).contains(lanes));
    let (vendor, class) = (id("vendor")?, hexadecimal(&file("class")?)?);
    if class >> 16 != 0x03 && vendor != 0x10de {
        return None;
    }
    Some(PciFunction {
        address: PciAddress::new(name),
        vendor,
        device: id("device")?,
        subsystem: id("subsystem_vendor").zip(id("subsystem_device")),
        class,
        driver: root.link_name(&format!("{DEVICES}/{name}/driver")),
        link_speed: known("current_link_speed"),
        link_speed_max: known("max_link_speed"),
        link_width: width("current_link_width"),
        link_width_max: width("max_link_width"),
        numa_node: file("numa_node").and_then(|text| text.parse().ok()),
        config: config(root, name),
        regions: regions(root, name),
        boot_vga: file("boot_vga").and_then(|text| Some(text.parse::<u8>().ok()? != 0)),
    })
}

fn config(root: &Root, name: &str) -> ConfigSpace {
    match root.bytes(&format!("{DEVICES}/{name}/config"), CONFIG_HEADER) {
        Ok(bytes) if bytes.is_empty() => ConfigSpace::Unreadable,
        Ok(bytes) if bytes.iter().all(|byte| *byte == 0xff) => ConfigSpace::AllOnes,
        Ok(_) => ConfigSpace::Answers,
        Err(_) => ConfigSpace::Unreadable,
    }
}

/// The lines of `resource` that stand for memory regions: first address, last address, flags.
fn regions(root: &Root, name: &str) -> Vec<MemoryRegion> {
    let text = root.configuration(&format!("{DEVICES}/{name}/resource")).unwrap_or_default();
    let number = |word: &str| u64::from_str_radix(word.strip_prefix("0x")?, 16).ok();
    let region = |line: &str| {
        let numbers: Option<Vec<u64>> = line.split_whitespace().map(number).collect();
        match numbers?.as_slice() {
            [start, end, flags] => Some(MemoryRegion { start: *start, end: *end, flags: *flags }),
            _ => None,
        }
    };
    text.lines().take(REGIONS).map_while(region).collect()
}

fn hexadecimal(text: &str) -> Option<u32> {
    u32::from_str_radix(text.strip_prefix("0x").unwrap_or(text), 16).ok()
}

fn unbound_vmbus_pci(root: &Root) -> Vec<String> {
    let is_pci =
        |name: &String| root.value(&format!("{VMBUS}/{name}/class_id")).as_deref() == Some(VMBUS_PCI_CLASS);
    let is_unbound = |name: &String| root.link_name(&format!("{VMBUS}/{name}/driver")).is_none();
    root.names(VMBUS).into_iter().filter(|name| is_pci(name) && is_unbound(name)).collect()
}
