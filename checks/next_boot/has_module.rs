//! The Linux that boots next has the driver's module.
//!
//! # Meaning
//! An update has brought a newer Linux, and the machine still runs the old one. The driver works until the next boot, and
//! on no clone.
//!
//! # Detection
//! No `nvidia.ko*` under `/lib/modules/RELEASE` for the release that the boot loader takes next, or its command line says
//! `module_blacklist=nvidia`.
//!
//! # Fix
//! Build or install the module for that release, before the template is published: `sudo dkms autoinstall -k RELEASE` with
//! its headers, or the package `linux-modules-nvidia-BRANCH-RELEASE`. Then reboot once, and look again.
//!
//! # Source
//! GoogleCloudPlatform/compute-gpu-installation#18, NVIDIA/nvidia-docker#804, dkms(8)

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who, boot,
    fact::{Facts, NextBoot},
    installed::build_evidence,
    judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::NextBoot, Source::Installation],
    needs: &["module.built_for_running_kernel"],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    boot::judge_linux(facts, |boot, release| judge_linux(facts, boot, release))
}

fn judge_linux(facts: &Facts, boot: &NextBoot, release: &str) -> Finding {
    let host = Subject::Host;
    if let Some(word) = boot::refuses_nvidia(boot) {
        return refused(facts, boot, release, word);
    }
    let files = boot.next().map(|linux| linux.nvidia.as_slice()).unwrap_or_default();
    if let Some(first) = files.first() {
        return files.iter().skip(1).fold(Finding::pass(host, first.path.clone()), |finding, file| {
            finding.because(file.path.clone())
        });
    }
    let finding = Finding::fail(host, format!("no nvidia module for Linux {release}, which boots next"))
        .with("release", release);
    let finding = match boot.next() {
        None => finding.because(format!("there is no /lib/modules/{release}")),
        Some(linux) if !linux.headers => {
            finding.because(format!("/lib/modules/{release}/build leads to no headers"))
        }
        Some(_) => finding,
    };
    let others = boot.installed.iter().filter(|linux| !linux.nvidia.is_empty());
    let finding =
        others.fold(finding, |finding, linux| finding.because(format!("there is one for {}", linux.release)));
    let told = boot::trees(boot).flat_map(|tree| build_evidence(tree, release));
    let finding = told.fold(finding, Finding::because);
    let finding = match &boot.chosen_by {
        Some(by) => finding.because(by.clone()),
        None => finding,
    };
    boot::supply_for(facts, boot, release, finding)
}

fn refused(facts: &Facts, boot: &NextBoot, release: &str, word: &str) -> Finding {
    let finding = Finding::fail(Subject::Host, format!("the next command line says {word}"))
        .variant("refused")
        .with("release", release)
        .with("word", word)
        .because(boot.chosen_by.clone().unwrap_or_default());
    if judge::is_dnf(facts) {
        return finding.run("sudo grubby --update-kernel=ALL --remove-args=module_blacklist");
    }
    let taken_out = r"sudo sed -i -E 's/module_blacklist=[a-z_,]*nvidia[a-z_,]*//g' $(grep -rl module_blacklist= /etc/default/grub /etc/default/grub.d)";
    boot::rewrite_menu(facts, finding.run(taken_out))
}
