//! Packages beside TensorFlow do not fit it.
//!
//! # Meaning
//! TensorFlow is installed with a NumPy or protobuf that it was not made for; `import tensorflow` ends in an error that
//! says nothing about a GPU.
//!
//! # Detection
//! The import fails, and a requirement that TensorFlow's own metadata states is not met, or the error is one that these
//! two are known for.
//!
//! # Fix
//! Bring the packages to the versions that TensorFlow asks for.
//!
//! # Source
//! tensorflow/tensorflow#59665, #60460, uber/neuropod#546

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{Facts, Python},
    judge,
};

/// Texts that are only seen where NumPy or protobuf do not fit.
const KNOWN: [&str; 4] = [
    "Descriptors cannot not be created directly",
    "Descriptors cannot be created directly",
    "_ARRAY_API not found",
    "compiled using NumPy 1.x cannot be run in",
];

pub(crate) static CAUSE: Cause = Cause {
    explains: &["frameworks.tensorflow_imports"],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    facts.pythons().filter_map(misfit).collect()
}

fn misfit(python: &Python) -> Option<Finding> {
    let tensorflow = python.tensorflow.seen()?.as_ref()?;
    let look = tensorflow.best_look()?;
    let failure = look.listing.failure()?.to_string();
    let known = KNOWN.iter().any(|text| failure.contains(text) || look.log.contains(text));
    let misfits: Vec<&String> = tensorflow
        .unmet
        .iter()
        .filter(|unmet| unmet.starts_with("numpy") || unmet.starts_with("protobuf"))
        .collect();
    if !known && misfits.is_empty() {
        return None;
    }
    let finding =
        Finding::fail(Subject::Python(python.path.clone()), failure).with("distribution", tensorflow.label());
    let finding = misfits.iter().fold(finding, |finding, unmet| finding.because(format!("unmet: {unmet}")));
    let finding = judge::log_lines(finding, &look.log, &KNOWN);
    let path = judge::quoted(&python.path);
    Some(
        match tensorflow.distributions.first() {
            Some(found) => {
                finding.run(format!("{path} -m pip install \"{}=={}\"", found.name, found.version))
            }
            None => finding,
        }
        .run(format!("{path} -m pip check")),
    )
}
