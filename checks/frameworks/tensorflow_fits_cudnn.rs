//! TensorFlow's cuDNN is not older than the one that it was built with.
//!
//! # Meaning
//! TensorFlow wants the cuDNN that it was built with: the same major version, and the same or a higher minor. With an
//! older one the GPU is listed and matrices are multiplied; the first convolution fails. Often PyTorch, which pins a
//! cuDNN of its own, has put an older one into the same environment.
//!
//! # Detection
//! TensorFlow names both versions when it convolves. Where it did not get so far: the cuDNN that the loader finds first,
//! by the version of its distribution or its file, beside what TensorFlow's extra `and-cuda` or the table for its release
//! ask for.
//!
//! # Fix
//! Install a cuDNN of the wanted version in this environment; give PyTorch another one.
//!
//! # Source
//! tensorflow/tensorflow#60913, #39842, Kaggle/docker-python#1435

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Facts, Python, TensorFlow},
    judge,
    tensorflow::{
        self,
        cudnn::{self, Misfit},
    },
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &["frameworks.cudnn_fits_all", "frameworks.tensorflow_built_with_cuda", "pci.gpu_present"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    let judge_cudnn = |subject, python: &Python, tensorflow: &TensorFlow| {
        judge_cudnn(knowledge, subject, python, tensorflow)
    };
    facts.pythons().map(|python| judge::tensorflow(python, judge_cudnn)).collect()
}

fn judge_cudnn(knowledge: &Knowledge, subject: Subject, python: &Python, found: &TensorFlow) -> Finding {
    let label = found.label();
    if tensorflow::is_cuda_build(found) == Some(false) {
        return Finding::not_applicable(subject, format!("{label} was built without CUDA"));
    }
    if let Some(Misfit { loaded, wanted }) = cudnn::said(found) {
        return Finding::fail(subject, format!("cuDNN {loaded} is loaded, {label} was built with {wanted}"))
            .with("distribution", label)
            .with("loaded", loaded)
            .with("wanted", wanted);
    }
    if cudnn::convolves(found) {
        return Finding::pass(subject, "it convolves");
    }
    if tensorflow::parts(python).is_some_and(|parts| parts.conda_package("tensorflow").is_some()) {
        return Finding::unknown(
            subject,
            format!("{label} is conda's own build, with a cuDNN of conda's choice"),
        );
    }
    let Some(wanted) = cudnn::wanted(knowledge, found) else {
        return Finding::unknown(subject, format!("{label} does not tell its cuDNN"));
    };
    let Some(first) = cudnn::first(python, wanted.0) else {
        return Finding::unknown(subject, format!("no cuDNN {} was found in its environment", wanted.0));
    };
    let text = |version: (i32, i32)| format!("{}.{}", version.0, version.1);
    if first.version >= wanted {
        return Finding::pass(subject, format!("cuDNN {}, built with {}", text(first.version), text(wanted)));
    }
    Finding::fail(subject, format!("cuDNN {} is older than {}", text(first.version), text(wanted)))
        .because(first.place.clone())
        .with("distribution", label)
        .with("loaded", text(first.version))
        .with("wanted", text(wanted))
}
