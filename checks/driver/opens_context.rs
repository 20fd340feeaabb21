//! CUDA opens the GPU.
//!
//! # Meaning
//! A context is a program's seat on the GPU. Listing a GPU needs none; the first operation does.
//!
//! # Detection
//! `cuDevicePrimaryCtxRetain` returns 0 for the device. 46 is "busy or unavailable": another program has the GPU for
//! itself, or a virtual GPU has no licence. 2 is "out of memory".
//!
//! # Fix
//! By its code: end the program that has the GPU for itself, or `sudo nvidia-smi -c 0`.
//!
//! # Source
//! <https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__PRIMARY__CTX.html>, NVIDIA/DIGITS#2005

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{CudaDevice, Facts, Observed},
    judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Nvml, Source::Driver],
    needs: &["driver.sees_gpu"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    let judge_device = |subject, device: &CudaDevice| judge_device(facts, subject, device);
    judge::each_gpu(facts, judge_device, |subject| Finding::unknown(subject, "CUDA does not list it"))
}

fn judge_device(facts: &Facts, subject: Subject, device: &CudaDevice) -> Finding {
    match &device.context {
        Observed::Seen(()) => Finding::pass(subject, "a context was opened"),
        Observed::Failed(by) | Observed::Interrupted { by, .. } => Finding::fail(subject, by.to_string()),
        Observed::NotProbed { why } => match facts.driver.failure() {
            Some(by) => Finding::fail(subject, by.to_string()),
            None => Finding::unknown(subject, format!("not probed: {why}")),
        },
    }
}
