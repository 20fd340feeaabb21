//! This size of Azure virtual machine has a GPU of AMD.
//!
//! # Meaning
//! The "GPU (Visualization)" sizes NVv4 and NVads V710 have an AMD card for remote desktops. CUDA never runs on it.
//!
//! # Detection
//! A display function of vendor 1002 and none of 10de on the bus, on Azure, or a `vmSize` of such a family.
//!
//! # Fix
//! Make a new lab or virtual machine of an NVIDIA size: "Small GPU (Compute)", an NC size.
//!
//! # Source
//! <https://learn.microsoft.com/azure/lab-services/how-to-setup-lab-gpu>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{CloudProvider, Facts, PciFunction, Place},
};

pub(crate) static CAUSE: Cause =
    Cause { explains: &["pci.gpu_present"], severity: Severity::Unusable, who: Who::Instructor, recognize };

fn recognize(facts: &Facts, knowledge: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let size = crate::judge::azure_size(facts);
    let by_size = size
        .and_then(|size| knowledge.vm_size(size))
        .is_some_and(|family| family.vendor.as_deref() == Some("amd"));
    let on_bus = facts.place() == Place::Cloud(CloudProvider::Azure)
        && facts.pci.seen().is_some_and(|pci| pci.functions.iter().any(PciFunction::is_amd_gpu));
    if !by_size && !on_bus {
        return Vec::new();
    }
    let size = size.unwrap_or("of unknown size");
    vec![
        Finding::fail(Subject::Host, "the display controller is AMD's")
            .because(format!("vmSize {size}"))
            .with("size", size)
            .see("https://learn.microsoft.com/azure/lab-services/how-to-setup-lab-gpu"),
    ]
}
