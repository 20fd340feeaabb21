//! There is a TensorFlow for this Python.
//!
//! # Meaning
//! Each release of TensorFlow has wheels for four or five versions of Python. Under any other pip finds none, or takes an
//! old release: `No matching distribution found for tensorflow`.
//!
//! # Detection
//! Only where somebody wanted TensorFlow and has none: the environment is named after it, or holds packages that are of
//! use with TensorFlow alone. Then the version of the Python beside the table of releases. A Python that nobody meant
//! for TensorFlow is not judged.
//!
//! # Fix
//! An environment with a Python that the newest release has wheels for.
//!
//! # Source
//! <https://www.tensorflow.org/install/source#gpu>, <https://www.tensorflow.org/install/errors>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Verdict, Who,
    fact::{Facts, FoundBy, Interpreter, Observed, Python},
    tensorflow,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &["frameworks.python_starts"],
    severity: Severity::Degraded,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    facts.pythons().map(|python| judge_python(knowledge, python)).collect()
}

fn judge_python(knowledge: &Knowledge, python: &Python) -> Finding {
    let subject = python.subject();
    let Some(interpreter) = python.interpreter.seen() else {
        return Finding::unknown(subject, python.interpreter.why_not());
    };
    let said = format!("{} {}", interpreter.implementation, interpreter.version);
    match &python.tensorflow {
        Observed::Seen(Some(found)) | Observed::Interrupted { seen: Some(found), .. } => {
            return Finding::pass(subject, format!("{said} has {}", found.label()));
        }
        Observed::Seen(None) => {}
        Observed::Interrupted { seen: None, .. } | Observed::Failed(_) | Observed::NotProbed { .. } => {
            return Finding::unknown(subject, python.tensorflow.why_not());
        }
    }
    let Some(wanted) = wanted(python, interpreter) else {
        return Finding::not_applicable(subject, "TensorFlow is not installed");
    };
    let Some(newest) = knowledge.tensorflows().next() else {
        return Finding::unknown(subject, "no release is known");
    };
    let version = tensorflow::pair(&interpreter.version);
    let has_wheels = knowledge.tensorflows().any(|release| {
        version.is_some_and(|version| (release.python.0..=release.python.1).contains(&version))
    });
    if has_wheels && !interpreter.free_threaded && interpreter.implementation == "cpython" {
        return Finding::not_applicable(subject, "TensorFlow is not installed, and could be");
    }
    let (least, most) = newest.python;
    let free = if interpreter.free_threaded { ", free-threaded" } else { "" };
    Finding::new(subject, Verdict::Warn, format!("no TensorFlow up to {newest} has wheels for {said}{free}"))
        .because(wanted)
        .with("python", said)
        .with("release", newest.to_string())
        .with("pythons", format!("{}.{} to {}.{}", least.0, least.1, most.0, most.1))
}

/// What says that TensorFlow was wanted here.
fn wanted(python: &Python, interpreter: &Interpreter) -> Option<String> {
    if let Some(companion) = python.tensorflow_companions.first() {
        return Some(format!("{} {} is installed", companion.name, companion.version));
    }
    let name = interpreter.prefix.rsplit('/').find(|part| !part.is_empty())?.to_lowercase();
    let is_named = name.contains("tensorflow")
        || ["tf", "tf1", "tf2"].iter().any(|tf| {
            name.strip_prefix(tf).is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '_', '.']))
        });
    let is_environment = matches!(python.found_by, FoundBy::VirtualEnv | FoundBy::CondaPrefix);
    (is_named && is_environment).then(|| format!("the environment is named {name}"))
}
