//! No NVIDIA driver is installed.
//!
//! # Meaning
//! The card is there, and a module for it is not, for any Linux on this disk. In Azure Lab
//! Services that is a lab made without "Install GPU drivers".
//!
//! # Detection
//! A function of vendor 10de, no `nvidia.ko*` under `/lib/modules` and no DKMS source. Libraries of the driver alone
//! (CUDA's toolkit packages bring them) are no driver.
//!
//! # Fix
//! Install the driver that the distribution recommends for this card, or the last branch that supports it, and reboot.
//!
//! # Source
//! <https://learn.microsoft.com/azure/virtual-machines/linux/n-series-driver-setup>,
//! <https://learn.microsoft.com/azure/lab-services/how-to-setup-lab-gpu>, iterative/cml#590

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Subject, Who, fact::Facts};

pub(crate) static CAUSE: Cause = Cause {
    explains: &[
        "module.built_for_running_kernel",
        "module.loaded",
        "module.drives_gpu",
        "nvml.loads",
        "driver.loads",
    ],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, knowledge: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let Some(module) = facts.module.seen() else { return Vec::new() };
    let installed = module.has_driver()
        || module.linux.iter().any(|linux| !linux.nvidia.is_empty())
        || module.dkms.iter().any(|dkms| dkms.name.starts_with("nvidia"));
    if installed || facts.gpus().next().is_none() || crate::judge::in_container(facts) {
        return Vec::new();
    }
    let finding = Finding::fail(Subject::Host, "no nvidia module for any Linux on this disk");
    let finding = module.libraries.iter().fold(finding, |finding, library| {
        finding.because(format!("without it {} is of no use", library.path))
    });
    let finding =
        if module.is_loaded("nouveau") { finding.because("nouveau is loaded instead") } else { finding };
    vec![crate::judge::install_driver(facts, knowledge, finding)]
}
