//! The folders in which the dynamic loader could find CUDA's libraries, and which of them lie there.
//!
//! Invariants: names are listed, no library is opened; folders and names are bounded.

use super::cuda_parts::toolkits;
use crate::root::{Root, is_conf};
use gpucheck_checks::fact::{LibraryFolder, LibraryPlace, Observed};
use std::{
    collections::BTreeSet,
    env,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
};

/// What the names of CUDA's libraries begin with, up to `.so`.
const STEMS: [&str; 17] = [
    "libcublas",
    "libcublasLt",
    "libcudart",
    "libcudnn",
    "libcufile",
    "libcufft",
    "libcupti",
    "libcurand",
    "libcusolver",
    "libcusparse",
    "libcusparseLt",
    "libnccl",
    "libnvJitLink",
    "libnvToolsExt",
    "libnvinfer",
    "libnvrtc",
    "libnvshmem_host",
];
/// The loader's own folders on x86-64, of Debian's kind and of Red Hat's.
const OWN: [&str; 6] =
    ["/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"];
/// Most folders that are looked into.
const MOST_FOLDERS: usize = 96;
/// Most names that are gone through in a folder; a full /usr/lib has some thousands.
const MOST_ENTRIES: usize = 32_768;
/// Most names that are kept of one.
const MOST_NAMES: usize = 64;

/// Where to look.
pub(super) struct Places<'a> {
    /// `LD_LIBRARY_PATH`.
    pub(super) library_path: Option<&'a OsStr>,
    /// Folders of packages with `nvidia-*` distributions.
    pub(super) sites: &'a [PathBuf],
    /// The prefix, where it is conda's.
    pub(super) prefix: Option<&'a Path>,
    pub(super) system: &'a Root,
}

/// The folders, roughly in the order of the loader.
pub(super) fn folders(places: &Places<'_>) -> Vec<LibraryFolder> {
    let named =
        env::split_paths(places.library_path.unwrap_or_default()).filter(|folder| folder.is_absolute());
    let mut candidates: Vec<(LibraryPlace, PathBuf)> =
        named.map(|folder| (LibraryPlace::LibraryPath, folder)).collect();
    for site in places.sites {
        let parts = super::survey::entries(&site.join("nvidia")).map(|part| part.join("lib"));
        let mut parts: Vec<_> = parts.filter(|part| part.is_dir()).collect();
        parts.sort();
        candidates.extend(parts.into_iter().map(|part| (LibraryPlace::Wheel, part)));
    }
    candidates.extend(places.prefix.map(|prefix| (LibraryPlace::Conda, prefix.join("lib"))));
    let mut known = BTreeSet::new();
    let here = candidates.into_iter().filter(|(_, path)| known.insert(path.clone())).take(MOST_FOLDERS);
    let mut found: Vec<_> = here.filter_map(|(place, path)| told(place, &path, list(&path))).collect();
    let system = places.system;
    for (place, path) in of_system(system) {
        let listed = system.list(&path).map(|names| cuda_libraries(names.into_iter()));
        found.extend(told(place, Path::new(&path), listed));
    }
    found
}

/// The loader's folders, then toolkits that it may not know.
fn of_system(system: &Root) -> Vec<(LibraryPlace, String)> {
    let mut folders: Vec<(LibraryPlace, String)> = Vec::new();
    let configured = configured(system).into_iter().chain(OWN.map(str::to_owned));
    let toolkits = toolkits(system).into_iter().map(|folder| format!("{folder}/lib64"));
    let all = configured
        .map(|path| (LibraryPlace::Loader, path))
        .chain(toolkits.map(|path| (LibraryPlace::Toolkit, path)));
    // One folder often has several names: /lib is a link to /usr/lib, /usr/local/cuda one to /usr/local/cuda-12.2.
    let mut known = BTreeSet::new();
    for (place, path) in all.take(MOST_FOLDERS) {
        if system.target(&path).is_ok_and(|target| known.insert(target)) {
            folders.push((place, path));
        }
    }
    folders
}

/// What the loader's configuration names.
fn configured(system: &Root) -> Vec<String> {
    let files = system.names("/etc/ld.so.conf.d").into_iter().filter(|name| is_conf(name));
    let files = files.take(64).map(|name| format!("/etc/ld.so.conf.d/{name}"));
    files
        .chain(["/etc/ld.so.conf".to_owned()])
        .filter_map(|file| system.text_of(&file))
        .flat_map(|text| text.lines().take(256).map(|line| line.trim().to_owned()).collect::<Vec<_>>())
        .filter(|line| line.starts_with('/'))
        .collect()
}

fn list(folder: &Path) -> io::Result<Vec<String>> {
    let entries = fs::read_dir(folder)?.flatten().take(MOST_ENTRIES);
    Ok(cuda_libraries(entries.map(|entry| entry.file_name().to_string_lossy().into_owned())))
}

/// Those that are CUDA's, sorted.
fn cuda_libraries(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = names.filter(|name| is_cuda_library(name)).collect();
    found.sort();
    found.truncate(MOST_NAMES);
    found
}

pub(super) fn is_cuda_library(name: &str) -> bool {
    let Some((stem, version)) = name.split_once(".so") else { return false };
    STEMS.contains(&stem) && version.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// A folder worth telling: with CUDA libraries, unreadable, or named by the user.
fn told(place: LibraryPlace, path: &Path, listed: io::Result<Vec<String>>) -> Option<LibraryFolder> {
    let named = place == LibraryPlace::LibraryPath;
    let files = match listed {
        Ok(files) if files.is_empty() && !named => return None,
        Ok(files) => Observed::Seen(files),
        Err(error) if error.kind() == io::ErrorKind::NotFound && !named => return None,
        Err(error) => {
            let code = error.raw_os_error().map_or(0, i64::from);
            Observed::refused("readdir", code, format!("{:?}", error.kind()), error.to_string())
        }
    };
    Some(LibraryFolder { place, path: path.to_string_lossy().into_owned(), files })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_libraries_by_their_whole_name_count() {
        for name in ["libcudart.so", "libcudart.so.11.0", "libcudnn.so.8.9.7", "libcublasLt.so.12"] {
            assert!(is_cuda_library(name), "{name}");
        }
        for name in [
            "libcuda.so.1",
            "libcudnn_ops_infer.so.8",
            "libcudart.so.bak",
            "libcudart_static.a",
            "libcudart.so.12\n",
        ] {
            assert!(!is_cuda_library(name), "{name}");
        }
    }
}
