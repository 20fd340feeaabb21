//! The files by which a shell may have got its `LD_LIBRARY_PATH`.
//!
//! Invariant: of such a file no more is kept than that it names the variable.

use super::Environment;
use crate::root::Root;

/// Files that set variables for everybody.
const PROFILES: [&str; 3] = ["/etc/environment", "/etc/profile", "/etc/bash.bashrc"];
/// Files that do for one user.
const OWN_PROFILES: [&str; 4] = [".bashrc", ".profile", ".bash_profile", ".zshrc"];
/// Most scripts of a folder that are read.
const MOST_SCRIPTS: usize = 256;

/// The files that name the variable.
pub(super) fn setting_library_path(root: &Root, environment: &Environment) -> Vec<String> {
    let mut paths: Vec<String> = PROFILES.map(str::to_owned).into();
    let mut scripts = vec!["/etc/profile.d".to_owned()];
    let conda = environment.conda_prefix.iter();
    scripts.extend(conda.map(|prefix| format!("{}/etc/conda/activate.d", prefix.display())));
    for folder in scripts {
        paths.extend(root.names(&folder).iter().take(MOST_SCRIPTS).map(|name| format!("{folder}/{name}")));
    }
    let home = environment.home.iter();
    paths.extend(home.flat_map(|home| OWN_PROFILES.map(|name| format!("{}/{name}", home.display()))));
    paths.retain(|path| root.text_of(path).is_some_and(|text| text.contains("LD_LIBRARY_PATH")));
    paths
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn the_files_that_name_the_variable_are_told() {
        let tree = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("etc/profile.d/cuda.sh", "export LD_LIBRARY_PATH=/usr/local/cuda-12.1/lib64 SECRET=1\n"),
            ("etc/profile.d/other.sh", "export A=1\n"),
            (
                "opt/conda/envs/tf/etc/conda/activate.d/env_vars.sh",
                "export LD_LIBRARY_PATH=$CONDA_PREFIX/lib\n",
            ),
            ("home/kim/.bashrc", "# LD_LIBRARY_PATH\n"),
            ("home/lee/.bashrc", "LD_LIBRARY_PATH=\n"),
        ] {
            let path = tree.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let environment = Environment {
            conda_prefix: Some("/opt/conda/envs/tf".into()),
            home: Some("/home/kim".into()),
            ..Environment::default()
        };
        assert_eq!(
            setting_library_path(&Root::new(tree.path()), &environment),
            [
                "/etc/profile.d/cuda.sh",
                "/opt/conda/envs/tf/etc/conda/activate.d/env_vars.sh",
                "/home/kim/.bashrc"
            ]
        );
        assert!(setting_library_path(&Root::new("/nowhere"), &Environment::default()).is_empty());
    }
}
