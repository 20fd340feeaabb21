//! XLA does not find NVIDIA's files for its compiler.
//!
//! # Meaning
//! Single operations work on the GPU. What XLA compiles, such as a Keras model when it is fitted, fails: `libdevice not
//! found at ./libdevice.10.bc`, `Can't find libdevice directory ${CUDA_DIR}/nvvm/libdevice`.
//!
//! # Detection
//! `libdevice.10.bc` is in none of the folders in which the XLA of this TensorFlow looks.
//!
//! # Fix
//! The package `nvidia-cuda-nvcc-cu12`; with a TensorFlow of before 2.14 conda's `cuda-nvcc` and `XLA_FLAGS`.
//!
//! # Source
//! tensorflow/tensorflow#58681, #33375, keras-team/tf-keras#62, conda-forge/tensorflow-feedstock#420

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Verdict, Who,
    fact::{Facts, Python, TensorFlow},
    judge, tensorflow,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["frameworks.tensorflow_finds_libdevice"],
    severity: Severity::Degraded,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, knowledge: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    tensorflow::outcomes(outcomes, "frameworks.tensorflow_finds_libdevice", Verdict::Warn)
        .filter_map(|outcome| {
            let (python, found) = tensorflow::python_of(facts, &outcome.subject)?;
            Some(advise(knowledge, python, found, crate::judge::retold(outcome)))
        })
        .collect()
}

fn advise(knowledge: &Knowledge, python: &Python, found: &TensorFlow, finding: Finding) -> Finding {
    let finding = finding.with("distribution", found.label());
    let version = tensorflow::version(found).and_then(tensorflow::pair);
    if version.is_some_and(|version| version >= tensorflow::packages::FIRST) {
        let path = judge::quoted(&python.path);
        let cuda = tensorflow::cuda(knowledge, found).map_or(12, |cuda| cuda.0);
        return finding.run(format!("{path} -m pip install nvidia-cuda-nvcc-cu{cuda}"));
    }
    let is_conda_s = tensorflow::parts(python).is_some_and(|parts| !parts.conda.is_empty());
    let Some(interpreter) = python.interpreter.seen().filter(|_| is_conda_s) else {
        return finding.variant("older").run("export XLA_FLAGS=--xla_gpu_cuda_data_dir=/usr/local/cuda");
    };
    let prefix = judge::quoted(&interpreter.prefix);
    finding
        .variant("conda")
        .run(format!("conda install -y -p {prefix} -c nvidia cuda-nvcc=11.8"))
        .run(format!("conda env config vars set -p {prefix} XLA_FLAGS=--xla_gpu_cuda_data_dir={prefix}"))
}
