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
    fact::{Facts, Observed, Python, TensorFlow},
    judge,
    tensorflow::{
        self,
        cudnn::{self, Misfit},
    },
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &["frameworks.tensorflow_built_with_cuda", "pci.gpu_present"],
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
    if convolves(found) {
        return Finding::pass(subject, "it convolves");
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

/// Whether a convolution was tried, and none went wrong.
fn convolves(found: &TensorFlow) -> bool {
    let listing = found.full_look().and_then(|look| look.listing.seen());
    let operations = listing.into_iter().flat_map(|listing| &listing.operations);
    let mut convolutions = operations.filter(|operation| operation.name == "nn.conv2d").peekable();
    convolutions.peek().is_some() && convolutions.all(|tried| tried.correct == Observed::Seen(true))
}
