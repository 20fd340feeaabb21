//! This TensorFlow is a build without GPU code.
//!
//! # Meaning
//! It works, and stays on the CPU without a word, whatever driver and CUDA are installed.
//!
//! # Detection
//! `is_cuda_build` is False in its build information.
//!
//! # Fix
//! Install the GPU build of the same version in its place; of the newest version that supports the GPU, where that is
//! an older one.
//!
//! # Source
//! stschubert/VPR_Tutorial#11, tensorflow/tensorflow#68236, <https://www.tensorflow.org/install/pip>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Who,
    fact::{Facts, Python},
    tensorflow::packages,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["frameworks.tensorflow_built_with_cuda", "frameworks.tensorflow_lists_gpu"],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, knowledge: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    facts.pythons().filter_map(|python| without_cuda(facts, knowledge, python)).collect()
}

fn without_cuda(facts: &Facts, knowledge: &Knowledge, python: &Python) -> Option<Finding> {
    let tensorflow = python.tensorflow.seen()?.as_ref()?;
    if tensorflow.build.seen()?.is_cuda_build? {
        return None;
    }
    let label = tensorflow.label();
    let finding = Finding::fail(python.subject(), format!("{label} was built without CUDA"))
        .because(tensorflow.package.clone())
        .with("distribution", label);
    let is_release = |version: &str| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let Some(found) = tensorflow.distribution().filter(|found| is_release(&found.version)) else {
        return Some(finding);
    };
    let names: Vec<&str> = tensorflow.distributions.iter().map(|found| found.name.as_str()).collect();
    Some(packages::replace(facts, knowledge, python, &names, found, finding))
}
