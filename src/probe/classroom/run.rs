//! A notebook of the class, run from its first cell to its last.
//!
//! Invariants: its file is only read; it runs in the kernel that it names, in its own folder; by root's word it runs by the
//! rights of who has written it and what lies beside it, and where that cannot be told, or others can write to it or to root's
//! kernel, it does not run; one at a time,
//! each for a bounded time; whatever it starts ends with it. What it does on GPUs is seen from outside, by the driver's own
//! list of processes.

use super::{
    Ask,
    jupyter::{Installed, lines, surroundings},
    kernels,
    on_gpu::OnGpu,
    sweep::Scratch,
};
use crate::{
    child::{self, Finished, Job},
    probe::frameworks::{self, Vouched},
};
use gpucheck_checks::fact::{ClassNotebook, NotebookRun, Notebooks, Observed, ProbeFailure, RunEnd};
use serde::Deserialize;
use std::{
    ffi::OsString,
    path::{Path, PathBuf},
    time::Duration,
};

const SCRIPT: &str = include_str!("../../../python/notebook.py");
/// Seconds that a kernel is left alive after its last cell, where a driver is asked about it: a few looks.
const SETTLE: f64 = 0.8;
/// What an older Jupyter lacks, and how it comes in.
const LACKS: &str = "has no nbclient, which runs notebooks";

/// What the script answers.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    /// It came to some end.
    End(RunEnd),
    /// A package that is needed is not there.
    Missing(String),
}

/// Runs each that can be read.
pub(super) fn all(
    ask: &Ask,
    folder: &Path,
    installed: Option<&Installed>,
    notebooks: &Notebooks,
    class: &mut [ClassNotebook],
) {
    if let Some(why) = why_not(ask, installed) {
        for notebook in class {
            notebook.run = Observed::not_probed(why.clone());
        }
        return;
    }
    let Some(installed) = installed else { return };
    let of_python = frameworks::vouch(&installed.python, &[]);
    let with = With { ask, installed, of_python, notebooks };
    ask.progress.expect_notebooks(class.len());
    for notebook in class {
        if notebook.content.seen().is_none() {
            notebook.run = Observed::not_probed("it cannot be read");
            continue;
        }
        let _under_way = ask.progress.begin_notebook(&notebook.path);
        notebook.run = with.run(&folder.join(&notebook.path), notebook);
    }
}

fn why_not(ask: &Ask, installed: Option<&Installed>) -> Option<String> {
    if !ask.class.run {
        Some("nobody asked to run it (--run-notebooks)".to_owned())
    } else if !ask.here {
        Some("notebooks of another root are not run".to_owned())
    } else if installed.is_none() {
        Some("no Jupyter was found to run it with".to_owned())
    } else {
        None
    }
}

/// Everything that notebooks run with.
struct With<'a> {
    ask: &'a Ask,
    installed: &'a Installed,
    /// As whom its Python may run.
    of_python: Result<Vouched, String>,
    notebooks: &'a Notebooks,
}

impl With<'_> {
    fn run(&self, path: &Path, notebook: &ClassNotebook) -> Observed<NotebookRun> {
        let vouched = match self.as_whom(path, notebook) {
            Ok(vouched) => vouched,
            Err(why) => return Observed::not_probed(why),
        };
        match run(self.ask, path, self.installed, &vouched) {
            Ok(run) => run,
            Err(error) => Observed::not_probed(error.to_string()),
        }
    }

    /// As whom it runs. Root's own notebooks run as root where nobody else can write to them, to Jupyter and to the kernel.
    fn as_whom(&self, path: &Path, notebook: &ClassNotebook) -> Result<Vouched, String> {
        let advise =
            |why: String| format!("{why}; run it as whoever will use it: sudo -u USER gpucheck publish ...");
        let vouched = frameworks::vouch_for(path, &self.of_python).map_err(advise)?;
        if !vouched.is_root() {
            return Ok(vouched);
        }
        if self.notebooks.more > 0 {
            return Err(advise("there are more kernels than gpucheck looks at".to_owned()));
        }
        let kernel = notebook.content.seen().and_then(|content| content.kernel.as_deref());
        // Of what is too long to be kept, or is no text, the end is not known.
        if kernel.is_some_and(|name| name.ends_with('…') || name.contains('\u{fffd}')) {
            return Err(advise("the name of its kernel is none that Jupyter gives".to_owned()));
        }
        let named = kernels::named(kernel, self.notebooks, &self.installed.python, vouched.home.as_deref());
        let here = path.parent().unwrap_or(Path::new("/"));
        for kernel in named {
            kernel.may_be_roots(here, &self.installed.python, &vouched).map_err(advise)?;
        }
        Ok(vouched)
    }
}

