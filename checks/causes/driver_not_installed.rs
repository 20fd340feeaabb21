//! No NVIDIA driver is installed.
//!
//! # Meaning
//! The card is there, and a module for it is not, for any Linux on this disk.
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

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::Facts,
    installed::{Absence, absence},
    judge,
};

/// What does not work without a driver.
pub(super) const EXPLAINS: &[&str] =
    &["module.built_for_running_kernel", "module.loaded", "module.drives_gpu", "nvml.loads", "driver.loads"];

pub(crate) static CAUSE: Cause =
    Cause { explains: EXPLAINS, severity: Severity::Unusable, who: Who::Instructor, recognize };

fn recognize(facts: &Facts, knowledge: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let in_lab = super::azure_lab_gpu_driver_option_off::trace_of_lab(facts).is_some();
    if in_lab || facts.gpus().next().is_none() || !matches!(absence(facts), Some(Absence::NotInstalled)) {
        return Vec::new();
    }
    let finding = Finding::fail(Subject::Host, "no nvidia module for any Linux on this disk");
    let module = facts.module.seen();
    let libraries = module.into_iter().flat_map(|module| &module.libraries);
    let finding = libraries.fold(finding, |finding, library| {
        finding.because(format!("without it {} is of no use", library.path))
    });
    let finding = if module.is_some_and(|module| module.is_loaded("nouveau")) {
        finding.because("nouveau is loaded instead")
    } else {
        finding
    };
    let traces = facts.installation.seen().into_iter().flat_map(|installation| &installation.traces);
    let finding = traces
        .filter_map(|trace| Some((trace, trace.lines.last()?)))
        .fold(finding, |finding, (trace, line)| finding.because(format!("{}: {line}", trace.path)));
    vec![judge::install_driver(facts, knowledge, finding)]
}
