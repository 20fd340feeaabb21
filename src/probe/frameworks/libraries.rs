//! The folders in which the dynamic loader could find CUDA's libraries, and which of them lie there.
//!
//! Invariants: names are listed, no library is opened; folders and names are bounded.

use super::cuda_parts::toolkits;
use crate::root::{Root, is_conf};
use gpucheck_checks::fact::{LibraryFolder, LibraryPlace, Observed};
use std::{collections::BTreeSet, env, ffi::OsStr, io};

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
    pub(super) sites: &'a [String],
    /// The prefix, where it is conda's.
    pub(super) prefix: Option<&'a str>,
    /// Where those lie.
    pub(super) root: &'a Root,
    pub(super) system: &'a Root,
}

/// The folders, roughly in the order of the loader.
pub(super) fn folders(places: &Places<'_>) -> Vec<LibraryFolder> {
    let root = places.root;
    let named =
        env::split_paths(places.library_path.unwrap_or_default()).filter(|folder| folder.is_absolute());
    let mut candidates: Vec<(LibraryPlace, String)> =
        named.map(|folder| (LibraryPlace::LibraryPath, folder.to_string_lossy().into_owned())).collect();
    for site in places.sites {
        let parts = root.some_names(&format!("{site}/nvidia"), MOST_FOLDERS).into_iter();
        let parts = parts.map(|part| format!("{site}/nvidia/{part}/lib")).filter(|part| root.is_folder(part));
        candidates.extend(parts.map(|part| (LibraryPlace::Wheel, part)));
    }
    candidates.extend(places.prefix.map(|prefix| (LibraryPlace::Conda, format!("{prefix}/lib"))));
    let mut known = BTreeSet::new();
    let here = candidates.into_iter().filter(|(_, path)| known.insert(path.clone())).take(MOST_FOLDERS);
    let mut found: Vec<_> =
        here.filter_map(|(place, path)| told(place, &path, cuda_libraries(root, &path))).collect();
    let system = places.system;
    for (place, path) in of_system(system) {
        found.extend(told(place, &path, cuda_libraries(system, &path)));
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

/// Those of a folder, sorted.
fn cuda_libraries(root: &Root, folder: &str) -> io::Result<Vec<String>> {
    let names = root.list_some(folder, MOST_ENTRIES)?.into_iter();
    Ok(names.filter(|name| is_cuda_library(name)).take(MOST_NAMES).collect())
}

pub(super) fn is_cuda_library(name: &str) -> bool {
    let Some((stem, version)) = name.split_once(".so") else { return false };
    STEMS.contains(&stem) && version.chars().all(|c| c.is_ascii_digit() || c == '.')
}

/// A folder worth telling: with CUDA libraries, unreadable, or named by the user.
fn told(place: LibraryPlace, path: &str, listed: io::Result<Vec<String>>) -> Option<LibraryFolder> {
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
    Some(LibraryFolder { place, path: path.to_owned(), files })
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
