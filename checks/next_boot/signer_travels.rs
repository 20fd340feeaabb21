//! Clones trust the key that the module is signed with.
//!
//! # Meaning
//! With Secure Boot, Linux loads only modules whose key it trusts. A key that was enrolled by hand on this machine (a MOK)
//! lies in its firmware's variables, and not on its disk: a clone has new ones, and refuses the module.
//!
//! # Detection
//! Secure Boot is on, and the nvidia module for the Linux that boots next is signed by nobody, or by another key than the
//! distribution's, which comes with Linux and shim.
//!
//! # Fix
//! The distribution's signed modules (Ubuntu: `linux-modules-nvidia-BRANCH-FLAVOUR`), machines without Secure Boot, or the
//! key in the UEFI settings of the image's version in an Azure Compute Gallery.
//!
//! # Source
//! <https://learn.microsoft.com/azure/virtual-machines/trusted-launch-secure-boot-custom-uefi>,
//! <https://wiki.ubuntu.com/UEFI/SecureBoot/Signing>, mokutil(1)

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    boot::{self, Supply},
    fact::{Facts, ModuleFile, NextBoot, SecureBoot},
    installed::packaged_branch,
    judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Module, Source::NextBoot, Source::Installation, Source::Targets],
    needs: &["next_boot.has_module", "module.loaded"],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge: judge_all,
};

/// Who signs what comes with a distribution's Linux.
const DISTRIBUTIONS: [&str; 6] = ["Canonical", "Debian", "Fedora", "Red Hat", "SUSE", "Oracle"];

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    boot::judge_linux(facts, |boot, release| judge_linux(facts, boot, release))
}

fn judge_linux(facts: &Facts, boot: &NextBoot, release: &str) -> Finding {
    let host = Subject::Host;
    let Some(file) = boot.next().and_then(boot::module) else {
        return Finding::not_applicable(host, "there is no module");
    };
    if is_distributions(file) {
        return Finding::pass(host, format!("signed by {}", signer(file)));
    }
    if facts.are_of_image() {
        return Finding::not_applicable(host, "an image does not tell whether its machines check signatures");
    }
    let Some(module) = facts.module.seen() else {
        return Finding::unknown(host, format!("Secure Boot: {}", facts.module.why_not()));
    };
    match module.secure_boot {
        SecureBoot::On => {}
        SecureBoot::Off => return Finding::pass(host, "Secure Boot is off"),
        SecureBoot::NoUefi => return Finding::pass(host, "booted without UEFI"),
        SecureBoot::Unknown => return Finding::unknown(host, "whether Secure Boot is on could not be told"),
    }
    if file.signed.is_none() && file.signer.is_none() {
        return Finding::unknown(host, format!("{} does not tell who signed it", file.path));
    }
    let finding =
        Finding::fail(host, format!("Secure Boot is on, and {} is signed by {}", file.path, signer(file)))
            .with("signer", signer(file));
    let finding = match boot.enrolled_keys.seen() {
        Some(keys) if keys.iter().any(|key| Some(key) == file.signer.as_ref()) => {
            finding.because("the key is enrolled in this machine's firmware alone (MokListRT)")
        }
        Some(_) | None => finding,
    };
    advise(facts, boot, release, finding)
}

/// What came with the distribution's Linux is signed by who signed that.
fn is_distributions(file: &ModuleFile) -> bool {
    file.path.contains("/kernel/nvidia-")
        || file.signer.as_deref().is_some_and(|by| DISTRIBUTIONS.iter().any(|name| by.contains(name)))
}

fn signer(file: &ModuleFile) -> String {
    match (&file.signer, file.signed) {
        (Some(signer), _) => signer.clone(),
        (None, Some(false)) => "nobody".to_owned(),
        (None, _) => "its distribution".to_owned(),
    }
}

fn advise(facts: &Facts, boot: &NextBoot, release: &str, finding: Finding) -> Finding {
    let branch = packaged_branch(facts)
        .filter(|_| judge::is_ubuntu(facts) && boot::supply(facts, boot) == Supply::Dkms);
    match branch.zip(boot::flavour(release)) {
        Some((branch, flavour)) => finding
            .run(format!("sudo apt update && sudo apt install -y linux-modules-nvidia-{branch}-{flavour}"))
            .run(format!("sudo apt purge -y nvidia-dkms-{branch}")),
        None => finding
            .see("https://learn.microsoft.com/azure/virtual-machines/trusted-launch-secure-boot-custom-uefi"),
    }
}
