//! What a class needs beyond the GPU.

use crate::root::Root;
use gpucheck_checks::fact::{Classroom, Notebooks, Observed};
use std::path::PathBuf;

/// What of a class is tried.
#[derive(Clone, Debug, Default)]
pub struct Class {
    /// The folder of its notebooks.
    pub notebooks: Option<PathBuf>,
    /// Whether they are run.
    pub run: bool,
}

/// What to look at.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The machine's files.
    pub root: Root,
    /// What is tried.
    pub class: Class,
}

/// Looks at the classroom.
pub fn probe(ask: &Ask, _: &Notebooks) -> Observed<Classroom> {
    let folder = ask.class.notebooks.as_ref().map(|folder| folder.display().to_string());
    Observed::Seen(Classroom { folder, ..Classroom::default() })
}
