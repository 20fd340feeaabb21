//! The driver's management library loads.
//!
//! # Meaning
//! `libnvidia-ml.so.1` (NVML) is what `nvidia-smi` is made of. TensorFlow 2.21 silently stays on the CPU without it.
//!
//! # Detection
//! The dynamic loader finds and loads it, in a process of its own.
//!
//! # Fix
//! Install the user-space part of the driver at the version of the loaded module.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/nvml-api/>, compiler-explorer/infra#1722

use crate::{Check, Judged, Knowledge, Severity, Source, Who, fact::Facts};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Nvml],
    needs: &["pci.gpu_present"],
    severity: Severity::Degraded,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    vec![crate::judge::library(facts, &facts.nvml, |nvml| &nvml.library)]
}
