//! Probes of the host, the bus, the module, the kernel log, the installation and the processes on machines made of files.

mod bus;
mod cloud;
mod host;
mod installation;
mod log;
mod module;
mod processes;
mod traps;

use crate::stage::Machine;
use gpucheck::probe::{module as modules, pci, platform};
use gpucheck_checks::fact::{Module, Observed, Pci, Platform};

/// The chassis asset tag of every Azure machine; a fixed string, not a serial number.
/// Source: cloud-init, `cloudinit/sources/azure/identity.py`.
const AZURE_TAG: &str = "7783-7084-3265-9085-8269-3286-77";

/// What the probe asks without a network and without variables.
fn offline() -> platform::Ask {
    platform::Ask { cloud_metadata: None, environment: platform::Environment::default() }
}

fn host_of(machine: &Machine) -> Platform {
    seen(platform::probe(&machine.root(), &offline()))
}

fn bus_of(machine: &Machine) -> Pci {
    seen(pci::probe(&machine.root()))
}

fn module_of(machine: &Machine) -> Module {
    seen(modules::probe(&machine.root()))
}

fn seen<T: std::fmt::Debug>(observed: Observed<T>) -> T {
    let Observed::Seen(seen) = observed else { panic!("{observed:?}") };
    seen
}

/// A Linux with the firmware's words of an Azure machine.
fn azure() -> Machine {
    Machine::linux()
        .file("/sys/class/dmi/id/sys_vendor", "Microsoft Corporation\n")
        .file("/sys/class/dmi/id/product_name", "Virtual Machine\n")
        .file("/sys/class/dmi/id/bios_vendor", "Microsoft Corporation\n")
        .file("/sys/class/dmi/id/chassis_asset_tag", format!("{AZURE_TAG}\n"))
        .file("/proc/cpuinfo", "processor\t: 0\nflags\t\t: fpu avx hypervisor lahf_lm\n")
}
