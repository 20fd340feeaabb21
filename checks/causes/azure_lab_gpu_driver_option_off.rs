//! The lab was made without its option to install GPU drivers.
//!
//! # Meaning
//! Azure Lab Services hands out machines with a GPU and installs its driver only where the lab's maker ticked "Install
//! GPU drivers" (and the image has none). The card is there, and nothing of a driver.
//!
//! # Detection
//! A machine of Azure Lab Services by its host name, an NVIDIA function on the bus, and no trace of a driver: no module
//! for any Linux, no DKMS source, no library, no package, no installer's log.
//!
//! # Fix
//! Install the driver in the template and publish it again.
//!
//! # Source
//! <https://learn.microsoft.com/azure/lab-services/how-to-setup-lab-gpu>,
//! <https://learn.microsoft.com/azure/virtual-machines/linux/n-series-driver-setup>, iterative/cml#590

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{Facts, Installation, Module},
    installed::{Absence, absence},
    judge,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: super::driver_not_installed::EXPLAINS,
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, knowledge: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    match trace_of_lab(facts) {
        Some(trace) if matches!(absence(facts), Some(Absence::NotInstalled)) => {
            let finding = Finding::fail(Subject::Host, "no trace of an NVIDIA driver in this lab machine")
                .because(format!("Azure Lab Services: {trace}"))
                .see("https://learn.microsoft.com/azure/lab-services/how-to-setup-lab-gpu");
            vec![judge::install_driver(facts, knowledge, finding)]
        }
        _ => Vec::new(),
    }
}

/// The trace by which this is a lab's machine, where nobody ever installed a driver on it.
pub(super) fn trace_of_lab(facts: &Facts) -> Option<&str> {
    let trace = facts.platform.seen()?.cloud.lab.as_deref()?;
    let untouched = is_untouched(facts.module.seen()?, facts.installation.seen()?);
    (untouched && facts.gpus().next().is_some()).then_some(trace)
}

fn is_untouched(module: &Module, installation: &Installation) -> bool {
    let is_driver = |name: &str| name.contains("nvidia") || name.starts_with("cuda-drivers");
    module.libraries.is_empty()
        && installation.traces.is_empty()
        && installation
            .packages
            .seen()
            .is_some_and(|packages| !packages.iter().any(|package| is_driver(&package.name)))
}
