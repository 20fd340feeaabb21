//! The places in which environments lie.
//!
//! Source for what Visual Studio Code offers: microsoft/vscode-python, `src/client/pythonEnvironments/base/locators`
//! (`globalVirtualEnvronmentLocator.ts`, `workspaceVirtualEnvLocator.ts`, `posixKnownPathsLocator.ts`).

use super::{
    Surroundings, conda, homes,
    search::{Hint, Search, is_python},
    text, workspaces,
};
use gpucheck_checks::fact::EnvironmentKind;
use std::{env, path::Path};

/// Where classroom images put a server, and which kind that is.
const OF_IMAGES: [(&str, Hint); 4] = [
    ("/opt/tljh/user", Hint::of(EnvironmentKind::Tljh, false)),
    ("/opt/tljh/hub", Hint::of(EnvironmentKind::Tljh, false)),
    ("/opt/jupyterhub", Hint::NONE),
    ("/opt/venv", Hint::NONE),
];
/// Where images of containers put an environment.
const OF_CONTAINERS: [&str; 6] = ["/venv", "/.venv", "/env", "/app/.venv", "/app/venv", "/workspace/.venv"];
/// Folders in which whoever makes an image puts environments, in themselves or one below.
const OF_BAKERS: [&str; 3] = ["/opt", "/srv", "/usr/local"];
/// Folders above the working directory that are looked into.
const MOST_PARENTS: usize = 16;
/// Folders of the system's Pythons.
const OF_SYSTEM: [&str; 2] = ["/usr/bin", "/usr/local/bin"];

/// Takes in everything, first what is active.
pub(super) fn all(search: &mut Search<'_>, surroundings: &Surroundings) {
    for prefix in surroundings.active.iter().chain(&surroundings.further) {
        search.prefix(&text(prefix), Hint::NONE);
    }
    working_directory(search, surroundings);
    let homes = surroundings.homes(search.root);
    workspaces::all(search, surroundings, &homes);
    // Some of these are conda's, whose environments lie below them.
    for (prefix, hint) in OF_IMAGES {
        search.prefix(prefix, hint);
    }
    conda::all(search, surroundings, &homes);
    for home in &homes {
        homes::all(search, home);
    }
    of_variables(search, surroundings);
    for name in search.names("/opt").into_iter().filter(|name| name.starts_with("python")) {
        search.prefix(&format!("/opt/{name}"), Hint::NONE);
        // As the images of some clouds keep them: /opt/python/3.11.7.
        search.each_in(&format!("/opt/{name}"), Hint::NONE);
    }
    if !search.root.is_this_machine() && surroundings.home.is_none() {
        of_an_image(search);
    }
    of_system(search, surroundings);
}

/// Of an image nobody is there to say where environments lie.
fn of_an_image(search: &mut Search<'_>) {
    for prefix in OF_CONTAINERS {
        search.prefix(prefix, Hint::NONE);
    }
    for folder in OF_BAKERS {
        for name in search.names(folder) {
            let below = format!("{folder}/{name}");
            if !search.prefix(&below, Hint::NONE) {
                search.each_in(&below, Hint::NONE);
            }
        }
    }
}

/// `.venv` and `venv` in the working directory and above it, up to the home.
fn working_directory(search: &mut Search<'_>, surroundings: &Surroundings) {
    let Some(here) = &surroundings.working_directory else { return };
    let home = surroundings.home.as_deref();
    for folder in here.ancestors().take(MOST_PARENTS) {
        for name in [".venv", "venv", "env"] {
            let is_workspace = folder == here;
            search.prefix(&text(&folder.join(name)), Hint { kind: None, vscode: is_workspace });
        }
        if Some(folder) == home {
            break;
        }
    }
}

fn of_variables(search: &mut Search<'_>, surroundings: &Surroundings) {
    let folders = [
        (&surroundings.workon, Hint::VSCODE, ""),
        (&surroundings.pyenv, Hint::of(EnvironmentKind::Pyenv, true), "versions"),
        (&surroundings.uv, Hint::of(EnvironmentKind::Uv, false), ""),
    ];
    for (folder, hint, below) in folders {
        if let Some(folder) = folder {
            search.each_in(text(&folder.join(below)).trim_end_matches('/'), hint);
        }
    }
}

/// `python3.11` and the like; where there is none such, `python3`.
fn of_system(search: &mut Search<'_>, surroundings: &Surroundings) {
    for folder in OF_SYSTEM {
        // There are thousands of programs beside them.
        let names = search.root.names(folder);
        for name in names.iter().filter(|name| is_python(name)) {
            search.system(&format!("{folder}/{name}"));
        }
    }
    let folders = env::split_paths(&surroundings.path).take(64).filter(|folder| is_of_system(folder));
    for folder in folders {
        search.system(&text(&folder.join("python3")));
    }
}

fn is_of_system(folder: &Path) -> bool {
    OF_SYSTEM.iter().any(|known| folder == Path::new(known))
}
