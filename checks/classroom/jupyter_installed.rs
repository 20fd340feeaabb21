//! Jupyter is installed.
//!
//! # Meaning
//! The class has notebooks or kernels, and nothing on this machine opens them for a student.
//!
//! # Detection
//! `gpucheck publish`: `jupyter-lab`, `jupyter-notebook` or `jupyter-server` of a server that runs, on the path, in
//! `~/.local/bin`, in the environments of the kernels, and where installers put them (`/opt/tljh`, `/opt/conda`). A machine
//! without kernels and without notebooks of a class needs none.
//!
//! # Fix
//! Install JupyterLab into the environment that the class works in.
//!
//! # Source
//! <https://jupyterlab.readthedocs.io/en/stable/getting_started/installation.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Classroom, Facts, Observed},
    in_class,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Notebooks, Source::Classroom],
    needs: &[],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    in_class::judge(facts, |classroom| judge_jupyter(facts, classroom))
}

fn judge_jupyter(facts: &Facts, classroom: &Classroom) -> Finding {
    let host = Subject::Host;
    match &classroom.jupyter {
        Observed::Seen(Some(jupyter)) | Observed::Interrupted { seen: Some(jupyter), .. } => {
            Finding::pass(host, jupyter.program.clone())
        }
        Observed::Seen(None) | Observed::Interrupted { seen: None, .. } => {
            let kernels = facts.notebooks.seen().map_or(0, |notebooks| notebooks.kernelspecs.len());
            let class = classroom.notebooks.seen().map_or(0, Vec::len);
            let seen = "no jupyter-lab, jupyter-notebook or jupyter-server was found";
            let verdict = match (class, kernels) {
                (0, 0) => return Finding::not_applicable(host, "neither Jupyter nor a kernel is installed"),
                // Visual Studio Code starts kernels without it.
                (0, _) => Verdict::Warn,
                _ => Verdict::Fail,
            };
            Finding::new(host, verdict, seen).run("python3 -m pip install jupyterlab")
        }
        Observed::Failed(by) => Finding::unknown(host, by.to_string()),
        Observed::NotProbed { why } => Finding::unknown(host, format!("not looked for: {why}")),
    }
}
