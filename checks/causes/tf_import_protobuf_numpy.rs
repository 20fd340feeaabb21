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
    Cause, Finding, Knowledge, Outcome, Severity, Who,
    fact::{Facts, Look, ProbeFailure, Python},
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
    // A crash has other reasons than a version that is not met.
    let raised = matches!(look.listing.failure()?, ProbeFailure::Refused { .. });
    if !known && (misfits.is_empty() || !raised) {
        return None;
    }
    let finding = Finding::fail(python.subject(), failure).with("distribution", tensorflow.label());
    let finding = misfits.iter().fold(finding, |finding, unmet| finding.because(format!("unmet: {unmet}")));
    let finding = judge::log_lines(finding, &look.log, &KNOWN);
    let path = judge::quoted(&python.path);
    let finding = match tensorflow.distribution() {
        Some(found) if !misfits.is_empty() => {
            finding.run(format!("{path} -m pip install \"{}=={}\"", found.name, found.version))
        }
        // Its metadata sets no bound that is broken, so pip would find nothing to do.
        Some(_) | None => finding.run(format!("{path} -m pip install \"{}\"", older(look))),
    };
    Some(finding.run(format!("{path} -m pip check")))
}

/// What to go back to, by the text that was seen.
fn older(look: &Look) -> &'static str {
    let says = |text| look.log.contains(text) || look.listing.why_not().contains(text);
    if says("Descriptors cannot") { "protobuf<3.21" } else { "numpy<2" }
}
