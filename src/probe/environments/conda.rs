//! Where conda, mamba and their kin have environments; none of them is started.
//!
//! Source: <https://docs.conda.io/projects/conda/en/stable/user-guide/configuration/custom-env-and-pkg-locations.html>,
//! `conda/base/constants.py` (`SEARCH_PATH`), `conda/core/envs_manager.py` (`list_all_known_prefixes`);
//! microsoft/vscode-python, `conda.ts`, for where installations of conda lie.

use super::{
    Surroundings,
    search::{Hint, Search},
    text,
};
use crate::root::Root;
use gpucheck_checks::fact::EnvironmentKind;
use std::{collections::BTreeSet, env, ffi::OsStr, path::Path};

const DATA_SCIENCE_VM: Hint = Hint::of(EnvironmentKind::DataScienceVm, true);
/// Where Microsoft's Data Science VM has Anaconda: the first is a link to the second.
const OF_DATA_SCIENCE_VM: [&str; 2] = ["/anaconda", "/data/anaconda"];
/// Folders that installations of conda lie in; below a home there are two more.
const PARENTS: [&str; 3] = ["/opt", "/usr/share", "/usr/local/share"];
/// Folders of environments in a home that no setting names.
const OWN_FOLDERS: [&str; 3] = [".conda/envs", "micromamba/envs", ".local/share/mamba/envs"];
/// Most lines of `environments.txt` and of a `.condarc` that are read.
const MOST_LINES: usize = 1024;

/// Takes in conda's own prefixes, then the environments of each, then those that its settings and its list name.
pub(super) fn all(search: &mut Search<'_>, surroundings: &Surroundings, homes: &[String]) {
    for base in OF_DATA_SCIENCE_VM {
        search.prefix(base, DATA_SCIENCE_VM);
        search.each_in(&format!("{base}/envs"), DATA_SCIENCE_VM);
    }
    let bases = bases(search, surroundings, homes);
    for base in &bases {
        search.prefix(base, Hint::NONE);
    }
    for home in homes {
        for prefix in listed(search.root, home) {
            search.prefix(&prefix, Hint::NONE);
        }
    }
    let known = search.condas();
    let mut folders: Vec<String> = surroundings.conda_environments.iter().map(|path| text(path)).collect();
    folders.extend(homes.iter().flat_map(|home| OWN_FOLDERS.map(|own| format!("{home}/{own}"))));
    folders.extend(bases.iter().chain(&known).map(|base| format!("{base}/envs")));
    folders.extend(of_settings(search.root, homes, &known));
    let mut seen = BTreeSet::new();
    for folder in folders {
        if seen.insert(folder.clone()) {
            search.each_in(&folder, Hint::NONE);
        }
    }
}

/// Prefixes that may be conda's own.
fn bases(search: &mut Search<'_>, surroundings: &Surroundings, homes: &[String]) -> Vec<String> {
    let mut bases: Vec<String> = surroundings.conda.iter().map(|path| text(path)).collect();
    // An environment in BASE/envs, and BASE/condabin on the path.
    for prefix in surroundings.active.iter().chain(&surroundings.further) {
        if prefix.parent().and_then(Path::file_name) == Some(OsStr::new("envs")) {
            bases.extend(prefix.ancestors().nth(2).map(text));
        }
    }
    let on_path = env::split_paths(&surroundings.path).take(64).filter(|folder| folder.is_absolute());
    bases.extend(on_path.filter_map(|folder| {
        let is_its = folder.ends_with("condabin") || search.root.exists(&text(&folder.join("conda")));
        is_its.then(|| folder.parent().map(text))?
    }));
    let in_homes = homes.iter().flat_map(|home| [home.clone(), format!("{home}/opt")]);
    for parent in PARENTS.map(str::to_owned).into_iter().chain(in_homes) {
        let names = search.names(&parent).into_iter().filter(|name| is_condas(name));
        bases.extend(names.map(|name| format!("{parent}/{name}")));
    }
    bases
}

/// `miniconda3`, `anaconda3`, `conda`, `miniforge3`, `mambaforge`, `micromamba`, ...
fn is_condas(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !name.starts_with('.') && ["conda", "mamba", "miniforge"].iter().any(|part| name.contains(part))
}

