//! TensorFlow has no release for this Python.
//!
//! # Meaning
//! TensorFlow was wanted here and is not installed: pip found no wheel for this version of Python and said `No matching
//! distribution found for tensorflow`.
//!
//! # Detection
//! The environment is named after TensorFlow, or holds packages that are of use with it alone; TensorFlow is not in it,
//! and no release that is known has wheels for its Python.
//!
//! # Fix
//! An environment with a Python that the newest release has wheels for.
//!
//! # Source
//! <https://www.tensorflow.org/install/errors>, <https://www.tensorflow.org/install/source#gpu>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Verdict, Who,
    fact::Facts,
    knowledge::TensorFlowRelease,
    tensorflow::{self, packages},
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["frameworks.tensorflow_supports_python"],
    severity: Severity::Degraded,
    who: Who::Student,
    recognize,
};

fn recognize(_: &Facts, knowledge: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let Some(newest) = knowledge.tensorflows().next() else { return Vec::new() };
    tensorflow::outcomes(outcomes, "frameworks.tensorflow_supports_python", Verdict::Warn)
        .map(|outcome| advise(newest, crate::judge::retold(outcome)))
        .collect()
}

fn advise(newest: &TensorFlowRelease, finding: Finding) -> Finding {
    let ((_, least), (major, minor)) = newest.python;
    finding
        .with("release", newest.to_string())
        .with("pythons", format!("{major}.{least} to {major}.{minor}"))
        .run(format!("conda create -y -n tensorflow python={major}.{minor}"))
        .run(format!("conda run -n tensorflow python -m pip install {}", packages::of_release(newest)))
}
