//! Where `LD_LIBRARY_PATH` leads, as far as CUDA's libraries are concerned.
//!
//! Invariants: only names are looked at, nothing is loaded; of the shell's files no more is kept than that one of them
//! names such a folder.

use super::Environment;
use crate::root::Root;
use gpucheck_checks::fact::{CudaLibrary, LibraryFolder, LibraryPath};
use std::{env, ffi::OsStr};

/// CUDA's libraries that frameworks open.
const LIBRARIES: [&str; 12] = [
    "libcublas",
    "libcublasLt",
    "libcudart",
    "libcudnn",
    "libcufft",
    "libcupti",
    "libcurand",
    "libcusolver",
    "libcusparse",
    "libnccl",
    "libnvJitLink",
    "libnvrtc",
];
/// Most entries of the variable that are followed.
const MOST_FOLDERS: usize = 64;
/// Files by which shells set variables for everybody.
const PROFILES: [&str; 3] = ["/etc/environment", "/etc/profile", "/etc/bash.bashrc"];
/// Files by which they do for one user.
const OWN_PROFILES: [&str; 4] = [".bashrc", ".profile", ".bash_profile", ".zshrc"];

/// Looks where the variable leads.
pub(super) fn probe(root: &Root, environment: &Environment) -> LibraryPath {
    let mut folders = folders(root, &environment.library_path);
    if !folders.is_empty() {
        let texts = profiles(root, environment);
        for folder in &mut folders {
            let names_it = |text: &String| text.contains("LD_LIBRARY_PATH") && text.contains(&folder.path);
            folder.named_in =
                texts.iter().filter(|(_, text)| names_it(text)).map(|(path, _)| path.clone()).collect();
        }
    }
    LibraryPath { folders, without: cached(root) }
}

/// The folders of such a variable that hold some of CUDA's libraries.
pub(crate) fn folders(root: &Root, variable: &OsStr) -> Vec<LibraryFolder> {
    let mut found: Vec<LibraryFolder> = Vec::new();
    for folder in env::split_paths(variable).filter(|folder| folder.is_absolute()).take(MOST_FOLDERS) {
        let path = folder.to_string_lossy().trim_end_matches('/').to_owned();
        let libraries = libraries(root, &path);
        if !libraries.is_empty() && !found.iter().any(|known| known.path == path) {
            found.push(LibraryFolder { path, libraries, named_in: Vec::new() });
        }
    }
    found
}

fn libraries(root: &Root, folder: &str) -> Vec<CudaLibrary> {
    let names = root.names(folder).into_iter().filter(|name| is_soname(name));
    let library = |soname: String| {
        let target = root.target(&format!("{folder}/{soname}")).ok()?;
        let version = target.rsplit('/').next()?.split_once(".so.")?.1.to_owned();
        Some(CudaLibrary { version: (version.split('.').count() > 2).then_some(version), soname })
    };
    names.filter_map(library).collect()
}

/// `libcudart.so.12`, `libcudart.so.11.0`: the names that programs open, not the longer ones of the files behind.
fn is_soname(name: &str) -> bool {
    let Some((stem, version)) = name.split_once(".so.") else { return false };
    let parts: Vec<&str> = version.split('.').collect();
    LIBRARIES.contains(&stem)
        && parts.len() <= 2
        && parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
}

/// CUDA's libraries in the loader's cache, whose texts end with a zero each (glibc, `dl-cache.h`).
fn cached(root: &Root) -> Option<Vec<String>> {
    let cache = root.bytes("/etc/ld.so.cache", 4 << 20).ok()?;
    let names = cache.split(|byte| *byte == 0).filter_map(|name| std::str::from_utf8(name).ok());
    let mut names: Vec<String> = names.filter(|name| is_soname(name)).map(str::to_owned).collect();
    names.sort();
    names.dedup();
    Some(names)
}

/// Path and text of the files by which the shell may have got its variables.
fn profiles(root: &Root, environment: &Environment) -> Vec<(String, String)> {
    let mut paths: Vec<String> = PROFILES.map(str::to_owned).into();
    let mut scripts = vec!["/etc/profile.d".to_owned()];
    scripts.extend(
        environment.conda_prefix.iter().map(|prefix| format!("{}/etc/conda/activate.d", prefix.display())),
    );
    for folder in scripts {
        paths.extend(root.names(&folder).iter().take(256).map(|name| format!("{folder}/{name}")));
    }
    let home = environment.home.iter();
    paths.extend(home.flat_map(|home| OWN_PROFILES.map(|name| format!("{}/{name}", home.display()))));
    paths
        .into_iter()
        .filter_map(|path| Some((root.text_of(&path)?, path)))
        .map(|(text, path)| (path, text))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::symlink};

    #[test]
    fn versions_are_told_by_the_files_behind() {
        let tree = tempfile::tempdir().unwrap();
        let folder = tree.path().join("usr/local/cuda-12.1/lib64");
        fs::create_dir_all(&folder).unwrap();
        for name in
            ["libnvJitLink.so.12.1.105", "libcudnn.so.8", "libcudart.so.11.0", "libnvidia.so.1", "x.txt"]
        {
            fs::write(folder.join(name), "").unwrap();
        }
        symlink("libnvJitLink.so.12.1.105", folder.join("libnvJitLink.so.12")).unwrap();
        fs::create_dir_all(tree.path().join("etc/profile.d")).unwrap();
        let script = "export LD_LIBRARY_PATH=/usr/local/cuda-12.1/lib64:$LD_LIBRARY_PATH SECRET=1\n";
        fs::write(tree.path().join("etc/profile.d/cuda.sh"), script).unwrap();
        fs::write(tree.path().join("etc/profile.d/other.sh"), "export A=/usr/local/cuda-12.1/lib64\n")
            .unwrap();
        fs::write(
            tree.path().join("etc/ld.so.cache"),
            b"glibc-ld.so.cache1.1\0libcudart.so.12\0/usr/lib/libcudart.so.12\0libc.so.6\0",
        )
        .unwrap();
        let environment = Environment {
            library_path: "/usr/local/cuda-12.1/lib64/::lib:/nowhere:/usr/local/cuda-12.1/lib64".into(),
            ..Environment::default()
        };
        let found = probe(&Root::new(tree.path()), &environment);
        let library = |soname: &str, version: Option<&str>| CudaLibrary {
            soname: soname.to_owned(),
            version: version.map(str::to_owned),
        };
        assert_eq!(
            found.folders,
            [LibraryFolder {
                path: "/usr/local/cuda-12.1/lib64".to_owned(),
                libraries: vec![
                    library("libcudart.so.11.0", None),
                    library("libcudnn.so.8", None),
                    library("libnvJitLink.so.12", Some("12.1.105")),
                ],
                named_in: vec!["/etc/profile.d/cuda.sh".to_owned()],
            }]
        );
        assert_eq!(found.without, Some(vec!["libcudart.so.12".to_owned()]));
    }

    #[test]
    fn nothing_is_kept_where_nothing_is_set() {
        let found = probe(&Root::new("/nowhere"), &Environment::default());
        assert_eq!(found, LibraryPath::default());
    }
}
