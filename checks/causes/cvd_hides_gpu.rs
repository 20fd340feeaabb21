//! `CUDA_VISIBLE_DEVICES` hides the GPU.
//!
//! # Meaning
//! This variable tells CUDA which GPUs to show. Empty, -1, or a number that no GPU has means none.
//!
//! # Detection
//! CUDA does not list the GPU, and the variable is set in the environment that gpucheck was started in: to something
//! that names no GPU, or while CUDA lists others. Where CUDA lists no more without the variable, it hides nothing.
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
    let listed = driver.devices.seen();
    let refused = driver.init.refusal_code() == Some(NO_DEVICE)
        && driver.devices_unhidden.map_or_else(|| selects_none(value, facts), |unhidden| unhidden > 0);
    if driver.devices_unhidden.is_some_and(|unhidden| unhidden <= listed.map_or(0, Vec::len)) {
        return Vec::new();
    }
    let hidden: Vec<String> = facts
        .gpu_addresses()
        .iter()
        .filter(|address| facts.cuda_device(address).is_none())
        .map(ToString::to_string)
        .collect();
    if hidden.is_empty() || !(listed.is_some() || refused) {
        return Vec::new();
    }
    vec![
        Finding::fail(Subject::Host, format!("CUDA_VISIBLE_DEVICES={value:?} hides {}", hidden.join(", ")))
            .with("value", value.clone())
            .run("unset CUDA_VISIBLE_DEVICES")
            .run("grep -rn CUDA_VISIBLE_DEVICES ~/.bashrc ~/.profile /etc/profile.d /etc/environment"),
    ]
}

/// Whether CUDA shows no GPU for this value: it stops at the first entry that names none.
fn selects_none(value: &str, facts: &Facts) -> bool {
    let first = value.split(',').next().unwrap_or_default().trim();
    match first.parse::<usize>() {
        Ok(index) => index >= facts.gpu_addresses().len(),
        // A UUID may name a GPU or a MIG instance; that cannot be told from here.
        Err(_) => !(first.starts_with("GPU-") || first.starts_with("MIG-")),
    }
}
