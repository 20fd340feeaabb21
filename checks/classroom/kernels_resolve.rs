//! The kernels that Jupyter offers exist.
//!
//! # Meaning
//! Jupyter's menu offers a kernel whose program is gone, or offers none at all. A notebook opened with it stays without a
//! kernel.
//!
//! # Detection
//! `gpucheck publish`: what the Jupyter that was started offers (`/api/kernelspecs`), against the files of those kernels.
//!
//! # Fix
//! Install the kernel anew from its environment: `python -m pip install ipykernel`, `python -m ipykernel install`.
//!
//! # Source
//! <https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Facts, Kernelspec, Observed, Program, ProgramState},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Notebooks, Source::Classroom],
    needs: &["classroom.jupyter_starts", "notebooks.interpreter_exists"],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    let jupyter = match &facts.classroom {
        Observed::Seen(classroom) | Observed::Interrupted { seen: classroom, .. } => &classroom.jupyter,
        Observed::Failed(by) => return vec![Finding::unknown(Subject::Host, by.to_string())],
        Observed::NotProbed { .. } => return Vec::new(),
    };
    match jupyter.seen() {
        Some(Some(server)) => match server.answer.seen() {
            Some(answer) => judge_offered(facts, &answer.kernels),
            None => vec![Finding::unknown(Subject::Host, "Jupyter did not say which kernels it offers")],
        },
        Some(None) => vec![Finding::not_applicable(Subject::Host, "no Jupyter was found")],
        None => {
            vec![Finding::unknown(Subject::Host, format!("Jupyter was not asked: {}", jupyter.why_not()))]
        }
    }
}

fn judge_offered(facts: &Facts, offered: &[String]) -> Judged {
    if offered.is_empty() {
        let finding = Finding::fail(Subject::Host, "Jupyter offers no kernel");
        return vec![finding.variant("none").run("python3 -m pip install ipykernel")];
    }
    let known = facts.notebooks.seen().map(|notebooks| notebooks.kernelspecs.as_slice()).unwrap_or_default();
    let gone = |name: &String| {
        let spec = known.iter().find(|spec| spec.name.eq_ignore_ascii_case(name))?;
        let program = program_gone(spec)?;
        let name = facts.notebooks.seen().map_or_else(|| name.clone(), |notebooks| notebooks.name_of(spec));
        let finding = Finding::fail(Subject::Notebook(name), format!("it is offered, and {program} is gone"));
        Some(finding.with("program", program.to_owned()))
    };
    let gone: Judged = offered.iter().filter_map(gone).collect();
    if gone.is_empty() { vec![Finding::pass(Subject::Host, offered.join(", "))] } else { gone }
}

fn program_gone(spec: &Kernelspec) -> Option<&str> {
    match &spec.program {
        Program::File { path, state: ProgramState::Missing | ProgramState::NotExecutable } => Some(path),
        Program::File { .. } | Program::OfServer | Program::Untold { .. } => None,
    }
}
