//! The driver runs PyTorch's CUDA.
//!
//! # Meaning
//! A driver runs programs of its own CUDA version, of older ones, and of newer ones with the same major number. A PyTorch
//! for a newer major finds the driver too old and no GPU.
//!
//! # Detection
//! `cuda` in `torch/version.py` beside the version that CUDA's driver says it runs (`cuDriverGetVersion`).
//!
//! # Fix
//! Install a wheel for the CUDA that the driver runs, or a newer driver.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html>, serend1p1ty/SeqNet#36

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, Torch},
    wheels,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Nvml, Source::Driver, Source::Frameworks],
    needs: &["frameworks.torch_built_with_cuda", "driver.initializes"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    let judge = |python| {
        let finding = wheels::torch(python, |subject, torch| judge_driver(facts, subject, torch));
        if finding.verdict == Verdict::Fail {
            wheels::install_torch(facts, knowledge, python, finding)
        } else {
            finding
        }
    };
    facts.pythons().map(judge).collect()
}

fn judge_driver(facts: &Facts, subject: Subject, torch: &Torch) -> Finding {
    let label = torch.label();
    let Some(wanted) = torch.cuda().and_then(wheels::version) else {
        return Finding::unknown(subject, format!("{label} does not say which CUDA it wants"));
    };
    let Some(newest) = wheels::newest_cuda(facts) else {
        return Finding::unknown(subject, "the driver does not say which CUDA it runs");
    };
    let wanted_is = format!("{label} is for CUDA {}.{}", wanted.0, wanted.1);
    if newest >= wanted {
        return Finding::pass(subject, format!("{wanted_is}, the driver runs {}.{}", newest.0, newest.1));
    }
    if wheels::runs(newest, wanted) {
        return Finding::pass(subject, format!("{wanted_is}, the driver runs every CUDA {}", newest.0));
    }
    let summary = format!("{wanted_is}, the driver runs {}.{} at most", newest.0, newest.1);
    let driver = wheels::driver(facts).map(|version| format!("driver {version}"));
    Finding::fail(subject, summary).because(driver.unwrap_or_default()).with("framework", label)
}
