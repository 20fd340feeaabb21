//! The compute mode keeps other programs off the GPU.
//!
//! # Meaning
//! In mode "exclusive process" one program has the GPU for itself, and the second notebook is refused; in mode
//! "prohibited" every program is.
//!
//! # Detection
//! NVML's compute mode is 3 with a process on the GPU, or 2; `cuDevicePrimaryCtxRetain` returns 46.
//!
//! # Fix
//! `sudo nvidia-smi -c 0`
//!
//! # Source
//! NVIDIA/DIGITS#2005, <https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{Facts, NvmlDevice},
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["driver.opens_context"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

/// `CUDA_ERROR_DEVICE_UNAVAILABLE`.
const DEVICE_UNAVAILABLE: i64 = 46;

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let is_refused = |device: &&NvmlDevice| {
        let address = device.pci.seen();
        let cuda = address.and_then(|address| facts.cuda_device(address));
        cuda.is_some_and(|device| device.context.refusal_code() == Some(DEVICE_UNAVAILABLE))
    };
    facts.nvml_devices().filter(is_refused).filter_map(blocked).collect()
}

fn blocked(device: &NvmlDevice) -> Option<Finding> {
    let address = device.pci.seen()?.clone();
    let processes = device.compute_processes.seen().map_or(&[][..], Vec::as_slice);
    let mode = match device.compute_mode.seen()? {
        2 => "prohibited",
        3 if !processes.is_empty() => "exclusive process",
        _ => return None,
    };
    let finding = Finding::fail(Subject::Gpu(address), format!("its compute mode is {mode}"))
        .with("mode", mode)
        .run(format!("sudo nvidia-smi -i {} -c 0", device.index));
    Some(processes.iter().fold(finding, |finding, process| {
        let name = process.name.as_deref().unwrap_or("unknown");
        finding.because(format!("process {} ({name}) is on it", process.pid))
    }))
}
