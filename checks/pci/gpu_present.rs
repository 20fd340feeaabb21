//! An NVIDIA GPU is on the PCI bus.
//!
//! # Meaning
//! Without a GPU on the bus no driver, no CUDA and no framework can use one. On a cloud the size of the virtual
//! machine decides it; in a container the machine underneath does.
//!
//! # Detection
//! A function under `/sys/bus/pci/devices` with vendor 10de and a display class (03xxxx). A GPU that NVML or CUDA
//! lists counts too, as some containers hide the bus. Under WSL the GPU is `/dev/dxg` instead.
//!
//! # Fix
//! Get a machine that has one: another size on a cloud, `--gpus all` on a GPU host for a container, a GPU or a
//! pass-through for anything else.
//!
//! # Source
//! <https://learn.microsoft.com/azure/lab-services/how-to-setup-lab-gpu>,
//! <https://docs.kernel.org/PCI/sysfs-pci.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Facts, Pci, Place},
    judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Pci, Source::Module, Source::Nvml, Source::Driver],
    needs: &[],
    severity: Severity::Unusable,
    who: Who::Platform,
    judge: judge_bus,
};

fn judge_bus(facts: &Facts, knowledge: &Knowledge) -> Judged {
    let name = |device| knowledge.gpu(device).map_or("NVIDIA GPU", |model| &model.name).to_owned();
    let on_bus: Vec<String> = facts
        .gpus()
        .map(|gpu| format!("{} (10de:{:04x}) at {}", name(gpu.device), gpu.device, gpu.address))
        .collect();
    let finding = if !on_bus.is_empty() {
        Finding::pass(Subject::Host, on_bus.join(", "))
    } else if !facts.gpu_addresses().is_empty() {
        Finding::pass(Subject::Host, "the driver lists a GPU that the PCI bus does not show")
    } else if facts.place() == Place::Wsl && !judge::in_container(facts) {
        in_wsl(facts)
    } else {
        match facts.pci.seen() {
            None => Finding::unknown(Subject::Host, format!("PCI bus: {}", facts.pci.why_not())),
            Some(pci) => absent(facts, pci),
        }
    };
    vec![finding]
}

fn in_wsl(facts: &Facts) -> Finding {
    match facts.module.seen() {
        None => Finding::unknown(Subject::Host, format!("/dev/dxg: {}", facts.module.why_not())),
        Some(module) if module.nodes.iter().any(|node| node.path == "/dev/dxg") => {
            Finding::not_applicable(Subject::Host, "WSL: the GPU is /dev/dxg, not on the bus")
        }
        Some(_) => Finding::fail(Subject::Host, "WSL without /dev/dxg").variant("wsl"),
    }
}

fn absent(facts: &Facts, pci: &Pci) -> Finding {
    let place = facts.place();
    let finding = Finding::fail(
        Subject::Host,
        format!("none of {} PCI functions is an NVIDIA GPU", pci.function_count),
    );
    let variant = match place {
        Place::Cloud(_) => Some("cloud"),
        // WSL itself was judged before; what is left is a container in it.
        Place::Container | Place::Wsl => Some("container"),
        Place::VirtualMachine => Some("virtual_machine"),
        Place::BareMetal | Place::Unknown => None,
    };
    let finding = variant.into_iter().fold(finding, Finding::variant);
    let others = pci.functions.iter().filter(|function| function.class >> 16 == 0x03);
    let finding = others.fold(finding, |finding, other| {
        finding.because(format!(
            "display controller {:04x}:{:04x} at {}",
            other.vendor, other.device, other.address
        ))
    });
    let Some(platform) = facts.platform.seen() else { return finding };
    let finding = match &platform.container {
        Some(container) => finding.because(format!("container: {} ({})", container.kind, container.evidence)),
        None => finding,
    };
    match (place, &platform.hypervisor) {
        (Place::Cloud(cloud), _) => {
            finding.because(format!("cloud: {cloud}")).with("cloud", cloud.to_string())
        }
        (_, Some(hypervisor)) => finding.because(format!("virtual machine: {hypervisor}")),
        (_, None) => finding,
    }
}
