//! The GPU of this Azure size was not handed to the virtual machine.
//!
//! # Meaning
//! The size has an NVIDIA GPU, and none is on the bus: Hyper-V did not pass it through, or Linux lacks the
//! `pci-hyperv` driver for it.
//!
//! # Detection
//! `vmSize` of a family with NVIDIA GPUs, no function of vendor 10de.
//!
//! # Fix
//! `sudo modprobe pci-hyperv`; else stop (deallocate) and start the machine, which moves it to another host; else a
//! ticket.
//!
//! # Source
//! MicrosoftDocs/azure-docs#10589,
//! <https://learn.microsoft.com/azure/virtual-machines/extensions/hpccompute-gpu-linux>

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Subject, Who, fact::Facts};

pub(crate) static CAUSE: Cause =
    Cause { explains: &["pci.gpu_present"], severity: Severity::Unusable, who: Who::Platform, recognize };

fn recognize(facts: &Facts, knowledge: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let Some(size) = crate::judge::azure_size(facts) else { return Vec::new() };
    let Some(family) = knowledge.vm_size(size).filter(|family| family.vendor.as_deref() == Some("nvidia"))
    else {
        return Vec::new();
    };
    let gpu = family.gpu.as_deref().unwrap_or("NVIDIA GPU");
    let finding = Finding::fail(Subject::Host, format!("vmSize {size} has a {gpu}, and the bus shows none"))
        .with("size", size)
        .with("gpu", gpu)
        .run("sudo modprobe pci-hyperv");
    let said = facts.log.seen().into_iter().flat_map(|log| log.with("hv_pci"));
    let finding = said.take(3).fold(finding, Finding::because);
    let unbound = facts.pci.seen().into_iter().flat_map(|pci| &pci.unbound_vmbus_pci);
    vec![
        unbound
            .fold(finding, |finding, device| finding.because(format!("VMBus device {device} has no driver"))),
    ]
}
