//! From a machine to what the simulated driver libraries replay.

use crate::{
    file::{DriverKind, Surroundings},
    machine::{Machine, Slot},
};
use gpucheck_checks::{Knowledge, branch as branch_of};
use gpucheck_sim::scenario::{self as sim, Reading, Scenario};
use std::sync::LazyLock;

/// The first number of a driver's version.
pub(crate) fn branch(version: &str) -> u32 {
    branch_of(version).unwrap_or_default()
}

/// The CUDA of a driver, as `cuDriverGetVersion` numbers it; none of a branch that gpucheck's own tables do not know,
/// or that is older than what can be simulated.
pub(crate) fn cuda_of(version: &str) -> Option<i32> {
    gpucheck_sim::branches::table_of(version)?;
    let (major, minor) = KNOWLEDGE.as_ref()?.driver(branch_of(version)?)?.cuda;
    Some(1000 * major + 10 * minor)
}

/// The branches that are known.
pub(crate) fn known_branches() -> Vec<u32> {
    (1..1000).filter(|branch| cuda_of(&branch.to_string()).is_some()).collect()
}

/// The tables that gpucheck was built with.
static KNOWLEDGE: LazyLock<Option<Knowledge>> = LazyLock::new(|| Knowledge::built_in().ok());

/// The calls that a fault may meet: what the libraries export, and their being loaded and unloaded.
pub(crate) fn calls() -> Vec<String> {
    let libraries = ["libcuda.so.1", "libnvidia-ml.so.1"];
    let loading = libraries.iter().flat_map(|name| [format!("dlopen {name}"), format!("dlclose {name}")]);
    gpucheck_sim::branches::rows().map(|(symbol, _)| symbol.to_owned()).chain(loading).collect()
}

/// What the libraries replay; none where there are no libraries.
pub(crate) fn of(machine: &Machine) -> Option<Scenario> {
    let version = machine.libraries()?.to_owned();
    let cuda = cuda_of(&version)?;
    let gpus = machine.gpus.iter().map(|slot| gpu(machine, slot, &version)).collect();
    Some(Scenario {
        driver: sim::Driver { version, cuda, nvml: None, ptx: None },
        gpus,
        faults: machine.faults.clone(),
        contexts: None,
    })
}

fn gpu(machine: &Machine, slot: &Slot, version: &str) -> sim::Gpu {
    let bus = &slot.card.bus;
    let mut nvml = slot.nvml.clone();
    if slot.card.gsp && nvml.gsp_firmware.is_none() {
        nvml.gsp_firmware = Some(Reading::Told(version.to_owned()));
    }
    if nvml.virtualization_mode.is_none() {
        nvml.virtualization_mode = Some(Reading::Told(virtualization_mode(machine)));
    }
    sim::Gpu {
        pci: slot.at.clone(),
        pci_device_id: packed(bus.device, crate::card::nvidia()),
        pci_subsystem_id: packed(bus.subsystem, bus.subsystem_vendor),
        name: slot.name.clone(),
        uuid: uuid("GPU", &slot.at),
        compute_capability: slot.card.compute_capability,
        memory: slot.memory,
        multiprocessors: slot.card.multiprocessors,
        in_nvml: slot.in_nvml,
        in_cuda: slot.in_cuda,
        nvml,
        mig: slot.mig.clone(),
        processes: slot.processes.clone(),
        attributes: slot.attributes.clone(),
        speed: slot.speed,
        bad_memory: slot.bad_memory.clone(),
        xid_events: slot.xid_events.clone(),
    }
}

fn packed(device: u16, vendor: u16) -> u32 {
    u32::from(device) << 16 | u32::from(vendor)
}

/// 0 none, 1 pass-through, 2 vGPU.
fn virtualization_mode(machine: &Machine) -> u32 {
    match machine.place() {
        Surroundings::BareMetal | Surroundings::Workstation | Surroundings::Wsl => 0,
        _ if machine.driver.kind == Some(DriverKind::Grid) => 2,
        Surroundings::Azure
        | Surroundings::Aws
        | Surroundings::Google
        | Surroundings::Kvm
        | Surroundings::Vmware => 1,
    }
}

/// An id that is nobody's, and always the same for a slot.
pub(crate) fn uuid(kind: &str, at: &str) -> String {
    let mut parts = at.split([':', '.']);
    let mut part = || parts.next().unwrap_or_default();
    let (domain, bus, slot, function) = (part(), part(), part(), part());
    format!("{kind}-{domain:0>8}-{bus}{slot}-4000-8000-{function:0>12}")
}
