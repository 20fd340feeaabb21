//! The compute mode keeps other programs off the GPU.
//!
//! # Meaning
//! In mode "exclusive process" one program has the GPU for itself, and the second notebook is refused; in mode
//! "prohibited" every program is.
//!
//! # Detection
//! NVML's compute mode is 3 with a process on the GPU (in a container, where the processes of others cannot be seen,
//! without one), or 2; `cuDevicePrimaryCtxRetain` returns 46. gpucheck's own processes do not count: in mode 3 it looks
//! with one at a time.
//!
//! # Fix
//! `sudo nvidia-smi -c 0`
//!
//! # Source
//! NVIDIA/DIGITS#2005, <https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{Facts, NvmlDevice},
    judge, readings,
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
    let found = facts.nvml_devices().filter(is_refused).filter_map(|device| blocked(facts, device));
    readings::together(found.collect())
}

fn blocked(facts: &Facts, device: &NvmlDevice) -> Option<Finding> {
    let subject = Subject::Gpu(device.pci.seen()?.clone());
    let listed = device.compute_processes.seen().into_iter().flatten();
    let processes: Vec<_> = listed.filter(|process| !process.ours).collect();
    let mode = match device.compute_mode.seen()? {
        2 => "prohibited",
        3 if !processes.is_empty() || judge::in_container(facts) => "exclusive process",
        _ => return None,
    };
    let finding = Finding::fail(subject.clone(), format!("its compute mode is {mode}"))
        .accounting_for("driver.opens_context", &subject)
        .with("mode", mode)
        .run(format!("sudo nvidia-smi -i {} -c 0", device.index));
    Some(processes.iter().fold(finding, |finding, process| {
        let name = process.name.as_deref().unwrap_or("unknown");
        finding.because(format!("process {} ({name}) is on it", process.pid))
    }))
}
