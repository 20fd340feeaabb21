//! The driver's management library is not installed.
//!
//! # Meaning
//! The module is loaded, and `libnvidia-ml.so.1` with `nvidia-smi` is missing: only a part of the driver is
//! installed. CUDA itself may work.
//!
//! # Detection
//! On Ubuntu, outside a container: nvidia is loaded, and the loader does not find `libnvidia-ml.so.1`.
//!
//! # Fix
//! Install the rest of the driver at the version of the loaded module.
//!
//! # Source
//! <https://github.com/NVIDIA/go-nvml/blob/main/gen/nvml/nvml.h> (error 12), compiler-explorer/infra#1722

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{Facts, Observed},
    installed,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["nvml.loads", "frameworks.tensorflow_lists_gpu"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let Some(module) = facts.module.seen().filter(|module| module.has_driver()) else {
        return Vec::new();
    };
    let absent = facts.nvml.seen().is_some_and(|nvml| matches!(nvml.library, Observed::Failed(_)));
    if !absent || crate::judge::in_container(facts) || !crate::judge::is_ubuntu(facts) {
        return Vec::new();
    }
    let finding = Finding::fail(Subject::Host, "nvidia is loaded, libnvidia-ml.so.1 does not load")
        .because(facts.nvml.seen().map(|nvml| nvml.library.why_not()).unwrap_or_default());
    let Some(version) = module.version.as_deref() else { return vec![finding.variant("version_untold")] };
    let number = version.split('.').next().unwrap_or(version);
    // Packages of a branch and of its `-server` exclude each other.
    let packaged =
        installed::packaged_branch(facts).filter(|branch| branch.split('-').next() == Some(number));
    let branch = packaged.as_deref().unwrap_or(number);
    vec![
        finding
            .with("version", version)
            .run(format!("sudo apt install nvidia-utils-{branch} libnvidia-compute-{branch}")),
    ]
}
