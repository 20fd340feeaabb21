//! Secure Boot refuses the driver's module.
//!
//! # Meaning
//! With Secure Boot, Linux loads only modules that are signed with a key that the firmware or the machine's owner
//! trusts. A module built on the machine is signed with no key, or with one that nobody enrolled.
//!
//! # Detection
//! The module is installed for the running Linux and not loaded. Secure Boot is on or Linux is locked down, and the file
//! has no signature; or the kernel log says that the loading was rejected. "Module verification failed ... tainting
//! kernel" alone is not this: that module was loaded.
//!
//! # Fix
//! The module that Canonical signs (`linux-modules-nvidia-*`), or an enrolled key, or a machine without Secure Boot.
//!
//! # Source
//! hhfeuer/nvhda#8, lolo101/px1800kbd#10, NVIDIA/gpu-driver-container#44, kernel/module/signing.c of Linux,
//! <https://learn.microsoft.com/azure/virtual-machines/linux/n-series-driver-setup>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{Facts, Module, SecureBoot},
    installed::{NotLoaded, REFUSALS, flavour, is_open, not_loaded, packaged_branch},
    judge,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["module.loaded", "module.drives_gpu"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    match facts.module.seen() {
        Some(module) if not_loaded(facts) == Some(NotLoaded::Refused) => vec![refused(facts, module)],
        _ => Vec::new(),
    }
}

fn refused(facts: &Facts, module: &Module) -> Finding {
    let release = facts.platform.seen().map_or("?", |platform| platform.linux_release.as_str());
    let finding = Finding::fail(Subject::Host, "the module is installed, and Linux may not load it")
        .because(if module.secure_boot == SecureBoot::On { "Secure Boot is on" } else { "" });
    let files = module.running_linux().into_iter().flat_map(|linux| &linux.nvidia);
    let finding = files.fold(finding, |finding, file| match (file.signed, &file.signer) {
        (Some(false), _) => finding.because(format!("{} has no signature", file.path)),
        (Some(true), Some(signer)) => finding.because(format!("{} is signed by \"{signer}\"", file.path)),
        (Some(true) | None, _) => finding,
    });
    let said = facts
        .log
        .seen()
        .into_iter()
        .flat_map(|log| REFUSALS.iter().filter_map(|words| log.with(words).next()));
    let finding = said.fold(finding, Finding::because);
    let signed = packaged_branch(facts).zip(flavour(release)).filter(|_| judge::is_ubuntu(facts));
    match signed {
        // The dash takes the module away that was built here: it would be loaded first.
        Some((branch, flavour)) => {
            let open = if is_open(facts, module) == Some(true) { "-open" } else { "" };
            finding.run(format!(
                "sudo apt update && sudo apt install -y linux-modules-nvidia-{branch}{open}-{flavour} nvidia-dkms-{branch}{open}- && sudo modprobe nvidia"
            ))
        }
        None => finding.variant("enrol"),
    }
}
