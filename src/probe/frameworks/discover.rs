//! Which Python a person gets: that of the active environment, else what `python3` starts.
//!
//! Invariant: the surroundings are a value; nothing here reads this process's own.

use gpucheck_checks::fact::FoundBy;
use std::{
    env,
    ffi::OsString,
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
    /// Changes to the inherited variables for the Python; none removes one.
    pub changes: Vec<(&'static str, Option<OsString>)>,
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
            changes: Vec::new(),
        }
    }
}

/// A Python to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) found_by: FoundBy,
    /// The path to start it by.
    pub(super) program: PathBuf,
    /// The environment's folder, where one is active.
    pub(super) environment: Option<PathBuf>,
}

/// The Pythons in reach. An active environment whose interpreter is gone is still the one that is meant.
pub(super) fn candidates(environment: &Environment) -> Vec<Candidate> {
    let active =
        [(FoundBy::VirtualEnv, &environment.virtual_env), (FoundBy::CondaPrefix, &environment.conda_prefix)];
    let active = active.into_iter().find_map(|(found_by, folder)| {
        let folder = folder.clone()?;
        Some(Candidate { found_by, program: folder.join("bin/python"), environment: Some(folder) })
    });
    active.or_else(|| on_path(environment)).into_iter().collect()
}

fn on_path(environment: &Environment) -> Option<Candidate> {
    let program = env::split_paths(&environment.path)
        // An empty or relative entry means the working directory, whose programs nobody asked to run.
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join("python3"))
        .find(|program| is_executable(program))?;
    Some(Candidate { found_by: FoundBy::Path, program, environment: None })
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
