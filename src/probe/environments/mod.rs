//! Every environment of Python on a machine: conda's, virtual ones, pyenv's, uv's, the system's.
//!
//! Invariants: files are listed and read, nothing is started, conda least of all; each environment is told once, by its
//! real path, however many ways lead to it; what is looked at is bounded in number and in time; the surroundings are a
//! value.

mod candidates;
mod conda;
mod configuration;
mod folders;
mod homes;
mod search;
mod version;
mod workspaces;

use crate::root::Root;
use configuration::Configuration;
use gpucheck_checks::fact::{Environment, EnvironmentKind};
use search::{Candidate, Search};
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// What of a process's surroundings decides which environments its user has.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// `HOME`; none where the root is another machine's: then every home counts.
    pub home: Option<PathBuf>,
    /// `PATH`.
    pub path: OsString,
    /// Active environments: `VIRTUAL_ENV`, `CONDA_PREFIX`.
    pub active: Vec<PathBuf>,
    /// Prefixes of conda itself: `CONDA_ROOT`, `MAMBA_ROOT_PREFIX`, that of `CONDA_EXE`.
    pub conda: Vec<PathBuf>,
    /// Folders of conda's environments: `CONDA_ENVS_PATH`, `CONDA_ENVS_DIRS`.
    pub conda_environments: Vec<PathBuf>,
    /// `PYENV_ROOT`.
    pub pyenv: Option<PathBuf>,
    /// `UV_PYTHON_INSTALL_DIR`.
    pub uv: Option<PathBuf>,
    /// `WORKON_HOME`, where virtualenvwrapper and Pipenv keep their environments.
    pub workon: Option<PathBuf>,
    /// `PYTHONUSERBASE`.
    pub user_base: Option<PathBuf>,
    /// `PYTHONNOUSERSITE` is set: a person's own packages do not count.
    pub no_user_site: bool,
    /// The working directory.
    pub working_directory: Option<PathBuf>,
    /// Folders that are open in an editor, beside those that Visual Studio Code remembers.
    pub workspaces: Vec<PathBuf>,
    /// Prefixes that are known otherwise: those of servers that run, and of notebook kernels.
    pub further: Vec<PathBuf>,
}

impl Surroundings {
    /// The surroundings of this process.
    pub fn of_this_process() -> Self {
        let value = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let folder = |name: &str| value(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
        let folders = |names: &[&str]| names.iter().filter_map(|name| folder(name)).collect::<Vec<_>>();
        let listed = |name: &str| {
            env::split_paths(&value(name).unwrap_or_default())
                .filter(|path| path.is_absolute())
                .collect::<Vec<_>>()
        };
        let conda_of = |program: PathBuf| Some(program.parent()?.parent()?.to_owned());
        let mut conda = folders(&["CONDA_ROOT", "MAMBA_ROOT_PREFIX"]);
        conda.extend(folder("CONDA_EXE").and_then(conda_of));
        Self {
            home: folder("HOME"),
            path: value("PATH").unwrap_or_default(),
            active: folders(&["VIRTUAL_ENV", "CONDA_PREFIX"]),
            conda,
            conda_environments: [listed("CONDA_ENVS_PATH"), listed("CONDA_ENVS_DIRS")].concat(),
            pyenv: folder("PYENV_ROOT"),
            uv: folder("UV_PYTHON_INSTALL_DIR"),
            workon: folder("WORKON_HOME"),
            user_base: folder("PYTHONUSERBASE"),
            no_user_site: value("PYTHONNOUSERSITE").is_some(),
            working_directory: env::current_dir().ok(),
            workspaces: Vec::new(),
            further: Vec::new(),
        }
    }

    /// The homes that count: that of whoever asks; of another machine all of them.
    fn homes(&self, root: &Root) -> Vec<String> {
        if root.is_this_machine() || self.home.is_some() {
            return self.home.iter().map(|home| text(home)).collect();
        }
        let homes = root.some_names("/home", homes::MOST).into_iter().map(|name| format!("/home/{name}"));
        homes.chain(["/root".to_owned()]).collect()
    }
}

/// Every environment, those that are active or known otherwise first, the system's last.
pub fn discover(root: &Root, surroundings: &Surroundings) -> Vec<Environment> {
    discover_told(root, surroundings).0
}

/// The same, and why there may be more; none where there is not.
pub fn discover_told(root: &Root, surroundings: &Surroundings) -> (Vec<Environment>, Option<String>) {
    let mut search = Search::new(root);
    candidates::all(&mut search, surroundings);
    let why = search.why_in_part();
    let found = search.into_found();
    (found.iter().map(|candidate| describe(root, surroundings, candidate)).collect(), why)
}

/// The environment of an interpreter, as for one that nothing but a kernel leads to; none where its path does not end
/// with `bin/python...`.
pub fn of_program(root: &Root, surroundings: &Surroundings, program: &str) -> Option<Environment> {
    let mut search = Search::new(root);
    search.program(program);
    let found = search.into_found().into_iter().next()?;
    // Of several Pythons in one prefix it is this one.
    Some(describe(root, surroundings, &Candidate { python: program.to_owned(), ..found }))
}

fn describe(root: &Root, surroundings: &Surroundings, candidate: &Candidate) -> Environment {
    let configuration = Configuration::of(root, &candidate.prefix);
    let version = version::of(root, candidate, configuration.as_ref());
    let paths =
        folders::of(root, surroundings, &candidate.prefix, version.as_deref(), configuration.as_ref());
    let mut kinds = candidate.kinds.clone();
    if configuration.as_ref().is_some_and(Configuration::is_of_uv) {
        kinds.insert(EnvironmentKind::Uv);
    }
    Environment {
        prefix: candidate.prefix.clone(),
        gone: !root.exists(&candidate.python),
        python: candidate.python.clone(),
        kinds: kinds.into_iter().collect(),
        version,
        vscode: candidate.vscode,
        untold: paths.untold,
        folders: paths.folders,
    }
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
