//! The driver's module for the next boot has the version of its libraries.
//!
//! # Meaning
//! The driver's libraries talk to a module of exactly their own version. An update that moved one of both shows nothing
//! until the next boot; then NVML and CUDA refuse each other.
//!
//! # Detection
//! The version in the module's file for the Linux that boots next (or that of DKMS' source for it), against the version in
//! the name of `libcuda.so.VERSION`.
//!
//! # Fix
//! Bring the module to the version of the libraries: build it anew, or install its package in the same version.
//!
//! # Source
//! NVIDIA/ubuntu-packaging-nvidia-driver#3,
//! <https://docs.nvidia.com/deploy/cuda-compatibility/> ("the user-mode and the kernel-mode driver must match")

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who, boot,
    fact::{Facts, NextBoot},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::NextBoot, Source::Installation],
    needs: &["next_boot.has_module", "nvml.initializes", "driver.initializes"],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    boot::judge_linux(facts, |boot, release| judge_linux(facts, boot, release))
}

fn judge_linux(facts: &Facts, boot: &NextBoot, release: &str) -> Finding {
    let host = Subject::Host;
    let Some((linux, file)) = boot.next().and_then(|linux| Some((linux, boot::module(linux)?))) else {
        return Finding::not_applicable(host, "there is no module");
    };
    let Some(libraries) = boot.libraries_version() else {
        return Finding::not_applicable(
            host,
            "no libraries of the driver with a version in their name are installed",
        );
    };
    let Some(module) = boot::module_version(boot, linux) else {
        return Finding::unknown(host, format!("{} tells no version", file.path));
    };
    if module == libraries {
        return Finding::pass(host, format!("both are {module}"));
    }
    let finding = Finding::fail(host, format!("the module is {module}, the libraries are {libraries}"))
        .with("module", module)
        .with("libraries", libraries)
        .because(format!("{} is {module}", file.path));
    let paths = boot.libraries.iter().filter(|library| library.version.as_deref() == Some(libraries));
    let finding = paths
        .take(2)
        .fold(finding, |finding, library| finding.because(format!("{} is {libraries}", library.path)));
    boot::supply_for(facts, boot, release, finding)
}
