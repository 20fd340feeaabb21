//! This size of Azure virtual machine has no GPU.
//!
//! # Meaning
//! The size of a virtual machine decides whether there is a GPU in it; no driver or image can add one. In Azure Lab
//! Services the size of a lab is fixed when the lab is made.
//!
//! # Detection
//! Azure by its DMI tag, no NVIDIA function on the bus, and a `vmSize` of a family without GPUs; where the metadata
//! service did not answer, the size is not known and this is not said.
//!
//! # Fix
//! Make a new lab or virtual machine of a GPU size: "Small GPU (Compute)", an NC size.
//!
//! # Source
//! <https://learn.microsoft.com/azure/lab-services/how-to-setup-lab-gpu>,
//! MicrosoftDocs/azure-docs articles/lab-services/administrator-guide.md

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Subject, Who, fact::Facts};

pub(crate) static CAUSE: Cause =
    Cause { explains: &["pci.gpu_present"], severity: Severity::Unusable, who: Who::Instructor, recognize };

fn recognize(facts: &Facts, knowledge: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let Some(size) = crate::judge::azure_size(facts) else { return Vec::new() };
    match knowledge.vm_size(size) {
        Some(family) if family.vendor.is_none() => vec![
            Finding::fail(
                Subject::Host,
                format!("vmSize {size} is of the {} series, which has no GPU", family.series),
            )
            .with("size", size)
            .see("https://learn.microsoft.com/azure/lab-services/how-to-setup-lab-gpu"),
        ],
        _ => Vec::new(),
    }
}