/// `~/.conda/environments.txt`, to which conda adds each environment that it makes.
fn listed(root: &Root, home: &str) -> Vec<String> {
    let text = root.configuration(&format!("{home}/.conda/environments.txt")).unwrap_or_default();
    let lines = text.lines().take(MOST_LINES).map(str::trim).filter(|line| line.starts_with('/'));
    lines.map(str::to_owned).collect()
}

/// What settings name in `envs_dirs`, of old `envs_path`.
fn of_settings(root: &Root, homes: &[String], prefixes: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let system = ["/etc/conda", "/var/lib/conda"].map(str::to_owned);
    for folder in system.iter().chain(prefixes) {
        for file in [".condarc", "condarc"] {
            found.extend(folders_of(root, &format!("{folder}/{file}"), None));
        }
    }
    for home in homes {
        for file in [".condarc", ".conda/.condarc", ".conda/condarc", ".config/conda/.condarc", ".mambarc"] {
            found.extend(folders_of(root, &format!("{home}/{file}"), Some(home)));
        }
        // `~` in the system's settings is whose home it is that asks.
        let system = system
            .iter()
            .chain(prefixes)
            .flat_map(|folder| [".condarc", "condarc"].map(|file| (folder, file)));
        for (folder, file) in system {
            found.extend(folders_of(root, &format!("{folder}/{file}"), Some(home)));
        }
    }
    found
}

fn folders_of(root: &Root, file: &str, home: Option<&str>) -> Vec<String> {
    let text = root.configuration(file).unwrap_or_default();
    environments_in(&text).filter_map(|folder| expanded(folder, home)).collect()
}

/// The values of the two settings, of the YAML that people write there: a list in lines, or in brackets.
fn environments_in(text: &str) -> impl Iterator<Item = &str> {
    let mut within = false;
    let lines = text.lines().take(MOST_LINES).flat_map(move |line| {
        let line = line.split(" #").next().unwrap_or_default().trim_end();
        let is_item = line.trim_start().starts_with("- ");
        let mut values = "";
        if let Some((name, value)) =
            line.split_once(':').filter(|_| !is_item && !line.starts_with([' ', '\t']))
        {
            within = ["envs_dirs", "envs_path"].contains(&name.trim());
            values = if within { value.trim().trim_matches(['[', ']']) } else { "" };
        } else if within && is_item {
            values = line.trim_start().trim_start_matches("- ");
        }
        values.split(',')
    });
    lines.map(|value| value.trim().trim_matches(['"', '\''])).filter(|value| !value.is_empty())
}

/// An absolute path, or one below a home.
fn expanded(folder: &str, home: Option<&str>) -> Option<String> {
    let below = ["~/", "$HOME/", "${HOME}/"].iter().find_map(|start| folder.strip_prefix(start));
    match below {
        Some(below) => home.map(|home| format!("{home}/{below}")),
        None => folder.starts_with('/').then(|| folder.trim_end_matches('/').to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folders_of_environments_in_the_settings() {
        // The example of conda's own documentation, "Specify environment directories", and the other ways to write it.
        let documented = "channels:\n  - defaults\nenvs_dirs:\n  - ~/my-envs\n  - /opt/anaconda/envs\nauto_update_conda: false\n";
        let found: Vec<&str> = environments_in(documented).collect();
        assert_eq!(found, ["~/my-envs", "/opt/anaconda/envs"]);
        let others =
            "envs_path: ['/a', \"/b c\"] # of old\nenvs_dirs:\n- /c\n\n- /d\npkgs_dirs:\n- /e\n - /f\n";
        let found: Vec<&str> = environments_in(others).collect();
        assert_eq!(found, ["/a", "/b c", "/c", "/d"]);
        for text in ["", ":", "envs_dirs", "envs_dirs:", "- /x", "envs_dirs: []", "envs_dirs: \u{0}"] {
            let found: Vec<&str> = environments_in(text).filter(|value| value.starts_with('/')).collect();
            assert!(found.is_empty(), "{text}");
        }
        assert_eq!(expanded("~/my-envs", Some("/home/kim")).as_deref(), Some("/home/kim/my-envs"));
        assert_eq!(expanded("$HOME/x", None), None);
        assert_eq!(expanded("relative", Some("/home/kim")), None);
    }
}
