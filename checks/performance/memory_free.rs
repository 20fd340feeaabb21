//! The GPU has memory left.
//!
//! # Meaning
//! TensorFlow takes nearly all memory of a GPU and keeps it until its program ends, also while nothing is computed. A
//! second notebook finds none: "out of memory", or errors of cuBLAS and cuDNN that hide it.
//!
//! # Detection
//! NVML's free memory is below 500 MiB, or below a tenth of a small card; or more than a gigabyte is in use while no
//! process is on the GPU.
//!
//! # Fix
//! Shut down the notebook or program that holds it.
//!
//! # Source
//! tensorflow/tensorflow#9489, jupyter/notebook#2201, <https://docs.nvidia.com/deploy/nvml-api/structnvmlMemory__v2__t.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, Memory, NvmlDevice},
    readings::{self, size},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Pci, Source::Nvml, Source::Processes],
    needs: &["nvml.sees_gpu"],
    severity: Severity::Degraded,
    who: Who::Student,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    readings::each_gpu(facts, |subject, device| judge_device(facts, subject, device))
}

fn judge_device(facts: &Facts, subject: Subject, device: &NvmlDevice) -> Finding {
    let memory = match readings::value(&subject, &device.memory) {
        Ok(memory) => memory,
        Err(finding) => return *finding,
    };
    let Memory { total, free, used, .. } = *memory;
    if device.has_mig() {
        return Finding::not_applicable(subject, "MIG divides its memory");
    }
    if !memory.is_plausible() {
        let text = format!("{total} bytes in all, {free} free and {used} used do not fit together");
        return Finding::unknown(subject, text);
    }
    let summary = format!("{} free of {}", size(free), size(total));
    if memory.is_full() {
        return Finding::new(subject, Verdict::Warn, summary).run("nvidia-smi");
    }
    match readings::held_by_nobody(facts, device) {
        Some(bytes) => {
            let summary = format!("{summary}; {} in use, and no process is on the GPU", size(bytes));
            Finding::new(subject, Verdict::Warn, summary).run("nvidia-smi")
        }
        None => Finding::pass(subject, summary),
    }
}
