//! What must not be left: to root by the one who became it, and by a look to the one who asked.
//!
//! Invariants: of the variables that make root's Python run more code, those stay that lead only to what is
//! root's, and what goes is told; no framework makes a file in a home, while those that are there are used.

use super::{Environment, accounts::Accounts, identity::package_folders, survey::Survey};
use std::{
    collections::BTreeSet,
    env,
    ffi::{OsStr, OsString},
    path::{Path, PathBuf},
};

/// Variables that lead a Python to code, or its byte code to a place; none is needed.
const LEADING: [&str; 12] = [
    "PYTHONBREAKPOINT",
    "PYTHONEXECUTABLE",
    "PYTHONHOME",
    "PYTHONINSPECT",
    "PYTHONPLATLIBDIR",
    "PYTHONPYCACHEPREFIX",
    "PYTHONSTARTUP",
    "PYTHONUSERBASE",
    "PYTHONWARNINGS",
    "PYTHON_HISTORY",
    "PYTHON_PRESITE",
    "__PYVENV_LAUNCHER__",
];

/// A change to the inherited variables.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) name: &'static str,
    pub(super) value: Option<OsString>,
    /// As a sentence without its full stop.
    pub(super) why: String,
}

/// The changes for a Python that runs as root.
pub(super) fn of_others(environment: &Environment, accounts: &Accounts) -> Vec<Change> {
    let value = |name| inherited(environment, name);
    let mut changes: Vec<_> = LEADING
        .into_iter()
        .filter(|name| value(name).is_some())
        .map(|name| Change { name, value: None, why: format!("{name} is left out for root") })
        .collect();
    if let Some(why) = value("PYTHONPATH").and_then(|path| python_path(&path, accounts).err()) {
        let why = format!("PYTHONPATH is left out: {why}");
        changes.push(Change { name: "PYTHONPATH", value: None, why });
    }
    if let Err(why) = user_site(value("HOME").as_deref(), accounts) {
        let why = format!("the packages of the user are left out: {why}");
        changes.push(Change { name: "PYTHONNOUSERSITE", value: Some("1".into()), why });
    }
    changes
}

/// Variables that keep frameworks from making files in this home.
pub(super) fn none_in(
    environment: &Environment,
    home: Option<&OsStr>,
) -> Vec<(&'static str, Option<OsString>)> {
    let makes = |variable, path: &str| {
        let there = home.is_some_and(|home| Path::new(home).join(path).exists());
        !there && inherited(environment, variable).is_none()
    };
    let mut variables = Vec::new();
    if makes("KERAS_HOME", ".keras/keras.json") {
        // Keras passes over a folder that it cannot make.
        variables.push(("KERAS_HOME", Some("/dev/null/keras".into())));
    }
    if makes("CUDA_CACHE_PATH", ".nv/ComputeCache") {
        variables.push(("CUDA_CACHE_DISABLE", Some("1".into())));
    }
    if makes("CUPY_CACHE_DIR", ".cupy/kernel_cache") {
        // Read by CuPy from 8 on, and then nothing is written; from 14 on the import makes the folder all the same, so
        // that it must be one that is there. An older CuPy would write into it, and is not started.
        variables.push(("CUPY_CACHE_IN_MEMORY", Some("1".into())));
        variables.push(("CUPY_CACHE_DIR", Some("/proc/self".into())));
    }
    if makes("PYTORCH_KERNEL_CACHE_PATH", ".cache/torch/kernels") {
        variables.push(("USE_PYTORCH_KERNEL_CACHE", Some("0".into())));
    }
    variables
}

/// What the Python would inherit.
pub(super) fn inherited(environment: &Environment, name: &str) -> Option<OsString> {
    match environment.changes.iter().rev().find(|(changed, _)| *changed == name) {
        Some((_, value)) => value.clone(),
        None => match &environment.base {
            Some(base) => base.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()),
            None => env::var_os(name),
        },
    }
}

/// Whether every entry is root's; an empty or relative one is the working directory's.
fn python_path(value: &OsStr, accounts: &Accounts) -> Result<(), String> {
    let mut survey = Survey::new(accounts);
    if value.is_empty() {
        return Ok(());
    }
    for folder in env::split_paths(value) {
        if !folder.is_absolute() {
            return Err(format!("its entry '{}' is relative", folder.display()));
        }
        survey.folder(&folder)?;
    }
    only_root_s(&survey)
}

/// Whether `~/.local` is root's.
fn user_site(home: Option<&OsStr>, accounts: &Accounts) -> Result<(), String> {
    let base = home.filter(|home| Path::new(home).is_absolute()).ok_or("HOME is not set")?;
    let base = PathBuf::from(base).join(".local");
    let mut survey = Survey::new(accounts);
    survey.path(&base.join("lib"))?;
    for folder in package_folders(&BTreeSet::from([base])) {
        survey.packages(&folder)?;
    }
    only_root_s(&survey)
}

fn only_root_s(survey: &Survey<'_>) -> Result<(), String> {
    match survey.owners.first() {
        Some(uid) => Err(format!("gpucheck runs as root, and the user {uid} can write there")),
        None => Ok(()),
    }
}
