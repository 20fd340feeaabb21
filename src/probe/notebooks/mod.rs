//! Jupyter: which kernels its menu offers, what each starts, and what the servers that run were started with and say of
//! their notebooks.
//!
//! Invariants: files are read and nothing is started; only servers of the asking user on this very machine are asked; of
//! variables only those in `KEPT` are kept, since environments hold passwords.

mod answers;
mod asked;
mod conda_kernels;
mod environment;
mod kernelspecs;
mod listener;
mod places;
mod program;
mod runtime;
mod servers;
mod sessions;

pub(crate) use asked::answer_of;
pub(crate) use kernelspecs::{all_of, command_of, variables_of};
pub(crate) use program::prefix_of;
pub(crate) use servers::environment_of;

use super::environments::{self, Surroundings};
use crate::root::Root;
use gpucheck_checks::fact::{self, Notebooks, Observed, ProbeFailure, Server};
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
    /// `JUPYTER_RUNTIME_DIR`, else `runtime` below the data folder.
    pub runtime: Option<PathBuf>,
    /// `XDG_RUNTIME_DIR`.
    pub user_runtime: Option<PathBuf>,
    /// `PYTHONUSERBASE`, else `~/.local`.
    pub user_base: Option<PathBuf>,
    /// `XDG_DATA_DIRS`, where `JUPYTER_PLATFORM_DIRS` makes them count.
    pub data_dirs: Option<OsString>,
    /// `JUPYTER_PREFER_ENV_PATH`: whether the active environment comes before what is the user's own.
    pub prefers_environment: Option<bool>,
    /// `IPYTHONDIR`, else `~/.ipython`.
    pub ipython: Option<PathBuf>,
    /// Environments that were found otherwise ([`super::environments::discover`]): their kernels count too.
    pub environments: Vec<fact::Environment>,
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
            runtime: folder("JUPYTER_RUNTIME_DIR"),
            user_runtime: folder("XDG_RUNTIME_DIR"),
            user_base: folder("PYTHONUSERBASE"),
            data_dirs: is_set("JUPYTER_PLATFORM_DIRS")
                .unwrap_or(false)
                .then(|| data_dirs(value("XDG_DATA_DIRS"))),
            prefers_environment: is_set("JUPYTER_PREFER_ENV_PATH"),
            ipython: folder("IPYTHONDIR"),
            environments: Vec::new(),
            prefixes: ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(folder).collect(),
            path: value("PATH").unwrap_or_default(),
            variables: KEPT.into_iter().filter_map(kept).collect(),
        }
    }
}

/// Whether a variable that Jupyter takes for a switch is on; none where it is not set.
///
/// Source: `envset` in `jupyter_core/paths.py`.
fn is_set(name: &str) -> Option<bool> {
    let value = env::var_os(name)?.to_string_lossy().to_lowercase();
    Some(!["no", "n", "false", "off", "0", "0.0"].contains(&value.as_str()))
}

/// `XDG_DATA_DIRS`, or what stands for it.
fn data_dirs(set: Option<OsString>) -> OsString {
    set.unwrap_or_else(|| "/usr/local/share:/usr/share".into())
}

/// Looks for kernels and servers.
pub fn probe(root: &Root, environment: &Environment) -> Observed<Notebooks> {
    let servers = asked_servers(root, environment);
    Observed::Seen(look(root, environment, servers))
}

/// Looks for kernels and servers, and for every environment on the way: those of servers and, in them, kernels.
pub fn probe_with_environments(
    root: &Root,
    environment: &Environment,
    surroundings: Surroundings,
) -> Observed<(Notebooks, Vec<fact::Environment>)> {
    let servers = asked_servers(root, environment);
    let (seen, in_part) = look_with_environments(root, environment, surroundings, servers);
    match in_part {
        // An image has nobody who could say which of them counts: none may be left out in silence.
        Some(message) if !root.is_this_machine() => {
            let by = ProbeFailure::Garbled { step: "search for environments".to_owned(), message };
            Observed::Interrupted { seen, by }
        }
        Some(_) | None => Observed::Seen(seen),
    }
}

/// The same where no server is asked for anything: what there is to be looked at, in milliseconds. None where the search
/// did not come to its end.
pub(crate) fn unasked(
    root: &Root,
    environment: &Environment,
    surroundings: Surroundings,
) -> Option<(Notebooks, Vec<fact::Environment>)> {
    let servers = servers::running(root, rustix::process::geteuid().as_raw());
    let (seen, in_part) = look_with_environments(root, environment, surroundings, servers);
    in_part.is_none().then_some(seen)
}

fn look_with_environments(
    root: &Root,
    environment: &Environment,
    mut surroundings: Surroundings,
    servers: Vec<Server>,
) -> ((Notebooks, Vec<fact::Environment>), Option<String>) {
    let prefixes = servers.iter().filter_map(|server| prefix_of(&server.program));
    surroundings.further.extend(prefixes.map(PathBuf::from));
    let (environments, in_part) = environments::discover_told(root, &surroundings);
    let environment = Environment { environments: environments.clone(), ..environment.clone() };
    ((look(root, &environment, servers), environments), in_part)
}

/// The servers that run as the asking user, with what they say of their kernels.
fn asked_servers(root: &Root, environment: &Environment) -> Vec<Server> {
    let uid = rustix::process::geteuid().as_raw();
    sessions::told(root, environment, servers::running(root, uid), uid)
}

fn look(root: &Root, environment: &Environment, servers: Vec<Server>) -> Notebooks {
    let places = places::places(root, environment, &servers);
    let (kernelspecs, more) = kernelspecs::all(root, environment, &places);
    Notebooks { kernelspecs, servers, shell: environment.variables.clone(), more }
}
