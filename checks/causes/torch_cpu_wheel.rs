//! This PyTorch is a wheel for the CPU.
//!
//! # Meaning
//! `pip install torch` from an index for the CPU, or for a machine without a GPU, brings a wheel without CUDA. It works,
//! and `torch.cuda.is_available()` is False whatever driver is installed.
//!
//! # Detection
//! `cuda` is None in `torch/version.py`; its version mostly ends in `+cpu`. A build of conda's is another matter.
//!
//! # Fix
//! Install the wheel for the CUDA that GPU and driver run in its place, torchvision and torchaudio with it.
//!
//! # Source
//! X-PLUG/MobileAgent#60, facebookresearch/detectron2#460, <https://pytorch.org/get-started/locally/>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Who,
    fact::{Facts, Python},
    wheels,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["frameworks.torch_built_with_cuda"],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, knowledge: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    wheels::failed(facts, outcomes, "frameworks.torch_built_with_cuda")
        .filter(|(python, _)| is_wheel(python))
        .map(|(python, finding)| {
            let finding = finding.with("torch", wheels::torch_label(python));
            wheels::install_torch(facts, knowledge, python, finding)
        })
        .collect()
}

/// From pip, and for no other maker's GPUs.
fn is_wheel(python: &Python) -> bool {
    let torch = python.packages.seen().and_then(|packages| packages.torch.as_ref());
    torch.is_some_and(|torch| {
        torch.conda_build.is_none() && torch.build.seen().is_some_and(|build| build.hip.is_none())
    })
}
