//! The machine has no room in its address space for the GPU.
//!
//! # Meaning
//! The card is on the bus and answers; the windows through which it is worked were given no addresses.
//!
//! # Detection
//! A memory region marked as unset in `/sys/bus/pci/devices/*/resource`, or the first two empty; the driver says
//! "This PCI I/O region assigned to your NVIDIA device is invalid".
//!
//! # Fix
//! A larger 64-bit window: `Set-VM -HighMemoryMappedIoSpace` on Hyper-V, 64-bit MMIO in OVMF, "Above 4G Decoding" in
//! the firmware of a physical machine.
//!
//! # Source
//! NVIDIA/open-gpu-kernel-modules kernel-open/nvidia/nv-pci.c, cloud-hypervisor/cloud-hypervisor#6147

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Verdict, Who,
    fact::{Facts, Place},
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["pci.memory_regions_assigned", "module.drives_gpu", "nvml.sees_gpu"],
    severity: Severity::Unusable,
    who: Who::Platform,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let failed = outcomes
        .iter()
        .filter(|outcome| outcome.id == "pci.memory_regions_assigned" && outcome.verdict == Verdict::Fail);
    let is_bare = facts.place() == Place::BareMetal;
    failed
        .map(|outcome| {
            let finding = Finding::fail(outcome.subject.clone(), outcome.summary.clone());
            let finding = outcome.evidence.iter().cloned().fold(finding, Finding::because);
            if is_bare { finding.variant("bare_metal") } else { finding }
        })
        .collect()
}
