//! The running Linux is newer than the driver's modules.
//!
//! # Meaning
//! An update brought a new Linux, the machine booted it, and the nvidia module was not built for it. Everything else
//! of the driver is in place.
//!
//! # Detection
//! No `nvidia.ko*` under `/lib/modules/$(uname -r)`, and one under another release there or its source in DKMS.
//!
//! # Fix
//! Build the module for this release and load it; hold the Linux packages in a published template.
//!
//! # Source
//! GoogleCloudPlatform/compute-gpu-installation#18, NVIDIA/nvidia-docker#804, #365

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    boot::packaged_as,
    fact::{Dkms, Facts, Installation, Module},
    installed::{Absence, absence, build_evidence, flavour},
    judge,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["module.built_for_running_kernel", "module.loaded", "module.drives_gpu"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let (Some(module), Some(platform)) = (facts.module.seen(), facts.platform.seen()) else {
        return Vec::new();
    };
    let Some(Absence::NotBuilt(tree)) = absence(facts) else { return Vec::new() };
    let release = platform.linux_release.as_str();
    let finding = Finding::fail(Subject::Host, format!("no nvidia module for the running Linux {release}"))
        .with("release", release);
    let others = module.linux.iter().filter(|linux| !linux.running && !linux.nvidia.is_empty());
    let finding =
        others.fold(finding, |finding, linux| finding.because(format!("there is one for {}", linux.release)));
    let finding = match tree {
        Some(tree) => by_dkms(facts, tree, release, finding),
        None => by_package(facts, module, release, finding),
    };
    vec![hold(facts, release, finding)]
}

fn by_dkms(facts: &Facts, tree: &Dkms, release: &str, finding: Finding) -> Finding {
    let headers = if judge::is_apt(facts) {
        format!("sudo apt update && sudo apt install -y linux-headers-{release} && ")
    } else {
        String::new()
    };
    let finding = build_evidence(tree, release).fold(finding, Finding::because);
    finding
        .because(format!("DKMS holds {} {}, built for {}", tree.name, tree.version, list(&tree.built_for)))
        .run(format!("{headers}sudo dkms autoinstall -k {release} && sudo modprobe nvidia"))
}

/// Modules that come with the distribution's Linux, or that NVIDIA's installer built once.
fn by_package(facts: &Facts, module: &Module, release: &str, finding: Finding) -> Finding {
    let mut files = module.linux.iter().rev().flat_map(|linux| &linux.nvidia);
    let branch = files.find_map(|file| packaged_as(&file.path));
    let by_installer = facts.installation.seen().is_some_and(Installation::is_by_installer);
    match branch.zip(flavour(release)).filter(|_| judge::is_ubuntu(facts)) {
        Some((branch, flavour)) => finding.variant("packaged").run(format!(
            "sudo apt update && sudo apt install -y linux-modules-nvidia-{branch}-{flavour} && sudo modprobe nvidia"
        )),
        None if by_installer => finding.variant("installer"),
        None if judge::is_apt(facts) => finding
            .variant("packaged")
            .run("apt list --installed 'linux-modules-nvidia-*' 'nvidia-driver-*'"),
        None => finding.variant("packaged"),
    }
}

/// Keeps the next Linux from coming unasked: the packages that follow it are held, where they are installed.
fn hold(facts: &Facts, release: &str, finding: Finding) -> Finding {
    let (Some(flavour), Some(installation)) = (flavour(release), facts.installation.seen()) else {
        return finding;
    };
    let following =
        ["linux-", "linux-image-", "linux-headers-"].map(|beginning| format!("{beginning}{flavour}"));
    let to_hold: Vec<&str> = installation
        .packages()
        .filter(|package| following.contains(&package.name) && package.is_installed() && !package.is_held())
        .map(|package| package.name.as_str())
        .collect();
    if to_hold.is_empty() {
        finding
    } else {
        finding.run(format!("sudo apt-mark hold {}", to_hold.join(" ")))
    }
}

fn list(releases: &[String]) -> String {
    if releases.is_empty() { "no Linux".to_owned() } else { releases.join(", ") }
}
