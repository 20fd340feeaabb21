//! Jupyter starts and answers.
//!
//! # Meaning
//! A student who starts Jupyter gets an error instead of a notebook, or one that is set up otherwise than was meant: of a
//! file of configuration that cannot be read nothing counts.
//!
//! # Detection
//! `gpucheck publish` starts `jupyter lab` (else `notebook`, `server`) on loopback with a token of its own, under the
//! configuration that is there, asks `/api/status` and `/api/kernelspecs`, and ends it. Ninety seconds are time enough.
//!
//! # Fix
//! The last lines of its log name what is wrong; where that is a file of configuration, mend it or move it away.
//!
//! # Source
//! <https://jupyter-server.readthedocs.io/en/latest/operators/public-server.html>,
//! <https://jupyter-server.readthedocs.io/en/latest/developers/rest-api.html>, jupyter_core/application.py `load_config_file`

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, JupyterServer, Observed},
    in_class,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Classroom],
    needs: &["classroom.jupyter_installed"],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

/// What Jupyter logs of a file of configuration that it leaves out.
const NOT_READ: [&str; 2] = ["Exception while loading config file", "Error loading config file"];
/// Lines of its log that are shown.
const SHOWN: usize = 14;

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    in_class::judge(facts, |classroom| match &classroom.jupyter {
        Observed::Seen(Some(jupyter)) | Observed::Interrupted { seen: Some(jupyter), .. } => {
            judge_server(jupyter)
        }
        Observed::Seen(None) | Observed::Interrupted { seen: None, .. } => {
            Finding::not_applicable(Subject::Host, "no Jupyter was found")
        }
        untold @ (Observed::Failed(_) | Observed::NotProbed { .. }) => {
            Finding::unknown(Subject::Host, format!("it was not started: {}", untold.why_not()))
        }
    })
}

fn judge_server(jupyter: &JupyterServer) -> Finding {
    let host = Subject::Host;
    let command = format!("{} --no-browser --ip=127.0.0.1", jupyter.program);
    match &jupyter.answer {
        Observed::Seen(answer) | Observed::Interrupted { seen: answer, .. } => {
            let version = answer.version.as_deref().unwrap_or("of an untold version");
            let seconds = jupyter.elapsed_ms / 1000;
            let seen = format!("jupyter_server {version} answers after {seconds} s");
            if jupyter.log.iter().any(|line| NOT_READ.iter().any(|words| line.contains(words))) {
                let finding = Finding::new(host, Verdict::Warn, format!("{seen}, without its configuration"));
                return with_log(finding.variant("configuration"), jupyter).run(command);
            }
            Finding::pass(host, seen)
        }
        Observed::Failed(by) => with_log(Finding::fail(host, by.to_string()), jupyter).run(command),
        Observed::NotProbed { why } => Finding::unknown(host, why.clone()),
    }
}

/// With the files of its configuration, what its log says of one, and where the log ends.
fn with_log(finding: Finding, jupyter: &JupyterServer) -> Finding {
    let files = jupyter.configuration.iter().map(|file| format!("its configuration: {file}"));
    let is_told = |line: &String| NOT_READ.iter().any(|words| line.contains(words));
    let begin = match jupyter.log.iter().position(is_told) {
        Some(told) => told,
        None => jupyter.log.len().saturating_sub(SHOWN),
    };
    let lines = jupyter.log.iter().skip(begin).take(SHOWN).cloned();
    let finding = files.chain(lines).fold(finding, Finding::because);
    finding.with("program", jupyter.program.clone())
}
