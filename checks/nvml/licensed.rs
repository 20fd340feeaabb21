//! A virtual GPU has its licence.
//!
//! # Meaning
//! A slice of a card that a hypervisor shares out (vGPU) works for a while without a licence; then it becomes slow, and
//! programs are refused. `nvidia-smi` looks healthy all the time.
//!
//! # Detection
//! NVML says "vGPU", names features that want a licence, and one of them has it.
//!
//! # Fix
//! Give the licence client its configuration and start it: `sudo systemctl enable --now nvidia-gridd`.
//!
//! # Source
//! <https://docs.nvidia.com/vgpu/latest/grid-licensing-user-guide/>, Azure/AKS#4870

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, NvmlDevice},
    readings,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Nvml],
    needs: &["nvml.sees_gpu"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    readings::each_gpu(facts, judge_device)
}

fn judge_device(subject: Subject, device: &NvmlDevice) -> Finding {
    match readings::value(&subject, &device.virtualization_mode) {
        Err(finding) => return *finding,
        Ok(_) if !device.is_vgpu() => return Finding::not_applicable(subject, "it is no virtual GPU"),
        Ok(_) => {}
    }
    match readings::value(&subject, &device.grid_features) {
        Err(finding) => *finding,
        Ok(features) if features.is_empty() => {
            Finding::not_applicable(subject, "no feature of it wants a licence")
        }
        Ok(features) if features.iter().any(|feature| feature.licensed) => {
            Finding::pass(subject, "a virtual GPU with a licence")
        }
        Ok(features) => {
            let summary =
                format!("a virtual GPU without a licence: 0 of {} features have one", features.len());
            Finding::new(subject, Verdict::Warn, summary).run("systemctl status nvidia-gridd")
        }
    }
}
