//! The environment of a kernel, by its files.
//!
//! Source: <https://docs.python.org/3/library/site.html>, <https://docs.python.org/3/library/venv.html>

use super::{Environment, places::homes, program::prefix_of};
use crate::{probe::frameworks, root::Root};
use gpucheck_checks::fact::KernelEnvironment;

/// The environment of the Python at this path; `moved` where `PYTHONPATH` adds to it.
pub(super) fn of(
    root: &Root,
    surroundings: &Environment,
    program: &str,
    moved: bool,
) -> Option<KernelEnvironment> {
    let prefix = prefix_of(program)?;
    let configuration = root.text_of(&format!("{prefix}/pyvenv.cfg"));
    let version = version(root, program);
    let mut folders = packages(root, &prefix, version.as_deref());
    if configuration.is_none() {
        // The packages of a person's own count outside virtual environments.
        for home in homes(root, surroundings) {
            let local = format!("{}/.local", home.display());
            folders.extend(packages(root, &local, version.as_deref()));
        }
    }
    let untold = if moved {
        Some("its PYTHONPATH adds to it".to_owned())
    } else if configuration.is_some_and(|text| takes_systems_packages(&text)) {
        Some("it takes the system's packages as well".to_owned())
    } else if folders.is_empty() {
        Some(format!("no folder of packages below {prefix}"))
    } else {
        None
    };
    let (tensorflow, tensorflow_has_cuda) = frameworks::tensorflow_in(root, &folders);
    Some(KernelEnvironment {
        packages: frameworks::packages::on(root, &folders, Some(&prefix)),
        prefix,
        untold,
        tensorflow,
        tensorflow_has_cuda,
    })
}

/// The name of the interpreter's own version, such as `python3.11`, by the file that links lead to.
fn version(root: &Root, program: &str) -> Option<String> {
    let target = root.target(program).ok()?;
    let name = target.rsplit('/').next()?;
    name.strip_prefix("python3.")
        .is_some_and(|minor| minor.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| name.to_owned())
}

/// The folders of packages of a prefix, for this version or where that is not told for all.
fn packages(root: &Root, prefix: &str, version: Option<&str>) -> Vec<String> {
    let mut bases = vec![prefix.to_owned()];
    if prefix == "/usr" {
        // Debian's Python installs here.
        bases.insert(0, "/usr/local".to_owned());
    }
    let mut folders: Vec<String> = Vec::new();
    for lib in bases.iter().flat_map(|base| ["lib", "lib64"].map(|name| format!("{base}/{name}"))) {
        let is_wanted = |name: &String| match version {
            Some(version) => name == version || name == "python3",
            None => name.starts_with("python3"),
        };
        for python in root.names(&lib).into_iter().filter(is_wanted) {
            folders.extend(["site-packages", "dist-packages"].map(|name| format!("{lib}/{python}/{name}")));
        }
    }
    folders.retain(|folder| root.list(folder).is_ok());
    folders
}

fn takes_systems_packages(configuration: &str) -> bool {
    let settings = configuration.lines().filter_map(|line| line.split_once('='));
    settings.into_iter().any(|(name, value)| {
        name.trim() == "include-system-site-packages" && value.trim().eq_ignore_ascii_case("true")
    })
}
