//! When two starts of a Python are one: what the first tells, the second would tell as well.
//!
//! Invariant: what is not known to be without effect counts; two that differ in it are two.

use super::{discover::Candidate, heeded::deciding, servers::NOT_HANDED_ON, starts::Start};
use crate::child::Name;
use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
};

/// The folder in which an interpreter is looked for, which tells the environment, and the file that it is.
pub(super) type Interpreter = (Option<PathBuf>, Option<PathBuf>);

pub(super) fn interpreter(candidate: &Candidate) -> Interpreter {
    let path = candidate.interpreter();
    let folder = path.parent().map(|folder| fs::canonicalize(folder).unwrap_or_else(|_| folder.to_owned()));
    (folder, fs::canonicalize(path).ok())
}

/// What makes two starts one.
#[derive(PartialEq, Eq)]
pub(super) struct Key {
    interpreter: Interpreter,
    words: Vec<OsString>,
    variables: BTreeMap<OsString, OsString>,
    /// What `kernel.json` sets, whatever it is.
    set: BTreeMap<Name, Option<OsString>>,
    /// The working directory, where it has anything that a Python could import.
    folder: Option<PathBuf>,
}

impl Key {
    pub(super) fn of(start: &Start) -> Self {
        let Start { candidate, environment } = start;
        let folder = environment.folder.clone().or_else(|| env::current_dir().ok());
        Self {
            interpreter: interpreter(candidate),
            words: candidate.words.clone(),
            variables: deciding(environment),
            set: environment.changes.iter().filter(|(name, _)| name != NOT_HANDED_ON).cloned().collect(),
            folder: folder.filter(|folder| can_be_imported_from(folder)),
        }
    }
}

/// Whether a folder has a module or a package of Python, among the first entries.
fn can_be_imported_from(folder: &Path) -> bool {
    let is_module = |entry: fs::DirEntry| {
        let path = entry.path();
        path.extension().is_some_and(|end| end == "py" || end == "so") || path.join("__init__.py").is_file()
    };
    fs::read_dir(folder).into_iter().flatten().flatten().take(1000).any(is_module)
}
