//! This PyTorch has no code for the GPU.
//!
//! # Meaning
//! `torch.cuda.is_available()` is True, and the first operation ends with "no kernel image is available for execution on
//! the device". The wheel carries machine code for other cards: those for CUDA 12.8 none for Maxwell and Pascal, those for
//! CUDA 13 none for Volta, those before 12.8 none for Blackwell.
//!
//! # Detection
//! The list of architectures in `libtorch_python.so`, else that of the wheel's kind, beside the compute capability.
//!
//! # Fix
//! Install the newest wheel that has code for the card and that the driver runs.
//!
//! # Source
//! Kaggle/kaggle-cli#1151, pytorch/pytorch#52736, #150733, pytorch/pytorch .ci/manywheel/build_cuda.sh

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Who, fact::Facts, wheels};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["frameworks.torch_has_code_for_gpu"],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, knowledge: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    wheels::failed(facts, outcomes, "frameworks.torch_has_code_for_gpu")
        .map(|(python, finding)| {
            let gpus = wheels::gpus(facts, knowledge);
            let finding = finding
                .with("torch", wheels::torch_label(python))
                .with("gpu", wheels::named(&gpus.iter().collect::<Vec<_>>()));
            wheels::install_torch(facts, knowledge, python, finding)
        })
        .collect()
}
