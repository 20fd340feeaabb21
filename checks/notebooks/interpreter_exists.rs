//! The program that a notebook kernel starts exists.
//!
//! # Meaning
//! Jupyter's menu offers kernels by what their `kernel.json` says, whether or not the Python in it is still there. One
//! whose environment was removed or moved dies as soon as a notebook is opened with it.
//!
//! # Detection
//! The first word of `argv` in each `kernel.json` of the asking user, of the system and of the environments found. A bare
//! `python` means the Jupyter server's own. Kernels of other languages are not looked at.
//!
//! # Fix
//! Remove the kernel, or install it anew from the environment that is meant.
//!
//! # Source
//! <https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs>, jupyter/notebook#5054

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, Kernelspec, Notebooks, Observed, ProbeFailure, Program, ProgramState, Spec},
    judge::quoted,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Notebooks],
    needs: &[],
    severity: Severity::Degraded,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    crate::jupyter::judge(facts, judge_notebooks)
}

fn judge_notebooks(notebooks: &Notebooks) -> Judged {
    if notebooks.kernelspecs.is_empty() {
        return vec![Finding::not_applicable(Subject::Host, "no Jupyter kernel is installed")];
    }
    let judge = |spec| judge_spec(Subject::Notebook(notebooks.name_of(spec)), spec);
    notebooks.kernelspecs.iter().map(judge).collect()
}

fn judge_spec(subject: Subject, kernelspec: &Kernelspec) -> Finding {
    let file = format!("{}/kernel.json", kernelspec.folder);
    let finding = match &kernelspec.spec {
        Observed::Seen(spec) | Observed::Interrupted { seen: spec, .. } => {
            judge_program(subject, kernelspec, spec)
        }
        Observed::Failed(by @ ProbeFailure::Garbled { .. }) => {
            // Jupyter leaves such a kernel out of its menu.
            Finding::new(subject, Verdict::Warn, by.to_string()).variant("unreadable")
        }
        Observed::Failed(_) | Observed::NotProbed { .. } => {
            Finding::unknown(subject, kernelspec.spec.why_not())
        }
    };
    if matches!(finding.verdict, Verdict::Fail | Verdict::Warn) {
        let finding = finding.because(file.clone()).with("file", file);
        finding.run(format!("rm -r {}", quoted(&kernelspec.folder)))
    } else {
        finding
    }
}

fn judge_program(subject: Subject, kernelspec: &Kernelspec, spec: &Spec) -> Finding {
    if !spec.is_python() {
        let language = spec.language.as_deref().unwrap_or("another language");
        return Finding::not_applicable(subject, format!("a kernel for {language}"));
    }
    match &kernelspec.program {
        Program::OfServer => Finding::pass(subject, "the Python of the Jupyter server"),
        Program::Untold { why } => Finding::unknown(subject, why.clone()),
        Program::File { path, state } => {
            let finding = match state {
                ProgramState::Executable => return Finding::pass(subject, path.clone()),
                ProgramState::Hidden => {
                    return Finding::unknown(subject, format!("{path} is where this user may not look"));
                }
                ProgramState::Missing => Finding::fail(subject, format!("{path} is gone")),
                ProgramState::NotExecutable => Finding::fail(subject, format!("{path} is no program")),
            };
            finding.with("program", path.clone())
        }
    }
}
