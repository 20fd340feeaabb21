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

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Subject, Who, fact::Facts};

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
    let missing = module.running_linux().is_none_or(|linux| linux.nvidia.is_empty());
    let others: Vec<&str> = module
        .linux
        .iter()
        .filter(|linux| !linux.running && !linux.nvidia.is_empty())
        .map(|linux| linux.release.as_str())
        .collect();
    let dkms = module.dkms.iter().find(|dkms| dkms.name.starts_with("nvidia"));
    let installed = !others.is_empty() || dkms.is_some();
    if !missing || !installed || module.has_driver() || crate::judge::in_container(facts) {
        return Vec::new();
    }
    let release = platform.linux_release.as_str();
    let finding = Finding::fail(Subject::Host, format!("no nvidia module for the running Linux {release}"))
        .with("release", release);
    let finding =
        others.iter().fold(finding, |finding, other| finding.because(format!("there is one for {other}")));
    let finding = match dkms {
        Some(dkms) => finding
            .because(format!("DKMS holds {} {}, built for {}", dkms.name, dkms.version, list(&dkms.built_for)))
            .run(format!("sudo apt install linux-headers-{release} && sudo dkms autoinstall -k {release} && sudo modprobe nvidia")),
        None => finding.variant("packaged").run("apt list --installed 'linux-modules-nvidia-*' 'nvidia-driver-*'"),
    };
    vec![finding]
}

fn list(releases: &[String]) -> String {
    if releases.is_empty() { "no Linux".to_owned() } else { releases.join(", ") }
}