fn run(
    ask: &Ask,
    path: &Path,
    installed: &Installed,
    vouched: &Vouched,
) -> std::io::Result<Observed<NotebookRun>> {
    let scratch = Scratch::new(
        &ask.worker.program,
        vouched.uid,
        vouched.identity.as_ref().map(|identity| identity.gid),
    )?;
    let on_gpu = OnGpu::start(ask, scratch);
    let settle = if on_gpu.is_watching() { SETTLE } else { 0.0 };
    let finished: Finished<Said> = child::run(job(ask, path, (installed, vouched), on_gpu.scratch(), settle));
    let gpu = on_gpu.end();
    let elapsed_ms = finished.elapsed_ms;
    let python = installed.python.display();
    let end = match finished.observed {
        Observed::Seen(Said::End(end)) | Observed::Interrupted { seen: Said::End(end), .. } => Ok(end),
        Observed::Seen(Said::Missing(what)) | Observed::Interrupted { seen: Said::Missing(what), .. } => {
            return Ok(Observed::not_probed(format!("{python} {LACKS}: {what}")));
        }
        Observed::Failed(ProbeFailure::TimedOut { after_ms, step, .. }) => {
            Ok(RunEnd::TimedOut { cell: cell_in(&step), after_ms })
        }
        // That is no fault of the notebook's.
        Observed::Failed(ProbeFailure::NotStarted { message }) => {
            return Ok(Observed::not_probed(format!(
                "the user {} cannot start {python}: {message}",
                vouched.uid
            )));
        }
        Observed::Failed(by) => Err(by),
        Observed::NotProbed { why } => return Ok(Observed::not_probed(why)),
    };
    Ok(match end {
        Ok(end) => Observed::Seen(NotebookRun { end, elapsed_ms, gpu }),
        Err(by) => {
            tracing::info!(log = ?lines(&finished.log), "the run of {} failed", path.display());
            Observed::Failed(by)
        }
    })
}

/// The cell that a step names.
fn cell_in(step: &str) -> Option<u32> {
    step.strip_prefix("cell ")?.parse().ok()
}

fn job(
    ask: &Ask,
    path: &Path,
    (installed, vouched): (&Installed, &Vouched),
    scratch: &Scratch,
    settle: f64,
) -> Job {
    let folder: Option<PathBuf> = path.parent().map(Path::to_owned);
    let args = ["-c".into(), SCRIPT.into(), path.as_os_str().to_owned(), settle.to_string().into()];
    let args: Vec<OsString> = args.into_iter().collect();
    Job {
        program: installed.python.clone().into_os_string(),
        args,
        base: vouched.base.clone(),
        env: surroundings(vouched, scratch),
        // Python imports from there, as it does for whoever opens the notebook; of root's nobody else can write to it.
        folder,
        deadline: ask.class.deadline.unwrap_or(super::NOTEBOOK_DEADLINE) + Duration::from_secs_f64(settle),
        memory: u64::MAX,
        files: Vec::new(),
        identity: vouched.identity.clone(),
        may_make_nodes: ask.library.may_make_nodes,
        stack_at_deadline: false,
    }
}
