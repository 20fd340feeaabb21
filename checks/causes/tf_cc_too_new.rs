//! The GPU is newer than the code in this TensorFlow.
//!
//! # Meaning
//! TensorFlow lists the GPU and holds no machine code for it. It has PTX, which the driver translates at the first run;
//! across a generation that fails: `CUDA_ERROR_INVALID_PTX`, `CUDA_ERROR_INVALID_HANDLE`, or it does not end.
//!
//! # Detection
//! TensorFlow was built for older compute capabilities than the GPU's, and its first operation failed with an error of
//! code that does not fit, or ran out of time. Where the operation came out right, only the first run is slow.
//!
//! # Fix
//! The newest TensorFlow that has code for the GPU; where no release has it, NVIDIA's own container.
//!
//! # Source
//! tensorflow/tensorflow#97387, #101746, #99592, #62320, #90291

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Who,
    fact::{Facts, Look, ProbeFailure, Python, TensorFlow},
    judge,
    knowledge::Fit,
    tensorflow::{self, Fitting},
};

/// Errors of code that does not fit.
const OF_CODE: [&str; 7] = [
    "CUDA_ERROR_INVALID_PTX",
    "CUDA_ERROR_INVALID_HANDLE",
    "CUDA_ERROR_INVALID_IMAGE",
    "CUDA_ERROR_NO_BINARY_FOR_GPU",
    "CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
    "no kernel image is available",
    "device kernel image is invalid",
];

pub(crate) static CAUSE: Cause = Cause {
    explains: &["frameworks.tensorflow_computes", "frameworks.tensorflow_has_code_for_gpu"],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, knowledge: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    facts.pythons().filter_map(|python| too_new(facts, knowledge, python)).collect()
}

fn too_new(facts: &Facts, knowledge: &Knowledge, python: &Python) -> Option<Finding> {
    let found = python.tensorflow.seen()?.as_ref()?;
    let fittings = tensorflow::fittings(facts, knowledge, found)?;
    let newer = fittings.iter().find(|fitting| is_too_new(found, fitting))?;
    let gpu = &newer.gpu;
    let (major, minor) = gpu.capability;
    let label = found.label();
    let summary = format!("{label} was built for {}, {} has {major}.{minor}", newer.built_for, gpu.name);
    let finding = Finding::fail(python.subject(), summary)
        .because(trouble(found, newer).unwrap_or_default())
        .with("distribution", label)
        .with("capability", format!("{major}.{minor}"));
    let log = found.full_look().map(|look| look.log.as_str()).unwrap_or_default();
    let finding = judge::log_lines(finding, log, &["was not built with CUDA kernel binaries"]);
    Some(tensorflow::install_fitting(knowledge, python, gpu, finding))
}

fn is_too_new(found: &TensorFlow, fitting: &Fitting) -> bool {
    let lacks = match fitting.fit {
        Fit::MachineCode => false,
        Fit::Ptx => trouble(found, fitting).is_some(),
        Fit::No => fitting.newer,
    };
    lacks && !tensorflow::computes_on(found, &fitting.gpu)
}

/// How an operation on the GPU failed for its code, none where it did not or where it failed for another reason.
fn trouble(found: &TensorFlow, fitting: &Fitting) -> Option<String> {
    let look = found.full_look()?;
    let of_code = |text: &str| OF_CODE.iter().any(|error| text.contains(error));
    let refused = tensorflow::operations_on(found, &fitting.gpu)
        .map(|operation| operation.correct.why_not())
        .find(|why| !why.is_empty() && (of_code(why) || of_code(&look.log)));
    refused.or_else(|| translated_for_too_long(look))
}

fn translated_for_too_long(look: &Look) -> Option<String> {
    let by = look.listing.failure()?;
    let timed_out = matches!(by, ProbeFailure::TimedOut { .. });
    (timed_out && by.step().starts_with("tf.")).then(|| by.to_string())
}
