//! MIG is on, and no instance is made.
//!
//! # Meaning
//! With MIG on, CUDA shows the instances of a card and never the card itself. Instances are gone after each reboot.
//!
//! # Detection
//! NVML: MIG is on and no instance has a handle. CUDA says "no device" (100) or leaves the card out.
//!
//! # Fix
//! `sudo nvidia-smi mig -cgi PROFILE -C`, at each boot; or `sudo nvidia-smi -mig 0`.
//!
//! # Source
//! nanoporetech/megalodon#275, NVIDIA/mig-parted#97, <https://docs.nvidia.com/datacenter/tesla/mig-user-guide/>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{Facts, NvmlDevice},
    readings,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["nvml.has_mig_instances", "driver.initializes", "driver.sees_gpu"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

/// `CUDA_ERROR_NO_DEVICE`.
const NO_DEVICE: i64 = 100;

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let refused = facts.driver.seen().is_some_and(|driver| driver.init.refusal_code() == Some(NO_DEVICE));
    let all_empty = facts.nvml_devices().all(is_empty);
    let finding = |device: &NvmlDevice| {
        let subject = Subject::Gpu(device.pci.seen()?.clone());
        let index = device.index;
        let finding = Finding::fail(subject.clone(), "MIG is on, and no instance is made")
            .accounting_for("nvml.has_mig_instances", &subject)
            .accounting_for("driver.sees_gpu", &subject)
            .run(format!("sudo nvidia-smi -i {index} -mig 0"));
        Some(if refused && all_empty {
            finding
                .accounting_for("driver.initializes", &Subject::Host)
                .because("cuInit says: no device (100)")
        } else {
            finding
        })
    };
    readings::together(facts.nvml_devices().filter(|device| is_empty(device)).filter_map(finding).collect())
}

fn is_empty(device: &NvmlDevice) -> bool {
    device.has_mig() && device.mig_instances.seen().is_some_and(Vec::is_empty)
}
