//! What tools keep in a home.

use super::search::{Hint, Search};
use gpucheck_checks::fact::EnvironmentKind;

/// Most homes of another machine that are looked into.
pub(super) const MOST: usize = 256;
/// Folders of environments, and whether Visual Studio Code looks into them.
const FOLDERS: [(&str, Hint); 11] = [
    (".virtualenvs", Hint::VSCODE),
    (".venvs", Hint::VSCODE),
    ("envs", Hint::VSCODE),
    ("Envs", Hint::VSCODE),
    (".direnv", Hint::VSCODE),
    ("venvs", Hint::NONE),
    (".local/share/virtualenvs", Hint::of(EnvironmentKind::Pipenv, true)),
    (".cache/pypoetry/virtualenvs", Hint::of(EnvironmentKind::Poetry, false)),
    (".local/share/pdm/venvs", Hint::NONE),
    (".pyenv/versions", Hint::of(EnvironmentKind::Pyenv, true)),
    (".local/share/uv/python", Hint::of(EnvironmentKind::Uv, false)),
];
/// Where Hatch has a folder for each project, in that one or two levels of them.
const HATCH: &str = ".local/share/hatch/env/virtual";

/// Takes in what lies in a home and one level below it.
pub(super) fn all(search: &mut Search<'_>, home: &str) {
    for (folder, hint) in FOLDERS {
        search.each_in(&format!("{home}/{folder}"), hint);
    }
    let names = search.names(home);
    for name in names.iter().filter(|name| is_environments(name)) {
        search.prefix(&format!("{home}/{name}"), Hint::NONE);
    }
    hatch(search, &format!("{home}/{HATCH}"));
    for name in names.iter().filter(|name| !name.starts_with('.')) {
        for own in [".venv", "venv"] {
            search.prefix(&format!("{home}/{name}/{own}"), Hint::NONE);
        }
    }
}

/// Names that people give to an environment in their home.
fn is_environments(name: &str) -> bool {
    ["venv", ".venv", "env", ".env", "virtualenv", "tf", "tensorflow", "torch", "pytorch", "jupyter"]
        .iter()
        .any(|start| name.to_ascii_lowercase().starts_with(start))
}

/// `PROJECT/ENVIRONMENT`, and as of late `PROJECT/HASH/ENVIRONMENT`.
fn hatch(search: &mut Search<'_>, folder: &str) {
    let hint = Hint::of(EnvironmentKind::Hatch, false);
    for project in search.names(folder) {
        for inner in search.names(&format!("{folder}/{project}")) {
            let inner = format!("{folder}/{project}/{inner}");
            if !search.prefix(&inner, hint) {
                search.each_in(&inner, hint);
            }
        }
    }
}
