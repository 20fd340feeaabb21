//! XLA finds libdevice.
//!
//! # Meaning
//! XLA, TensorFlow's compiler, links GPU programs with NVIDIA's file `libdevice.10.bc`. Without it single operations
//! work; a model that Keras compiles (`jit_compile`, by itself from 2.11 on) fails at its first step.
//!
//! # Detection
//! `nvvm/libdevice/libdevice.10.bc` under the folders in which XLA looks: the one that `XLA_FLAGS` names, `cuda_sdk_lib`
//! in the working directory, installed toolkits, the package `nvidia-cuda-nvcc-*`, and from about 2.16 on the conda
//! environment. From 2.11 on, and only where TensorFlow lists a GPU.
//!
//! # Fix
//! `pip install nvidia-cuda-nvcc-cu12` from 2.14 on; with an older one conda's `cuda-nvcc`, and `XLA_FLAGS`.
//!
//! # Source
//! openxla/xla xla/tsl/platform/default/cuda_root_path.cc, keras-team/tf-keras#62, tensorflow/tensorflow#58681

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{CudaParts, Facts, Python, TensorFlow},
    judge, tensorflow,
};

/// The first release in which Keras's optimizers are compiled by XLA.
const COMPILES: (i32, i32) = (2, 11);
/// The first that is given the benefit of the doubt for a libdevice in the conda environment itself.
const LOOKS_IN_PREFIX: (i32, i32) = (2, 16);

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &["frameworks.tensorflow_lists_gpu"],
    severity: Severity::Degraded,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    facts.pythons().map(|python| judge::tensorflow(python, judge_libdevice)).collect()
}

fn judge_libdevice(subject: Subject, python: &Python, found: &TensorFlow) -> Finding {
    let label = found.label();
    let Some(version) = tensorflow::version(found).and_then(tensorflow::pair) else {
        return Finding::unknown(subject, "the version of TensorFlow is not told");
    };
    if version < COMPILES || tensorflow::is_cuda_build(found) == Some(false) {
        return Finding::not_applicable(subject, format!("{label} compiles nothing for a GPU by itself"));
    }
    let Some(parts) = tensorflow::parts(python) else {
        return Finding::unknown(subject, python.cuda_parts.why_not());
    };
    if let Some(path) = parts.libdevice.iter().find(|path| counts(parts, python, version, path)) {
        return Finding::pass(subject, path.clone());
    }
    let lists = judge::listing(found).is_some_and(|(_, listing)| listing.gpus().next().is_some());
    if !lists {
        return Finding::unknown(subject, "no libdevice was found, and no GPU is listed to compile for");
    }
    Finding::new(subject, Verdict::Warn, format!("no libdevice.10.bc where {label} looks"))
        .with("distribution", label)
}

/// Whether this version looks where the file is.
fn counts(parts: &CudaParts, python: &Python, version: (i32, i32), path: &str) -> bool {
    let Some(interpreter) = python.interpreter.seen() else { return true };
    let in_prefix = path == format!("{}/nvvm/libdevice/libdevice.10.bc", interpreter.prefix);
    let named = parts.variables.get("XLA_FLAGS").is_some_and(|flags| flags.contains(&interpreter.prefix));
    let is_conda_s = parts.conda.iter().any(|package| package.name.starts_with("tensorflow"));
    !in_prefix || named || is_conda_s || version >= LOOKS_IN_PREFIX
}
