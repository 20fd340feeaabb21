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
    judge,
    knowledge::TensorFlowRelease,
    tensorflow::{self, packages},
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
    let path = judge::quoted(&python.path);
    let is_release = |version: &str| version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let Some(found) = tensorflow.distributions.first().filter(|found| is_release(&found.version)) else {
        return Some(finding);
    };
    let names: Vec<&str> = tensorflow.distributions.iter().map(|found| found.name.as_str()).collect();
    let finding = finding.run(format!("{path} -m pip uninstall -y {}", names.join(" ")));
    Some(match last_for_gpu(facts, knowledge, python, &found.version) {
        Some(release) => finding
            .variant("older_gpu")
            .with("release", release.to_string())
            .run(format!("{path} -m pip install {}", packages::of_release(release))),
        None => {
            finding.run(format!("{path} -m pip install {}", packages::of_version(knowledge, &found.version)))
        }
    })
}

/// The last release for the oldest GPU, where this version is a later one.
fn last_for_gpu<'a>(
    facts: &Facts,
    knowledge: &'a Knowledge,
    python: &Python,
    version: &str,
) -> Option<&'a TensorFlowRelease> {
    let installed = knowledge.tensorflow(version)?;
    let gpus = tensorflow::gpus(facts, knowledge);
    let capability = gpus.iter().map(|gpu| gpu.capability).min()?;
    let architecture = knowledge.architecture_of_capability(capability)?;
    let last = knowledge.newest_tensorflow(capability, architecture, tensorflow::python_version(python))?;
    (last.version < installed.version && last.version >= packages::FIRST).then_some(last)
}
