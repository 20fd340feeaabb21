//! `CUDA_VISIBLE_DEVICES` hides the GPU.
//!
//! # Meaning
//! This variable tells CUDA which GPUs to show. Empty, -1, or a number that no GPU has means none.
//!
//! # Detection
//! NVML lists the GPU, CUDA does not, and the variable is set in the environment that gpucheck was started in.
//!
//! # Fix
//! `unset CUDA_VISIBLE_DEVICES`; take it out of the notebook, `kernel.json` or profile that sets it, and restart the
//! kernel.
//!
//! # Source
//! <https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#env-vars>, pytorch/pytorch#1040

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Subject, Who, fact::Facts};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["driver.initializes", "driver.sees_gpu"],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

/// `CUDA_ERROR_NO_DEVICE`.
const NO_DEVICE: i64 = 100;

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let Some(driver) = facts.driver.seen() else { return Vec::new() };
    let Some(value) = &driver.visible_devices else { return Vec::new() };
    let asked = driver.devices.seen().is_some() || driver.init.refusal_code() == Some(NO_DEVICE);
    let hidden: Vec<&str> = facts
        .nvml_devices()
        .filter_map(|device| device.pci.seen())
        .filter(|address| facts.cuda_device(address).is_none())
        .map(crate::fact::PciAddress::as_str)
        .collect();
    if !asked || hidden.is_empty() {
        return Vec::new();
    }
    vec![
        Finding::fail(Subject::Host, format!("CUDA_VISIBLE_DEVICES={value:?} hides {}", hidden.join(", ")))
            .with("value", value.clone())
            .run("unset CUDA_VISIBLE_DEVICES")
            .run("grep -rn CUDA_VISIBLE_DEVICES ~/.bashrc ~/.profile /etc/profile.d /etc/environment"),
    ]
}
