//! Where what is cloned lies: homes, environments, services, files of configuration.
//!
//! Invariants: everything is bounded; a folder that is reached in two ways is told once.

use crate::{
    probe::{
        environments::{self, Surroundings},
        passwd,
    },
    root::Root,
};
use gpucheck_checks::fact::Environment;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

/// Homes that are looked into, at most.
const MOST_HOMES: usize = 64;
/// Homes whose environments are looked for, at most.
const MOST_SEARCHED: usize = 8;
/// Names of a folder that are looked at, at most.
pub(super) const MOST_NAMES: usize = 256;
/// Prefixes that are looked into, at most.
const MOST_PREFIXES: usize = 128;
/// Where kernels of everybody are specified.
pub(super) const SHARED_KERNELS: [&str; 2] =
    ["/usr/local/share/jupyter/kernels", "/usr/share/jupyter/kernels"];

/// The places of a machine.
#[derive(Debug)]
pub(super) struct Places {
    /// Homes of people, and root's.
    pub(super) homes: Vec<String>,
    /// Python's environments.
    pub(super) environments: Vec<Environment>,
    /// Homes in which environments were not looked for.
    pub(super) not_searched: u32,
}

impl Places {
    /// Those of a machine with these accounts.
    pub(super) fn of(root: &Root, passwd: &str) -> Self {
        let (homes, mut left_out) = homes(root, passwd);
        let mut known = BTreeMap::new();
        let mut search = |surroundings: &Surroundings| {
            let found = environments::discover(root, surroundings).into_iter();
            known.extend(found.map(|environment| (environment.prefix.clone(), environment)));
        };
        if root.is_this_machine() {
            left_out += homes.len().saturating_sub(MOST_SEARCHED);
            for home in homes.iter().take(MOST_SEARCHED) {
                search(&Surroundings { home: Some(PathBuf::from(home)), ..Surroundings::default() });
            }
        } else {
            search(&Surroundings::default());
        }
        let environments = known.into_values().take(MOST_PREFIXES).collect();
        Self { homes, environments, not_searched: u32::try_from(left_out).unwrap_or(u32::MAX) }
    }

    /// Homes of people that may not be looked into. Root's is no person's.
    pub(super) fn closed(&self, root: &Root) -> Vec<String> {
        let homes = self.homes.iter().filter(|home| *home != "/root");
        homes.filter(|home| root.list_some(home, 1).is_err()).cloned().collect()
    }

    /// Each of these names in each home.
    pub(super) fn in_homes<'a>(&'a self, names: &'a [&'a str]) -> impl Iterator<Item = String> + 'a {
        self.homes.iter().flat_map(move |home| names.iter().map(move |name| format!("{home}/{name}")))
    }

    /// Each of these names in each environment.
    pub(super) fn in_prefixes<'a>(&'a self, names: &'a [&'a str]) -> impl Iterator<Item = String> + 'a {
        let prefixes = self.environments.iter().map(|environment| &environment.prefix);
        prefixes.flat_map(move |prefix| names.iter().map(move |name| format!("{prefix}/{name}")))
    }

    /// Folders of Jupyter's configuration.
    pub(super) fn jupyter_folders(&self) -> Vec<String> {
        let system = [
            "/etc/jupyter",
            "/usr/local/etc/jupyter",
            "/etc/jupyterhub",
            "/srv/jupyterhub",
            "/opt/jupyterhub/etc/jupyterhub",
        ];
        let mut folders: Vec<String> = system.map(str::to_owned).into();
        folders.extend(self.in_homes(&[".jupyter"]));
        folders.extend(self.in_prefixes(&["etc/jupyter"]));
        folders
    }
}

/// The homes, and how many are left out.
fn homes(root: &Root, passwd: &str) -> (Vec<String>, usize) {
    let mut homes: Vec<String> = passwd::people_and_root(root, passwd).map(|user| user.home).collect();
    // Users of a directory service are in no file here.
    homes.extend(root.some_names("/home", MOST_NAMES).into_iter().map(|name| format!("/home/{name}")));
    homes.push("/root".to_owned());
    homes.retain(|home| home.len() > 1 && root.is_folder(home));
    homes.sort();
    homes.dedup();
    let left_out = homes.len().saturating_sub(MOST_HOMES);
    homes.truncate(MOST_HOMES);
    (homes, left_out)
}

/// The files in a folder whose names end so, one level of folders below it too.
pub(super) fn files(root: &Root, folder: &str, ends: &[&str]) -> Vec<String> {
    let mut files = Vec::new();
    for name in root.some_names(folder, MOST_NAMES) {
        let path = format!("{folder}/{name}");
        if ends.iter().any(|end| name.ends_with(end)) && root.is_file(&path) {
            files.push(path);
        } else if name.strip_suffix(".d").is_some() {
            let inner = root.some_names(&path, MOST_NAMES).into_iter();
            files.extend(
                inner
                    .filter(|name| ends.iter().any(|end| name.ends_with(end)))
                    .map(|name| format!("{path}/{name}")),
            );
        }
    }
    files
}

/// systemd's own units of this machine, and the files that give them variables.
pub(super) fn services(root: &Root) -> Vec<String> {
    let units = files(root, "/etc/systemd/system", &[".service", ".conf"]);
    let variables = units.iter().filter_map(|unit| root.configuration(unit)).flat_map(|text| {
        let named = text.lines().filter_map(|line| line.trim().strip_prefix("EnvironmentFile="));
        named.map(|path| path.trim_start_matches('-').trim().to_owned()).collect::<Vec<_>>()
    });
    let variables: BTreeSet<String> = variables.filter(|path| path.starts_with('/')).collect();
    units.iter().cloned().chain(variables).collect()
}
