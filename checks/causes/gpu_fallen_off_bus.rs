//! The GPU has fallen off the bus.
//!
//! # Meaning
//! The card stopped answering: hardware, power, or the host underneath. Nothing inside the machine can bring it back.
//!
//! # Detection
//! Its config space reads all ones, or NVML says 15, "GPU is lost".
//!
//! # Fix
//! Stop (deallocate) and start the virtual machine; a reboot from inside may not reset the card.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/xid-errors/> (Xid 79), NVIDIA/NVSentinel#155, leptonai/gpud#604

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{ConfigSpace, Facts},
};

/// `NVML_ERROR_GPU_IS_LOST`.
const GPU_IS_LOST: i64 = 15;

pub(crate) static CAUSE: Cause = Cause {
    explains: &[
        "pci.gpu_answers",
        "module.drives_gpu",
        "nvml.sees_gpu",
        "driver.initializes",
        "driver.sees_gpu",
    ],
    severity: Severity::Unusable,
    who: Who::Platform,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let devices = facts.nvml.seen().and_then(|nvml| nvml.devices.seen());
    let lost = devices.into_iter().flatten().any(|device| device.refusal_code() == Some(GPU_IS_LOST));
    facts
        .gpus()
        .filter_map(|gpu| {
            let subject = Subject::Gpu(gpu.address.clone());
            if gpu.config == ConfigSpace::AllOnes {
                Some(Finding::fail(subject, "its config space reads all ones"))
            } else if lost && facts.nvml_device(&gpu.address).is_none() {
                Some(Finding::fail(subject, "NVML: GPU is lost (15)"))
            } else {
                None
            }
        })
        .collect()
}
