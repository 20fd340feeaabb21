//! The class's notebooks run from the first cell to the last.
//!
//! # Meaning
//! A notebook that fails here fails on every clone, in front of the class.
//!
//! # Detection
//! `gpucheck publish --notebooks DIR --run-notebooks` runs each by nbclient, in its own kernel and in its own folder, one after
//! the other, each for ten minutes at most (`--notebook-timeout`). The file is not written. A cell whose tag says that it
//! raises an error may.
//!
//! # Fix
//! Open the notebook, run the cell that is named, and mend what it says.
//!
//! # Source
//! <https://nbclient.readthedocs.io/en/latest/client.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{ClassNotebook, Classroom, Facts, NotebookContent, Observed, ProbeFailure, RunEnd},
    in_class,
    judge::quoted,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Classroom],
    needs: &["classroom.jupyter_installed"],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

/// What a Jupyter lacks that runs no notebooks, in the words of the probe.
const LACKS: &str = "no nbclient";

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    in_class::judge_notebooks(facts, judge_runs)
}

fn judge_runs(classroom: &Classroom, notebooks: &[(&ClassNotebook, &NotebookContent)]) -> Finding {
    let host = Subject::Host;
    let failed: Vec<(&ClassNotebook, String)> = notebooks.iter().filter_map(|(it, _)| failure(it)).collect();
    let lines: Vec<String> = failed.iter().flat_map(|(notebook, why)| proof(notebook, why)).collect();
    if let Some((first, why)) = failed.first() {
        let seen = format!(
            "{} of {} fail; {}: {why}",
            failed.len(),
            in_class::notebooks(notebooks.len()),
            first.path
        );
        let folder = classroom.folder.as_deref().unwrap_or(".");
        let path = quoted(&format!("{folder}/{}", first.path));
        let finding = Finding::fail(host, seen).with("notebook", first.path.clone());
        return in_class::listed(finding, &lines).run(format!("jupyter execute {path}"));
    }
    let without = notebooks.iter().filter(|(notebook, _)| has_no_kernel(notebook)).count();
    let mut unrun = notebooks.iter().filter_map(|(notebook, _)| match &notebook.run {
        Observed::NotProbed { why } => Some((notebook, why)),
        Observed::Seen(_) | Observed::Failed(_) | Observed::Interrupted { .. } => None,
    });
    match unrun.next() {
        Some((_, why)) if why.contains("--run-notebooks") => Finding::not_applicable(host, why.clone()),
        Some((_, why)) if why.contains(LACKS) => {
            Finding::unknown(host, format!("{why}; python -m pip install nbclient"))
        }
        Some((notebook, why)) => Finding::unknown(host, format!("{} was not run: {why}", notebook.path)),
        None if without > 0 => {
            let ran = notebooks.len() - without;
            Finding::not_applicable(host, format!("{ran} ran, and {without} name kernels that do not exist"))
        }
        None => Finding::pass(host, format!("{} ran", in_class::notebooks(notebooks.len()))),
    }
}

/// Why a notebook failed. That there is no such kernel is told by the check of kernels.
fn failure(notebook: &ClassNotebook) -> Option<(&ClassNotebook, String)> {
    let why = match &notebook.run {
        Observed::Seen(run) | Observed::Interrupted { seen: run, .. } => match &run.end {
            RunEnd::NoKernel { .. } => return None,
            end @ (RunEnd::Ran
            | RunEnd::Raised { .. }
            | RunEnd::TimedOut { .. }
            | RunEnd::KernelDied { .. }
            | RunEnd::KernelFailed { .. }) => end.why()?,
        },
        Observed::Failed(by) => failed(by),
        Observed::NotProbed { .. } => return None,
    };
    Some((notebook, why))
}

fn failed(by: &ProbeFailure) -> String {
    format!("its run broke off: {by}")
}

fn has_no_kernel(notebook: &ClassNotebook) -> bool {
    notebook.run.seen().is_some_and(|run| matches!(run.end, RunEnd::NoKernel { .. }))
}

fn proof(notebook: &ClassNotebook, why: &str) -> Vec<String> {
    let mut lines = vec![format!("{}: {why}", notebook.path)];
    if let Some(RunEnd::Raised { traceback, .. }) = notebook.run.seen().map(|run| &run.end) {
        let skipped = traceback.len().saturating_sub(3);
        lines.extend(traceback.iter().skip(skipped).map(|line| format!("    {line}")));
    }
    lines
}
