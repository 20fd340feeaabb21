//! The Python starts.
//!
//! # Meaning
//! The interpreter of the environment that is active (a virtual environment, a conda environment, else the first
//! `python3` on the path) can be run at all. Where there is none, there is nothing to judge.
//!
//! # Detection
//! It is started, as itself and with its own settings, and says who it is. A link to an interpreter that is gone
//! shows here.
//!
//! # Fix
//! Make the environment anew with an interpreter that exists.
//!
//! # Source
//! <https://docs.python.org/3/library/venv.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Facts, FoundBy, Observed, Python},
    judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &["frameworks.own_packages"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    let Some(frameworks) = facts.frameworks.seen() else {
        return vec![Finding::unknown(Subject::Host, facts.frameworks.why_not())];
    };
    if frameworks.pythons.is_empty() {
        return vec![Finding::not_applicable(Subject::Host, "no Python is active or on the path")];
    }
    frameworks.pythons.iter().map(judge_python).collect()
}

fn judge_python(python: &Python) -> Finding {
    let subject = python.subject();
    let found_by = match python.found_by {
        FoundBy::VirtualEnv => "found by VIRTUAL_ENV",
        FoundBy::CondaPrefix => "found by CONDA_PREFIX",
        FoundBy::Path => "found on PATH",
        FoundBy::Kernel => "a notebook kernel starts it",
        FoundBy::Environment => "found among the environments of the machine",
        FoundBy::Asking => "it asks",
    };
    match &python.interpreter {
        Observed::Seen(interpreter) | Observed::Interrupted { seen: interpreter, .. } => Finding::pass(
            subject,
            format!("{} {}, {found_by}", interpreter.implementation, interpreter.version),
        ),
        Observed::Failed(by) => {
            let finding = Finding::fail(subject, by.to_string()).because(found_by);
            judge::log_lines(finding, &python.log, &["rror", "warning", "No module"])
        }
        Observed::NotProbed { why } => Finding::unknown(subject, why.clone()).because(found_by),
    }
}
