//! The driver was installed, and the machine has not been rebooted since.
//!
//! # Meaning
//! The module is there for the running Linux and was never loaded: nouveau took the card at boot, or nobody has loaded
//! the new one yet.
//!
//! # Detection
//! The module file of the running Linux is newer than the boot, or `/run/reboot-required` asks for a reboot; the module
//! is not loaded, nothing refuses it, and where nouveau holds the card it is blacklisted by now.
//!
//! # Fix
//! Reboot. Before a template is published, in any case.
//!
//! # Source
//! MicrosoftDocs/azure-docs#120110, iterative/cml#590

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::Facts,
    installed::{NotLoaded, not_loaded},
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["module.loaded", "module.drives_gpu"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    if !is_pending(facts) {
        return Vec::new();
    }
    let finding = Finding::fail(Subject::Host, "the module is installed, and this boot began without it");
    let module = facts.module.seen();
    let files = module.and_then(|module| module.running_linux()).into_iter().flat_map(|linux| &linux.nvidia);
    let finding = files
        .filter(|file| file.since_boot == Some(true))
        .fold(finding, |finding, file| finding.because(format!("{} is newer than this boot", file.path)));
    let finding = match module {
        Some(module) if module.reboot_required => finding.because("/run/reboot-required is there"),
        _ => finding,
    };
    let finding = if nouveau_holds(facts) {
        finding.because("nouveau took the card at boot, and is blacklisted for the next one")
    } else {
        finding
    };
    vec![finding.run("sudo reboot")]
}

/// Whether a reboot is all that the driver waits for.
pub(super) fn is_pending(facts: &Facts) -> bool {
    let is_blacklisted = facts.module.seen().is_some_and(|module| !module.nouveau_blacklisted_in.is_empty());
    let is_kept_out = facts.module.seen().is_some_and(|module| !module.keeps_nvidia_out().is_empty());
    not_loaded(facts) == Some(NotLoaded::Fresh) && !is_kept_out && (is_blacklisted || !nouveau_holds(facts))
}

fn nouveau_holds(facts: &Facts) -> bool {
    facts.gpus().any(|gpu| gpu.driver.as_deref() == Some("nouveau"))
}
