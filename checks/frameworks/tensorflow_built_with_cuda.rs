//! TensorFlow was built with CUDA.
//!
//! # Meaning
//! Some distributions (`tensorflow-cpu`, `tensorflow-intel`, conda's `cpu_*` and `mkl_*` builds) hold no code for a
//! GPU. They work, and stay on the CPU without a word.
//!
//! # Detection
//! `is_cuda_build` in `tensorflow/python/platform/build_info.py`, read without importing anything.
//!
//! # Fix
//! Install the build for GPUs of the same version.
//!
//! # Source
//! <https://www.tensorflow.org/api_docs/python/tf/sysconfig/get_build_info>, tensorflow/tensorflow#68236

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Facts, Python, TensorFlow},
    judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &["frameworks.python_starts", "frameworks.one_tensorflow", "pci.gpu_present"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    facts.pythons().map(|python| judge::tensorflow(python, judge_build)).collect()
}

fn judge_build(subject: Subject, _: &Python, tensorflow: &TensorFlow) -> Finding {
    let label = tensorflow.label();
    let Some(build) = tensorflow.build.seen() else {
        return Finding::unknown(subject, format!("{label}: {}", tensorflow.build.why_not()));
    };
    match build.is_cuda_build {
        Some(true) => {
            let version = |version: &Option<String>| version.clone().unwrap_or_else(|| "?".to_owned());
            Finding::pass(
                subject,
                format!(
                    "{label}, CUDA {}, cuDNN {}",
                    version(&build.cuda_version),
                    version(&build.cudnn_version)
                ),
            )
        }
        Some(false) => Finding::fail(subject, format!("{label} was built without CUDA"))
            .because(tensorflow.package.clone()),
        None => Finding::unknown(subject, format!("{label} does not say how it was built")),
    }
}
