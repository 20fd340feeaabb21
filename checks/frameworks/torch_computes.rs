//! PyTorch computes on the GPU.
//!
//! # Meaning
//! The proof that PyTorch in this Python can use the GPU.
//!
//! # Detection
//! After `import torch`, a matrix product on each GPU that it lists, compared exactly with the right one, and a
//! convolution, which is cuDNN's. Where `torch.cuda.is_available()` is False, `torch.cuda.init()` says why. Right on some
//! GPUs and not on others is a warning. Where PyTorch was not run, and its files were read alone, this cannot be told.
//!
//! # Fix
//! By the error that PyTorch gives: `python -c "import torch; torch.ones(2, device='cuda')"`.
//!
//! # Source
//! <https://pytorch.org/get-started/locally/>, pytorch/pytorch#52736

use crate::{Check, Judged, Knowledge, Severity, Source, Who, fact::Facts, judge::quoted, wheels, work};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &[
        "compute.adds_vectors",
        "frameworks.driver_runs_torch",
        "frameworks.torch_has_code_for_gpu",
        "frameworks.torch_finds_libraries",
        "frameworks.torch_loads_own_libraries",
    ],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    let judge = |python: &crate::fact::Python| {
        wheels::torch(python, |subject, torch| {
            let finding = work::judge(subject, torch).with("torch", torch.label());
            if work::asks_for_installation(&finding) {
                return wheels::install_torch(facts, knowledge, python, finding);
            }
            let command = "-c \"import torch; print(torch.ones(2, device='cuda'))\"";
            finding.run(format!("{} {command}", quoted(&python.path)))
        })
    };
    facts.pythons().map(judge).collect()
}
