//! What a class needs beyond the GPU: ways in, a Jupyter that starts, notebooks that run.
//!
//! Invariants: files alone, but for what is asked for on this very machine: a Jupyter that is started on loopback, and
//! notebooks that are run; both end, and leave nothing behind. Under another root nothing is started.

mod jupyter;
mod kernels;
mod notebooks;
mod on_gpu;
mod run;
mod sweep;
mod ways_in;

pub(crate) use sweep::{MARK, SWEEP, sweep};

use crate::{
    progress::Progress,
    root::Root,
    worker::{self, Worker},
};
use gpucheck_checks::fact::{Classroom, Notebooks, Observed};
use std::{path::PathBuf, time::Duration};

/// Time for a notebook where none is given.
pub const NOTEBOOK_DEADLINE: Duration = Duration::from_mins(10);

/// What of a class is tried.
#[derive(Clone, Debug, Default)]
pub struct Class {
    /// The folder of its notebooks, absolute.
    pub notebooks: Option<PathBuf>,
    /// The memory of a GPU that it needs, in bytes.
    pub needs_memory: Option<u64>,
    /// Whether they are run.
    pub run: bool,
    /// Time for each; none for [`NOTEBOOK_DEADLINE`].
    pub deadline: Option<Duration>,
    /// Time for Jupyter to start; none for the usual.
    pub jupyter_deadline: Option<Duration>,
}

/// What to look at.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The machine's files.
    pub root: Root,
    /// What is tried.
    pub class: Class,
    /// Whether the machine's programs may be started: it is this one.
    pub here: bool,
    /// Where NVML is.
    pub library: worker::Ask,
    /// Who asks it.
    pub worker: Worker,
    /// Whom to tell how far it is.
    pub progress: Progress,
}

/// Looks at the classroom. A single user's Jupyter counts only where there is none for everybody, and a single user's
/// kernels not at all: each user can name whatever they like.
pub fn probe(ask: &Ask, known: &Notebooks, of_users: &Notebooks) -> Observed<Classroom> {
    let mut classroom = Classroom {
        ways_in: ways_in::ways_in(&ask.root),
        needs_memory: ask.class.needs_memory,
        ..Classroom::default()
    };
    let installed =
        ask.here.then(|| jupyter::installed(known).or_else(|| jupyter::installed(of_users))).flatten();
    classroom.jupyter = jupyter::start(ask, installed.as_ref());
    let Some(folder) = &ask.class.notebooks else {
        classroom.notebooks = Observed::not_probed("no folder of notebooks was named (--notebooks DIR)");
        return Observed::Seen(classroom);
    };
    classroom.folder = Some(folder.display().to_string());
    // With the programs of this machine its notebooks are meant, too.
    let root = if ask.here { Root::new("/") } else { ask.root.clone() };
    (classroom.notebooks, classroom.more) = notebooks::look(&root, folder);
    if let Observed::Seen(class) = &mut classroom.notebooks {
        run::all(ask, folder, installed.as_ref(), known, class);
    }
    Observed::Seen(classroom)
}
