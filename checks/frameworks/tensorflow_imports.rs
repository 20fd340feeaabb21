//! TensorFlow can be imported.
//!
//! # Meaning
//! `import tensorflow` works in this Python. It fails where packages do not fit together (NumPy 2 under TensorFlow
//! before 2.18, protobuf), where an installation was interrupted, or where the processor lacks AVX.
//!
//! # Detection
//! The import itself, in a process of this Python. The plain command first loads TensorFlow's runtime alone, which
//! takes a tenth of the time, and imports in full where that raises a doubt, where a GPU is listed, or with `--full`.
//! The runtime alone is no proof of the import: then this cannot be told.
//!
//! # Fix
//! Bring the named packages to versions that fit: `python -m pip check` lists what does not.
//!
//! # Source
//! <https://www.tensorflow.org/install/pip>, tensorflow/tensorflow#59665, #60460

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Facts, Observed, ProbeFailure, Python, TensorFlow, Way},
    judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &["frameworks.python_starts"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    facts.pythons().map(|python| judge::tensorflow(python, judge_import)).collect()
}

fn judge_import(subject: Subject, python: &Python, tensorflow: &TensorFlow) -> Finding {
    let Some(look) = tensorflow.best_look() else {
        return Finding::unknown(subject, "nobody looked");
    };
    let by = match &look.listing {
        Observed::Seen(listing) => {
            return imported(subject, tensorflow, look.way, listing.version.as_deref());
        }
        Observed::Failed(by) | Observed::Interrupted { by, .. } if judge::came_after_import(by) => {
            return imported(subject, tensorflow, look.way, None);
        }
        Observed::Failed(by) | Observed::Interrupted { by, .. } => by,
        Observed::NotProbed { why } => return Finding::unknown(subject, why.clone()),
    };
    let finding = match by {
        // Our own trouble, not TensorFlow's.
        ProbeFailure::NotStarted { .. } | ProbeFailure::Garbled { .. } => {
            return Finding::unknown(subject, by.to_string());
        }
        ProbeFailure::TimedOut { .. } => Finding::fail(subject, by.to_string()).variant("slow"),
        ProbeFailure::Refused { .. } | ProbeFailure::Crashed { .. } | ProbeFailure::Exited { .. } => {
            Finding::fail(subject, by.to_string())
        }
    };
    let finding =
        tensorflow.unmet.iter().fold(finding, |finding, unmet| finding.because(format!("unmet: {unmet}")));
    judge::log_lines(finding, &look.log, &["Error", "error:", "File \"", "ABI", "NumPy"])
        .run(format!("{} -m pip check", judge::quoted(&python.path)))
}

fn imported(subject: Subject, tensorflow: &TensorFlow, way: Way, version: Option<&str>) -> Finding {
    match way {
        Way::Full => {
            let version =
                version.map_or_else(|| tensorflow.label(), |version| format!("TensorFlow {version}"));
            Finding::pass(subject, format!("imported {version}"))
        }
        Way::Bare => {
            let label = tensorflow.label();
            Finding::unknown(
                subject,
                format!("the runtime of {label} loads; the import was not tried (--full tries it)"),
            )
        }
    }
}
