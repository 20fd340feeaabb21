//! TensorFlow holds machine code for the GPU.
//!
//! # Meaning
//! A build holds code for some compute capabilities. A GPU that is older than all of them cannot be used, though it may
//! be listed. For one that is newer the driver translates PTX at the first run, which takes up to half an hour and, from
//! one generation to the next, often fails.
//!
//! # Detection
//! `cuda_compute_capabilities` in TensorFlow's build information, or the table for its release, beside the compute
//! capability of each GPU: `sm_XY` runs on the same major version and a higher minor, `compute_XY` holds PTX too. A GPU
//! on which TensorFlow computed is not unusable, whatever the list says.
//!
//! # Fix
//! The newest TensorFlow that has code for the GPU.
//!
//! # Source
//! <https://docs.nvidia.com/cuda/cuda-compiler-driver-nvcc/#gpu-compilation>, tensorflow/tensorflow#41990, #97387

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, Python, TensorFlow},
    judge,
    knowledge::Fit,
    tensorflow::{self, Fitting},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Driver, Source::Frameworks],
    needs: &["frameworks.tensorflow_built_with_cuda", "pci.gpu_present"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    let judge_code = |subject, python: &Python, tensorflow: &TensorFlow| {
        judge_code(facts, knowledge, subject, python, tensorflow)
    };
    facts.pythons().map(|python| judge::tensorflow(python, judge_code)).collect()
}

fn judge_code(
    facts: &Facts,
    knowledge: &Knowledge,
    subject: Subject,
    python: &Python,
    found: &TensorFlow,
) -> Finding {
    let label = found.label();
    if tensorflow::is_cuda_build(found) == Some(false) {
        return Finding::not_applicable(subject, format!("{label} was built without CUDA"));
    }
    let Some(fittings) = tensorflow::fittings(facts, knowledge, found) else {
        return Finding::unknown(subject, format!("{label} does not tell for which GPUs it holds code"));
    };
    let lacks = |fitting: &&Fitting| fitting.fit == Fit::No && !tensorflow::computes_on(found, &fitting.gpu);
    let (without, with): (Vec<&Fitting>, Vec<&Fitting>) = fittings.iter().partition(lacks);
    if let Some(first) = without.first() {
        let verdict = if with.is_empty() { Verdict::Fail } else { Verdict::Warn };
        let finding = Finding::new(subject, verdict, summary(&label, "no code", first))
            .because(format!("built for {}", first.built_for))
            .with("distribution", label)
            .with("capability", capability(first));
        let finding = if with.is_empty() { finding } else { finding.variant("some") };
        return if with.is_empty() {
            tensorflow::install_fitting(knowledge, python, &first.gpu, finding)
        } else {
            finding.with("gpu", first.gpu.name.clone())
        };
    }
    match fittings.iter().find(|fitting| fitting.fit == Fit::Ptx) {
        Some(first) => {
            Finding::new(subject, Verdict::Warn, summary(&label, "PTX and no machine code", first))
                .variant("ptx")
                .because(format!("built for {}", first.built_for))
                .with("distribution", label)
                .with("gpu", first.gpu.name.clone())
                .with("capability", capability(first))
        }
        None if fittings.is_empty() => {
            Finding::unknown(subject, "the compute capability of the GPU is not told")
        }
        None => Finding::pass(subject, format!("{label}, built for {}", built_for(&fittings))),
    }
}

fn summary(label: &str, what: &str, fitting: &Fitting) -> String {
    format!("{label} holds {what} for {} (compute capability {})", fitting.gpu.name, capability(fitting))
}

fn capability(fitting: &Fitting) -> String {
    format!("{}.{}", fitting.gpu.capability.0, fitting.gpu.capability.1)
}

fn built_for(fittings: &[Fitting]) -> &str {
    fittings.first().map_or("", |fitting| fitting.built_for.as_str())
}
