//! The folders in which Jupyter looks for kernels.
//!
//! Source: <https://docs.jupyter.org/en/latest/use/jupyter-directories.html>, "Data files"; `jupyter_core/paths.py`.

use super::Environment;
use crate::root::Root;
use gpucheck_checks::fact::Server;
use std::{
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// Where installers of servers and of classroom images put environments.
const USUAL: [&str; 5] = ["/opt/conda", "/opt/tljh/user", "/opt/jupyterhub", "/opt/anaconda3", "/anaconda"];
/// Most homes of another machine that are looked into.
const MOST_HOMES: usize = 256;

/// A folder of kernels.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// It has a folder for each kernel.
    pub(super) kernels: String,
    /// The environment that it belongs to; none for those of a user and of the system.
    pub(super) prefix: Option<String>,
}

/// The folders, in the order in which a server of the active environment looks.
pub(super) fn places(root: &Root, environment: &Environment, servers: &[Server]) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    let mut add = |folder: &Path, prefix: Option<&Path>| {
        let kernels = folder.join("kernels").to_string_lossy().into_owned();
        if !places.iter().any(|known| known.kernels == kernels) {
            places
                .push(Place { kernels, prefix: prefix.map(|prefix| prefix.to_string_lossy().into_owned()) });
        }
    };
    for folder in env::split_paths(&environment.jupyter_path).filter(|folder| folder.is_absolute()) {
        add(&folder, None);
    }
    for prefix in prefixes(root, environment, servers) {
        let prefix = Path::new(&prefix);
        add(&prefix.join("share/jupyter"), Some(prefix));
    }
    if let Some(data) = &environment.data {
        add(data, None);
    }
    for home in homes(root, environment) {
        if environment.data.is_none() {
            add(&home.join(".local/share/jupyter"), None);
        }
        add(&home.join(".ipython"), None);
    }
    for folder in ["/usr/local/share/jupyter", "/usr/share/jupyter"] {
        add(Path::new(folder), None);
    }
    places
}

/// The environments that kernels may be installed in: those that are active, conda's own, those of servers.
fn prefixes(root: &Root, environment: &Environment, servers: &[Server]) -> Vec<PathBuf> {
    let mut prefixes = environment.prefixes.clone();
    for prefix in &environment.prefixes {
        // conda keeps its environments below its own, which often has the server.
        if prefix.parent().and_then(Path::file_name) == Some(OsStr::new("envs")) {
            prefixes.extend(prefix.ancestors().nth(2).map(Path::to_owned));
        }
    }
    prefixes.extend(
        servers.iter().filter_map(|server| super::program::prefix_of(&server.program).map(PathBuf::from)),
    );
    prefixes
        .extend(USUAL.map(PathBuf::from).into_iter().filter(|prefix| root.exists(&prefix.to_string_lossy())));
    // The system's folders are looked at last and belong to no environment.
    prefixes.retain(|prefix| {
        prefix.is_absolute() && prefix != Path::new("/usr") && prefix != Path::new("/usr/local")
    });
    prefixes
}

/// The home of whoever asks; of another machine, all of them.
pub(super) fn homes(root: &Root, environment: &Environment) -> Vec<PathBuf> {
    if root.is_this_machine() || environment.home.is_some() {
        return environment.home.iter().cloned().collect();
    }
    let homes = root.names("/home").into_iter().take(MOST_HOMES).map(|name| Path::new("/home").join(name));
    homes.chain([PathBuf::from("/root")]).collect()
}
