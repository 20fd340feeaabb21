//! The folders in which Jupyter looks for kernels.
//!
//! Source: <https://docs.jupyter.org/en/latest/use/jupyter-directories.html>, "Data files"; `jupyter_core/paths.py`
//! (`jupyter_path`, `jupyter_data_dir`, `prefer_environment_over_user`), `jupyter_client/kernelspec.py` (`kernel_dirs`).

#[cfg(any(windows, test))]
pub(super) mod windows;

use super::{Environment, conda_kernels};
use crate::root::Root;
use gpucheck_checks::fact::{self, Server};
use std::{
    collections::BTreeSet,
    env,
    ffi::OsStr,
    path::{Path, PathBuf},
};

/// Where installers of servers and of classroom images put environments.
const USUAL: [&str; 5] = ["/opt/conda", "/opt/tljh/user", "/opt/jupyterhub", "/opt/anaconda3", "/anaconda"];
/// The folders of the system.
const OF_SYSTEM: [&str; 2] = ["/usr/local/share/jupyter", "/usr/share/jupyter"];
/// Most homes of another machine that are looked into.
const MOST_HOMES: usize = 256;

/// A folder of kernels.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    /// It has a folder for each kernel.
    pub(super) kernels: String,
    /// The environment that it belongs to; none for those of a user and of the system.
    pub(super) prefix: Option<String>,
    /// The name of the conda environment under which `nb_conda_kernels` offers what lies here.
    pub(super) conda: Option<String>,
}

/// The folders, in the order in which a server of the active environment looks; then those of other environments.
pub(super) fn places(root: &Root, environment: &Environment, servers: &[Server]) -> Vec<Place> {
    let mut places = Places::default();
    for folder in env::split_paths(&environment.jupyter_path).filter(|folder| folder.is_absolute()) {
        places.shared(&folder);
    }
    let own = own(root, environment);
    if prefers_environment(root, environment) {
        places.all_of(&environment.prefixes);
        places.all_shared(&own);
    } else {
        places.all_shared(&own);
        places.all_of(&environment.prefixes);
    }
    let servers_own = prefixes(root, environment, servers);
    places.all_of(&servers_own);
    let known = || servers_own.iter().chain(&environment.prefixes);
    let offered = conda_kernels::are_offered(root, known(), &environment.environments);
    for found in &environment.environments {
        let name = offered.as_ref().and_then(|base| conda_kernels::name(found, base));
        // The kernels of an environment are its own server's to offer, or nb_conda_kernels'.
        if name.is_some() || has_server(root, found) {
            places.of(Path::new(&found.prefix), name);
        }
    }
    match &environment.data_dirs {
        Some(folders) => env::split_paths(folders).for_each(|folder| places.shared(&folder.join("jupyter"))),
        None => OF_SYSTEM.iter().for_each(|folder| places.shared(Path::new(folder))),
    }
    for folder in ipython(root, environment) {
        places.shared(&folder);
    }
    places.found
}

/// Whether a Jupyter server can be started from this environment.
fn has_server(root: &Root, environment: &fact::Environment) -> bool {
    let packages = ["jupyter_server", "notebook"];
    let mut folders = environment.folders.iter();
    folders.any(|folder| packages.iter().any(|name| root.exists(&format!("{folder}/{name}/__init__.py"))))
}

#[derive(Default)]
struct Places {
    found: Vec<Place>,
    known: BTreeSet<String>,
}

impl Places {
    /// A folder that belongs to no environment.
    fn shared(&mut self, folder: &Path) {
        self.add(folder, None, None);
    }

    fn all_shared(&mut self, folders: &[PathBuf]) {
        for folder in folders {
            self.shared(folder);
        }
    }

    fn all_of(&mut self, prefixes: &[PathBuf]) {
        for prefix in prefixes {
            self.of(prefix, None);
        }
    }

    /// That of an environment; the system's are looked at last and belong to none.
    fn of(&mut self, prefix: &Path, conda: Option<String>) {
        if prefix.is_absolute() && prefix != Path::new("/usr") && prefix != Path::new("/usr/local") {
            let name = prefix.to_string_lossy().into_owned();
            self.add(&prefix.join("share/jupyter"), Some(name), conda);
        }
    }

    fn add(&mut self, folder: &Path, prefix: Option<String>, conda: Option<String>) {
        let kernels = folder.join("kernels").to_string_lossy().into_owned();
        if folder.is_absolute() && self.known.insert(kernels.clone()) {
            self.found.push(Place { kernels, prefix, conda });
        }
    }
}

/// A person's own: the data folder, and that of packages that pip installs for a person.
fn own(root: &Root, environment: &Environment) -> Vec<PathBuf> {
    let mut own: Vec<PathBuf> = environment.data.iter().cloned().collect();
    for home in homes(root, environment) {
        if environment.data.is_none() {
            own.push(home.join(".local/share/jupyter"));
        }
        if environment.user_base.is_none() {
            own.push(home.join(".local/share/jupyter"));
        }
    }
    own.extend(environment.user_base.iter().map(|base| base.join("share/jupyter")));
    own
}

/// IPython's own folder, which the oldest kernels lie in.
fn ipython(root: &Root, environment: &Environment) -> Vec<PathBuf> {
    match &environment.ipython {
        Some(folder) => vec![folder.clone()],
        None => homes(root, environment).iter().map(|home| home.join(".ipython")).collect(),
    }
}

/// Whether the active environment comes before what is the person's own: as is set, else where it is a virtual
/// environment or one of conda's beside its base, and the person's own.
fn prefers_environment(root: &Root, environment: &Environment) -> bool {
    environment.prefers_environment.unwrap_or_else(|| {
        let me = rustix::process::geteuid().as_raw();
        environment.prefixes.first().is_some_and(|prefix| {
            let path = prefix.to_string_lossy();
            let is_venv = root.exists(&format!("{path}/pyvenv.cfg"));
            (is_venv || !is_base(prefix)) && root.stat(&path).is_some_and(|found| found.st_uid == me)
        })
    })
}

/// conda keeps its environments in a folder `envs`, and itself elsewhere.
fn is_base(prefix: &Path) -> bool {
    prefix.parent().and_then(Path::file_name) != Some(OsStr::new("envs"))
}

/// The environments that have a server, or may: conda's base beside an active environment, those of servers that run,
/// those that installers make.
fn prefixes(root: &Root, environment: &Environment, servers: &[Server]) -> Vec<PathBuf> {
    let in_envs = environment.prefixes.iter().filter(|prefix| !is_base(prefix));
    let mut prefixes: Vec<PathBuf> =
        in_envs.filter_map(|prefix| prefix.ancestors().nth(2).map(Path::to_owned)).collect();
    prefixes.extend(
        servers.iter().filter_map(|server| super::program::prefix_of(&server.program).map(PathBuf::from)),
    );
    let usual = USUAL.map(PathBuf::from).into_iter();
    prefixes.extend(usual.filter(|prefix| root.exists(&prefix.to_string_lossy())));
    prefixes
}

/// The home of whoever asks; of another machine, all of them.
pub(super) fn homes(root: &Root, environment: &Environment) -> Vec<PathBuf> {
    if root.is_this_machine() || environment.home.is_some() {
        return environment.home.iter().cloned().collect();
    }
    let homes = root.some_names("/home", MOST_HOMES).into_iter().map(|name| Path::new("/home").join(name));
    homes.chain([PathBuf::from("/root")]).collect()
}
