//! Jupyter: which kernels its menu offers, what each starts, and what the servers that run were started with.
//!
//! Invariants: files are read, nothing is started and no server is asked; of variables only those in `KEPT` are kept,
//! since environments hold passwords.

mod environment;
mod kernelspecs;
mod places;
mod program;
mod servers;

use crate::root::Root;
use gpucheck_checks::fact::{Notebooks, Observed};
use std::{collections::BTreeMap, env, ffi::OsString, path::PathBuf};

/// The variables that decide about a GPU and are fit to be shown.
const KEPT: [&str; 3] = ["CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "XLA_FLAGS"];

/// What of a process's surroundings decides which kernels its user sees.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `HOME`; none where the root is another machine's: then every home counts.
    pub home: Option<PathBuf>,
    /// `JUPYTER_PATH`.
    pub jupyter_path: OsString,
    /// `JUPYTER_DATA_DIR`, else `jupyter` below `XDG_DATA_HOME`.
    pub data: Option<PathBuf>,
    /// Active environments, `VIRTUAL_ENV` and `CONDA_PREFIX`.
    pub prefixes: Vec<PathBuf>,
    /// `PATH`.
    pub path: OsString,
    /// The variables of `KEPT` that are set.
    pub variables: BTreeMap<String, String>,
}

impl Environment {
    /// The surroundings of this process.
    pub fn of_this_process() -> Self {
        let value = |name: &str| env::var_os(name).filter(|value| !value.is_empty());
        let folder = |name: &str| value(name).map(PathBuf::from).filter(|folder| folder.is_absolute());
        let kept = |name: &str| Some((name.to_owned(), env::var_os(name)?.to_string_lossy().into_owned()));
        Self {
            home: folder("HOME"),
            jupyter_path: value("JUPYTER_PATH").unwrap_or_default(),
            data: folder("JUPYTER_DATA_DIR").or_else(|| Some(folder("XDG_DATA_HOME")?.join("jupyter"))),
            prefixes: ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(folder).collect(),
            path: value("PATH").unwrap_or_default(),
            variables: KEPT.into_iter().filter_map(kept).collect(),
        }
    }
}

/// Looks for kernels and servers.
pub fn probe(root: &Root, environment: &Environment) -> Observed<Notebooks> {
    let servers = servers::running(root, rustix::process::geteuid().as_raw());
    let places = places::places(root, environment, &servers);
    Observed::Seen(Notebooks {
        kernelspecs: kernelspecs::all(root, environment, &places),
        servers,
        shell: environment.variables.clone(),
        more: 0,
    })
}
