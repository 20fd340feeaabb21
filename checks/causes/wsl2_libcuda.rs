//! Under WSL another CUDA library stands before that of Windows.
//!
//! # Meaning
//! Under WSL the driver is that of Windows, and its libraries lie in `/usr/lib/wsl/lib`. A driver for Linux that was
//! installed beside them brings a `libcuda.so.1` that talks to a module which WSL does not have.
//!
//! # Detection
//! This is WSL, `/usr/lib/wsl/lib/libcuda.so.1` exists, and the loader takes another file or none; CUDA does not load
//! or does not start.
//!
//! # Fix
//! `sudo apt purge 'libnvidia-compute*' 'nvidia-driver*'`, then `sudo ldconfig`.
//!
//! # Source
//! microsoft/WSL#8587, #5663, tensorflow/tensorflow#45882, <https://docs.nvidia.com/cuda/wsl-user-guide/>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{Facts, Place},
    judge,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["driver.loads", "driver.initializes", "nvml.loads", "nvml.initializes"],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

/// Where Windows' libraries lie.
const OF_WINDOWS: &str = "/usr/lib/wsl/";

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let (Some(module), Some(driver)) = (facts.module.seen(), facts.driver.seen()) else { return Vec::new() };
    let of_windows = |path: &str| path.starts_with(OF_WINDOWS);
    let is_there = module.libraries.iter().any(|library| {
        library.soname == "libcuda.so.1" && of_windows(&library.path) && library.target.seen().is_some()
    });
    let broken = driver.library.failure().is_some() || driver.init.failure().is_some();
    if facts.place() != Place::Wsl || judge::in_container(facts) || !is_there || !broken {
        return Vec::new();
    }
    let summary = match driver.library.seen() {
        Some(path) if of_windows(path) => return Vec::new(),
        Some(path) => format!("the loader took {path}, not Windows' library"),
        None => format!("the loader did not take {OF_WINDOWS}lib/libcuda.so.1: {}", driver.library.why_not()),
    };
    let finding = Finding::fail(Subject::Host, summary)
        .because(driver.init.failure().map(ToString::to_string).unwrap_or_default());
    let finding = if driver.library.seen().is_some() {
        finding.run("sudo apt purge 'libnvidia-compute*' 'nvidia-driver*' 'libcuda1*'")
    } else {
        finding.variant("unfound")
    };
    vec![finding.run("echo /usr/lib/wsl/lib | sudo tee /etc/ld.so.conf.d/ld.wsl.conf && sudo ldconfig")]
}
