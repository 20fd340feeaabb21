//! An nvidia module is installed for the Linux that runs.
//!
//! # Meaning
//! The driver is a module built for one release of Linux. After an update the machine may run a release that has
//! none, although the driver is installed.
//!
//! # Detection
//! A file `nvidia.ko*` under `/lib/modules/$(uname -r)`. A loaded module is proof enough. Containers see the
//! modules of the machine underneath loaded, and not its files.
//!
//! # Fix
//! Build or install the module for this release: `sudo dkms autoinstall`, or the `linux-modules-nvidia-*` package
//! of the distribution; where no driver is installed at all, install one.
//!
//! # Source
//! GoogleCloudPlatform/compute-gpu-installation#18, NVIDIA/nvidia-docker#804,
//! <https://learn.microsoft.com/azure/virtual-machines/linux/n-series-driver-setup>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Facts, Module},
    judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Module],
    needs: &["pci.gpu_present"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    judge::module(facts, |module| judge_module(facts, module))
}

fn judge_module(facts: &Facts, module: &Module) -> Finding {
    let host = Subject::Host;
    if module.has_driver() {
        return Finding::pass(host, "it is loaded");
    }
    match module.running_linux() {
        Some(running) if !running.nvidia.is_empty() => {
            let files: Vec<&str> = running.nvidia.iter().map(|file| file.path.as_str()).collect();
            Finding::pass(host, files.join(", "))
        }
        _ if judge::in_container(facts) => {
            Finding::unknown(host, "a container does not show the module files of its host")
        }
        _ => missing(facts, module),
    }
}

fn missing(facts: &Facts, module: &Module) -> Finding {
    let release = facts.platform.seen().map_or("?", |platform| platform.linux_release.as_str());
    let finding = Finding::fail(Subject::Host, format!("no nvidia module for the running Linux {release}"))
        .with("release", release);
    module
        .linux
        .iter()
        .filter(|linux| !linux.nvidia.is_empty())
        .fold(finding, |finding, linux| finding.because(format!("there is one for {}", linux.release)))
}
