//! The GPU is older than everything that this TensorFlow holds code for.
//!
//! # Meaning
//! TensorFlow ignores the GPU, or lists it and cannot run anything on it. Newer releases leave out older GPUs: 2.15 the
//! K80, 2.17 the M60.
//!
//! # Detection
//! The compute capability of the GPU is below all of those that TensorFlow was built for. Its log may say `The minimum
//! required Cuda capability is`, or an operation `device kernel image is invalid`.
//!
//! # Fix
//! The newest TensorFlow that has code for this GPU and runs on the newest driver for it.
//!
//! # Source
//! tensorflow/tensorflow#41990, #41976, <https://www.tensorflow.org/install/pip#hardware_requirements>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Verdict, Who,
    fact::{Facts, Python, TensorFlow},
    judge,
    knowledge::Fit,
    tensorflow,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &[
        "frameworks.tensorflow_computes",
        "frameworks.tensorflow_has_code_for_gpu",
        "frameworks.tensorflow_lists_gpu",
    ],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, knowledge: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    tensorflow::outcomes(outcomes, "frameworks.tensorflow_has_code_for_gpu", Verdict::Fail)
        .filter_map(|outcome| {
            let (python, found) = tensorflow::python_of(facts, &outcome.subject)?;
            too_old(facts, knowledge, python, found, crate::judge::retold(outcome))
        })
        .collect()
}

fn too_old(
    facts: &Facts,
    knowledge: &Knowledge,
    python: &Python,
    found: &TensorFlow,
    finding: Finding,
) -> Option<Finding> {
    let fittings = tensorflow::fittings(facts, knowledge, found)?;
    let older = fittings.into_iter().find(|fitting| fitting.fit == Fit::No && fitting.older)?;
    let log = found.best_look().map(|look| look.log.as_str()).unwrap_or_default();
    let finding = judge::log_lines(finding, log, &["The minimum required Cuda capability is"])
        .with("distribution", found.label())
        .with("capability", format!("{}.{}", older.gpu.capability.0, older.gpu.capability.1));
    Some(tensorflow::install_fitting(knowledge, python, &older.gpu, finding))
}
