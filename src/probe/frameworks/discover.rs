//! Which Python a person gets: that of the active environment, else what `python3` starts.
//!
//! Invariant: the surroundings are a value; nothing here reads this process's own.

use super::asking::Asker;
use crate::child::{Name, Variables};
use gpucheck_checks::fact::FoundBy;
use std::{
    env,
    ffi::{OsStr, OsString},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

/// What of a process's surroundings decides about its Python.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `VIRTUAL_ENV`, set by a virtual environment's `activate`.
    pub virtual_env: Option<PathBuf>,
    /// `CONDA_PREFIX`, set by `conda activate`.
    pub conda_prefix: Option<PathBuf>,
    /// `PATH`.
    pub path: OsString,
    /// Where files may be kept for a while: `XDG_CACHE_HOME`, else `~/.cache`.
    pub cache: Option<PathBuf>,
    /// `HOME`.
    pub home: Option<PathBuf>,
    /// The variables that it inherits, where they are another process's than this one's: those of a Jupyter server.
    pub base: Option<Variables>,
    /// Changes to the inherited variables for the Python; none removes one.
    pub changes: Vec<(Name, Option<OsString>)>,
    /// Its working directory; none where it is this process's.
    pub folder: Option<PathBuf>,
    /// The Python from within which gpucheck was called.
    pub asker: Option<Asker>,
}

impl Environment {
    /// The surroundings of this process.
    pub fn of_this_process() -> Self {
        let folder = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        Self {
            virtual_env: folder("VIRTUAL_ENV"),
            conda_prefix: folder("CONDA_PREFIX"),
            path: env::var_os("PATH").unwrap_or_default(),
            cache: folder("XDG_CACHE_HOME").or_else(|| Some(folder("HOME")?.join(".cache"))),
            home: folder("HOME"),
            base: None,
            changes: Vec::new(),
            folder: None,
            asker: None,
        }
    }
}

impl Environment {
    /// Where the asking user may keep something. Root's must not lie in a home that is a student's.
    pub(crate) fn own_cache(&self) -> Option<PathBuf> {
        if rustix::process::geteuid().is_root() { Some("/var/cache".into()) } else { self.cache.clone() }
    }
}

/// A Python to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) found_by: FoundBy,
    /// The path to start it by.
    pub(super) program: PathBuf,
    /// What stands between the program and the interpreter's own `-c`: options, or a whole command that `program` starts.
    pub(super) words: Vec<OsString>,
    /// The interpreter, where `program` only starts it.
    pub(super) python: Option<PathBuf>,
    /// The environment's folder, where one is active.
    pub(super) environment: Option<PathBuf>,
    /// Files that say how to start it, and whose writers therefore decide what runs.
    pub(super) said_in: Vec<PathBuf>,
    /// What tells it from others at the same path.
    pub(super) label: Option<String>,
    /// The notebook kernels that start it.
    pub(super) kernels: Vec<String>,
}

impl Candidate {
    /// The interpreter that it stands for.
    pub(super) fn interpreter(&self) -> &Path {
        self.python.as_ref().unwrap_or(&self.program)
    }
}

/// The Pythons in reach. An active environment whose interpreter is gone is still the one that is meant.
pub(super) fn candidates(environment: &Environment) -> Vec<Candidate> {
    let active =
        [(FoundBy::VirtualEnv, &environment.virtual_env), (FoundBy::CondaPrefix, &environment.conda_prefix)];
    let active = active.into_iter().find_map(|(found_by, folder)| {
        let folder = folder.clone()?;
        let program = folder.join("bin/python");
        Some(Candidate { found_by, program, environment: Some(folder), ..Candidate::default() })
    });
    active.or_else(|| on_path(environment)).into_iter().collect()
}

fn on_path(environment: &Environment) -> Option<Candidate> {
    let program = program_on(&environment.path, "python3")?;
    Some(Candidate { found_by: FoundBy::Path, program, ..Candidate::default() })
}

/// The program of this name on a `PATH`.
pub(super) fn program_on(path: &OsStr, name: &str) -> Option<PathBuf> {
    env::split_paths(path)
        // An empty or relative entry means the working directory, whose programs nobody asked to run.
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|program| is_executable(program))
}

fn is_executable(program: &Path) -> bool {
    program.metadata().is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_active_environment_comes_first() {
        let environment = Environment {
            virtual_env: Some("/venv".into()),
            conda_prefix: Some("/conda".into()),
            path: "/bin:/usr/bin".into(),
            ..Environment::default()
        };
        let found = candidates(&environment);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].program, Path::new("/venv/bin/python"));
        assert_eq!(found[0].found_by, FoundBy::VirtualEnv);
    }

    #[test]
    fn the_working_directory_is_no_place_for_an_interpreter() {
        for path in ["", ":", ".", "bin"] {
            let environment = Environment { path: path.into(), ..Environment::default() };
            assert_eq!(candidates(&environment), []);
        }
    }

    #[test]
    fn only_a_program_counts() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("python3"), "").unwrap();
        let environment = Environment { path: folder.path().into(), ..Environment::default() };
        assert_eq!(candidates(&environment), []);
    }
}
