//! PyTorch has code for the GPU.
//!
//! # Meaning
//! A wheel carries machine code for some compute capabilities. The newer ones have none for old cards (from CUDA 12.8 on
//! none for Maxwell and Pascal, from 13.0 on none for Volta), the older ones none for new cards.
//! `torch.cuda.is_available()` is True nonetheless; the first operation fails.
//!
//! # Detection
//! The list that `torch.cuda.get_arch_list()` gives, found in `libtorch_python.so` without importing anything; where it
//! is not found, what PyTorch's build script says of wheels of this kind. Machine code runs on the same major version and
//! the same or a higher minor one, PTX on whatever is the same or newer.
//!
//! # Fix
//! Install a wheel that has code for the card.
//!
//! # Source
//! pytorch/pytorch#52736, pytorch/pytorch .ci/manywheel/build_cuda.sh,
//! <https://docs.nvidia.com/cuda/cuda-compiler-driver-nvcc/#gpu-compilation>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, Torch},
    wheels::{self, Gpu},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Nvml, Source::Driver, Source::Frameworks],
    needs: &["frameworks.torch_built_with_cuda"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    let gpus = wheels::gpus(facts, knowledge);
    let judge = |python| {
        let finding = wheels::torch(python, |subject, torch| judge_code(subject, torch, &gpus, knowledge));
        if matches!(finding.verdict, Verdict::Fail | Verdict::Warn) {
            wheels::install_torch(facts, knowledge, python, finding)
        } else {
            finding
        }
    };
    facts.pythons().map(judge).collect()
}

fn judge_code(subject: Subject, torch: &Torch, gpus: &[Gpu], knowledge: &Knowledge) -> Finding {
    let label = torch.label();
    if torch.build.seen().is_some_and(|build| build.cuda.is_none()) {
        return Finding::unknown(subject, format!("{label} was built without CUDA"));
    }
    let Some((architectures, from)) = wheels::torch_code(torch, knowledge) else {
        return Finding::unknown(subject, format!("{label}: {}", torch.architectures.why_not()));
    };
    if gpus.is_empty() {
        return Finding::unknown(subject, "the compute capability of no GPU is known");
    }
    let (without, translated) = wheels::without_code(gpus, architectures);
    let has = format!("{label} has {}", architectures.join(" "));
    if without.is_empty() {
        let how = if translated { ", from which the driver translates at the first run" } else { "" };
        return Finding::pass(subject, format!("{has}{how}"));
    }
    let named = wheels::named(&without);
    let summary = format!("{has}: nothing for {named}");
    let finding = if without.len() < gpus.len() {
        Finding::new(subject, Verdict::Warn, summary).variant("some")
    } else {
        Finding::fail(subject, summary)
    };
    finding.because(from).with("torch", label).with("gpu", named)
}
