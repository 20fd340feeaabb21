//! PyTorch was built with CUDA.
//!
//! # Meaning
//! Wheels whose version ends in `+cpu` and conda's `cpu_*` builds hold no code for a GPU. They work, and
//! `torch.cuda.is_available()` is False whatever driver is installed. A build for ROCm is for AMD's GPUs.
//!
//! # Detection
//! `cuda` in `torch/version.py`, read without importing anything.
//!
//! # Fix
//! Install a wheel for CUDA that the GPU and the driver run.
//!
//! # Source
//! <https://pytorch.org/get-started/locally/>, facebookresearch/detectron2#460

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Facts, Torch},
    wheels,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &["frameworks.python_starts", "pci.gpu_present"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    let judge = |python| {
        let finding = wheels::torch(python, judge_build);
        if finding.verdict == crate::Verdict::Fail {
            wheels::install_torch(facts, knowledge, python, finding)
        } else {
            finding
        }
    };
    facts.pythons().map(judge).collect()
}

fn judge_build(subject: Subject, torch: &Torch) -> Finding {
    let label = torch.label();
    let Some(build) = torch.build.seen() else {
        return Finding::unknown(subject, format!("{label}: {}", torch.build.why_not()));
    };
    let finding = match (&build.cuda, &build.hip) {
        (Some(cuda), _) => return Finding::pass(subject, format!("{label}, CUDA {cuda}")),
        (None, Some(hip)) => {
            Finding::fail(subject, format!("{label} was built for ROCm {hip}")).variant("rocm")
        }
        (None, None) => Finding::fail(subject, format!("{label} was built without CUDA")),
    };
    let finding = match &torch.conda_build {
        Some(conda) => finding.because(format!("conda's build {conda}")),
        None => finding,
    };
    finding.because(torch.package.clone()).with("torch", label)
}
