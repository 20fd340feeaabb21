//! The machines that gpucheck is tested on, of two kinds.
//!
//! A **simulated** machine (`machine.toml`) is a description of host, driver and cards from which a tree of files and a
//! scenario for the simulated driver libraries are derived; the whole program runs on it. A **facts** machine
//! (`machine.json`) is what such a run would have seen; it shows what only facts can show. `tests/machines/README.md`
//! is the manual of both.
//!
//! Invariants: what a person wrote is refused where it is wrong, with file, line, column and the nearest valid name;
//! nothing of a run is left behind unless asked for.

pub mod card;
pub mod error;
pub mod expect;
pub mod facts;
pub mod file;
pub mod machine;
pub mod matrix;
pub mod metadata;
pub mod run;
mod scenario;
mod stage;
mod tree;

pub use error::Error;

use std::{
    fs,
    path::{Path, PathBuf},
};

/// The folder of this project's machines.
pub fn folder() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).join("machines")
}

/// The kinds of machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `machine.toml`: the whole program runs on it.
    Simulated,
    /// `machine.json`: its facts are judged.
    Facts,
}

/// The names of all machines of a kind in a folder, sorted.
pub fn names(folder: &Path, kind: Kind) -> Vec<String> {
    let file = match kind {
        Kind::Simulated => file::NAME,
        Kind::Facts => facts::NAME,
    };
    let folders = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut names: Vec<String> = folders
        .filter(|folder| folder.join(file).is_file())
        .filter_map(|folder| Some(folder.file_name()?.to_string_lossy().into_owned()))
        .collect();
    names.sort();
    names
}
