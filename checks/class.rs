//! What a report says of a class: its notebooks and the ways in, a row each.
//!
//! Invariant: rows tell what was seen in short; what is wrong and how to mend it stands with the checks.

use crate::fact::{
    ClassNotebook, Classroom, Facts, Listening, NotebookContent, NotebookRun, Observed, RunEnd, WayIn,
    WayInKind,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A class on this machine; in the profile `publish` alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClassSummary {
    /// The folder of notebooks that was asked about.
    pub folder: Option<String>,
    /// Each notebook, by path.
    pub notebooks: Vec<NotebookRow>,
    /// How many notebooks and folders were not looked at, for there are too many.
    pub more: u32,
    /// Each way in that is installed.
    pub ways_in: Vec<WayInRow>,
    /// The Jupyter that was started for the look, such as `/opt/conda/bin/jupyter lab`; none where none was.
    pub jupyter: Option<String>,
    /// Whether it answered; none where none was started.
    pub jupyter_answers: Option<bool>,
}

/// A notebook in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotebookRow {
    /// Its path below the folder.
    pub path: String,
    /// The kernel that it asks for.
    pub kernel: Option<String>,
    /// How its run ended.
    pub ran: Ran,
    /// How long it ran, in milliseconds.
    pub elapsed_ms: Option<u64>,
    /// Whether it used a GPU; none where that is not known.
    pub used_gpu: Option<bool>,
    /// The most memory that it held on GPUs, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// Why it did not run, or not to its end, in technical words; none where it ran.
    pub why: Option<String>,
}

/// How the run of a notebook ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ran {
    /// Every cell ran.
    Ran,
    /// A cell raised an error, or its kernel did not start.
    Failed,
    /// It was ended after its time.
    TimedOut,
    /// Its kernel ended.
    KernelDied,
    /// There is no kernel of the name that it asks for.
    NoKernel,
    /// Its file cannot be read as a notebook.
    Unreadable,
    /// It was not tried.
    NotRun,
}

/// A way in, in short.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WayInRow {
    /// Which.
    pub kind: WayInKind,
    /// The unit that starts it, such as `ssh.service`.
    pub name: String,
    /// Whether it starts at boot.
    pub enabled: bool,
    /// Whether it runs now; none where that could not be told.
    pub running: Option<bool>,
    /// Its port.
    pub port: Option<u16>,
    /// For whom that is open.
    pub listening: Option<Listening>,
}

impl ClassSummary {
    /// That of these facts; none where the classroom was not looked at.
    pub(crate) fn of(facts: &Facts) -> Option<Self> {
        let classroom = facts.classroom.seen()?;
        let jupyter = classroom.jupyter.seen().and_then(Option::as_ref);
        Some(Self {
            folder: classroom.folder.clone(),
            notebooks: rows(classroom),
            more: classroom.more,
            ways_in: classroom.ways_in.iter().map(WayInRow::of).collect(),
            jupyter: jupyter.map(|jupyter| jupyter.program.clone()),
            jupyter_answers: jupyter.map(|jupyter| jupyter.answer.seen().is_some()),
        })
    }
}

fn rows(classroom: &Classroom) -> Vec<NotebookRow> {
    classroom.notebooks.seen().into_iter().flatten().map(NotebookRow::of).collect()
}

impl NotebookRow {
    fn of(notebook: &ClassNotebook) -> Self {
        let content = notebook.content.seen();
        let row = Self {
            path: notebook.path.clone(),
            kernel: content.and_then(|content| content.kernel.clone()),
            ran: Ran::NotRun,
            elapsed_ms: None,
            used_gpu: None,
            peak_memory_bytes: None,
            why: None,
        };
        match (content, &notebook.run) {
            (None, _) => Self { ran: Ran::Unreadable, why: Some(notebook.content.why_not()), ..row },
            (Some(content), Observed::Seen(run) | Observed::Interrupted { seen: run, .. }) => {
                row.after(run, content)
            }
            (Some(_), Observed::Failed(by)) => Self { ran: Ran::Failed, why: Some(by.to_string()), ..row },
            (Some(_), Observed::NotProbed { why }) => Self { why: Some(why.clone()), ..row },
        }
    }

    fn after(self, run: &NotebookRun, content: &NotebookContent) -> Self {
        let ran = match &run.end {
            RunEnd::Ran => Ran::Ran,
            RunEnd::Raised { .. } | RunEnd::KernelFailed { .. } => Ran::Failed,
            RunEnd::TimedOut { .. } => Ran::TimedOut,
            RunEnd::KernelDied { .. } => Ran::KernelDied,
            RunEnd::NoKernel { .. } => Ran::NoKernel,
        };
        let gpu = run.gpu.seen();
        Self {
            ran,
            elapsed_ms: Some(run.elapsed_ms),
            used_gpu: gpu.map(|gpu| gpu.used).filter(|_| content.code_cells > 0),
            peak_memory_bytes: gpu.and_then(|gpu| gpu.peak_memory),
            why: run.end.why(),
            ..self
        }
    }
}

impl WayInRow {
    fn of(way: &WayIn) -> Self {
        Self {
            kind: way.kind,
            name: way.name.clone(),
            enabled: way.enabled && !way.masked,
            running: way.running,
            port: way.port,
            listening: way.listening,
        }
    }
}

impl RunEnd {
    /// Why the run did not come to its end, in technical words.
    pub(crate) fn why(&self) -> Option<String> {
        let in_cell = |cell: &Option<u32>| {
            cell.map_or_else(|| " before its first cell".to_owned(), |cell| format!(" in cell {cell}"))
        };
        match self {
            Self::Ran => None,
            Self::Raised { cell, name, value, .. } if value.is_empty() => {
                Some(format!("{name} in cell {cell}"))
            }
            Self::Raised { cell, name, value, .. } => Some(format!("{name} in cell {cell}: {value}")),
            Self::TimedOut { cell, after_ms } => {
                Some(format!("not done after {} s{}", after_ms / 1000, in_cell(cell)))
            }
            Self::KernelDied { cell } => Some(format!("its kernel ended{}", in_cell(cell))),
            Self::NoKernel { name } => Some(format!("no kernel is named {name}")),
            Self::KernelFailed { why } => Some(format!("its kernel did not start: {why}")),
        }
    }
}
