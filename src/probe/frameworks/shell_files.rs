//! The files by which a shell, a conda environment or Jupyter's services may have got a variable.
//!
//! Invariants: of such a file no more is kept than that it sets the variable; files and folders are bounded.

use super::Environment;
use crate::root::Root;

/// Files that set variables for everybody.
const PROFILES: [&str; 3] = ["/etc/environment", "/etc/profile", "/etc/bash.bashrc"];
/// Files that do for one user.
const OWN_PROFILES: [&str; 4] = [".bashrc", ".profile", ".bash_profile", ".zshrc"];
/// Folder of what IPython runs in each of a user's notebooks.
const STARTUP: &str = ".ipython/profile_default/startup";
/// Folder of the system's services.
const SERVICES: &str = "/etc/systemd/system";
/// Most scripts of a folder that are read.
const MOST_SCRIPTS: usize = 256;

/// The files that set `LD_LIBRARY_PATH`, as far as it can have a part in what a shell starts.
pub(super) fn setting_library_path(root: &Root, environment: &Environment) -> Vec<String> {
    let mut paths = profiles(root, environment);
    paths.retain(|path| sets(root, path, "LD_LIBRARY_PATH"));
    paths
}

/// The files that set `CUDA_VISIBLE_DEVICES`, for a shell or for notebooks.
pub(super) fn setting_visible_devices(root: &Root, environment: &Environment) -> Vec<String> {
    let mut paths = profiles(root, environment);
    if let Some(prefix) = &environment.conda_prefix {
        // `conda env config vars set` writes here, packages there.
        paths.push(format!("{}/conda-meta/state", prefix.display()));
        paths.extend(scripts(root, &format!("{}/etc/conda/env_vars.d", prefix.display())));
    }
    paths.extend(
        environment.home.iter().flat_map(|home| scripts(root, &format!("{}/{STARTUP}", home.display()))),
    );
    let services = scripts(root, SERVICES).into_iter().filter(|path| path.contains("jupyter"));
    for service in services {
        // jupyterhub.service.d is a folder of additions to it.
        let additions = scripts(root, &service);
        if additions.is_empty() { paths.push(service) } else { paths.extend(additions) }
    }
    paths.retain(|path| sets(root, path, "CUDA_VISIBLE_DEVICES"));
    paths
}

/// What shells read when they start, and what `conda activate` runs.
/// A script or a setting by which conda's activation of this environment sets `LD_LIBRARY_PATH`.
pub(super) fn activating_libraries(root: &Root, prefix: &str) -> Option<String> {
    let scripts = scripts(root, &format!("{prefix}/etc/conda/activate.d")).into_iter();
    let state = format!("{prefix}/conda-meta/state");
    scripts.chain([state]).find(|path| {
        sets(root, path, "LD_LIBRARY_PATH")
            || (path.ends_with("/state")
                && root.configuration(path).is_some_and(|text| text.contains("\"LD_LIBRARY_PATH\"")))
    })
}

fn profiles(root: &Root, environment: &Environment) -> Vec<String> {
    let mut paths: Vec<String> = PROFILES.map(str::to_owned).into();
    paths.extend(scripts(root, "/etc/profile.d"));
    let conda = environment.conda_prefix.iter();
    paths.extend(
        conda.flat_map(|prefix| scripts(root, &format!("{}/etc/conda/activate.d", prefix.display()))),
    );
    let home = environment.home.iter();
    paths.extend(home.flat_map(|home| OWN_PROFILES.map(|name| format!("{}/{name}", home.display()))));
    paths
}

fn scripts(root: &Root, folder: &str) -> Vec<String> {
    root.names(folder).iter().take(MOST_SCRIPTS).map(|name| format!("{folder}/{name}")).collect()
}

/// Whether a line of the file sets the variable: it names it, and does more than reading it or taking it away.
fn sets(root: &Root, path: &str, variable: &str) -> bool {
    root.configuration(path).is_some_and(|text| text.lines().any(|line| is_setting(line.trim(), variable)))
}

fn is_setting(line: &str, variable: &str) -> bool {
    if line.starts_with('#') || line.starts_with("unset ") {
        return false;
    }
    line.match_indices(variable).any(|(at, _)| {
        let before = line.get(..at).unwrap_or_default();
        !before.ends_with(['$', '{', '_']) && !before.ends_with(|c: char| c.is_ascii_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Environment) {
        let tree = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = tree.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let environment = Environment {
            conda_prefix: Some("/opt/conda/envs/tf".into()),
            home: Some("/home/kim".into()),
            ..Environment::default()
        };
        (tree, environment)
    }

    #[test]
    fn the_files_that_set_the_library_path_are_told() {
        let (tree, environment) = tree(&[
            ("etc/profile.d/cuda.sh", "export LD_LIBRARY_PATH=/usr/local/cuda-12.1/lib64 SECRET=1\n"),
            ("etc/profile.d/other.sh", "export A=1\n"),
            (
                "opt/conda/envs/tf/etc/conda/activate.d/env_vars.sh",
                "export LD_LIBRARY_PATH=$CONDA_PREFIX/lib\n",
            ),
            ("home/kim/.bashrc", "# LD_LIBRARY_PATH=/old\n"),
            ("home/kim/.profile", "PATH=/x; LD_LIBRARY_PATH=/y:$LD_LIBRARY_PATH\n"),
            ("home/lee/.bashrc", "LD_LIBRARY_PATH=\n"),
        ]);
        assert_eq!(
            setting_library_path(&Root::new(tree.path()), &environment),
            [
                "/etc/profile.d/cuda.sh",
                "/opt/conda/envs/tf/etc/conda/activate.d/env_vars.sh",
                "/home/kim/.profile"
            ]
        );
        assert!(setting_library_path(&Root::new("/nowhere"), &Environment::default()).is_empty());
    }

    /// The forms are those of conda's manual, of IPython's startup files and of systemd's.
    #[test]
    fn the_files_that_set_the_visible_devices_are_told() {
        let (tree, environment) = tree(&[
            ("etc/environment", "CUDA_VISIBLE_DEVICES=-1\n"),
            (
                "opt/conda/envs/tf/conda-meta/state",
                "{\"version\": 1, \"env_vars\": {\"CUDA_VISIBLE_DEVICES\": \"-1\"}}",
            ),
            ("opt/conda/envs/tf/etc/conda/env_vars.d/a.json", "{\"NV_CUDA_VISIBLE_DEVICES\": \"\"}"),
            (
                "home/kim/.ipython/profile_default/startup/00-cpu.py",
                "import os\nos.environ['CUDA_VISIBLE_DEVICES'] = ''\n",
            ),
            ("home/kim/.bashrc", "echo $CUDA_VISIBLE_DEVICES ${CUDA_VISIBLE_DEVICES}\n"),
            ("home/kim/.profile", "unset CUDA_VISIBLE_DEVICES\n"),
            (
                "etc/systemd/system/jupyterhub.service.d/cpu.conf",
                "[Service]\nEnvironment=CUDA_VISIBLE_DEVICES=\n",
            ),
            ("etc/systemd/system/other.service", "Environment=CUDA_VISIBLE_DEVICES=\n"),
        ]);
        assert_eq!(
            setting_visible_devices(&Root::new(tree.path()), &environment),
            [
                "/etc/environment",
                "/opt/conda/envs/tf/conda-meta/state",
                "/home/kim/.ipython/profile_default/startup/00-cpu.py",
                "/etc/systemd/system/jupyterhub.service.d/cpu.conf",
            ]
        );
    }
}
