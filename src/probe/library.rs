//! Opening a foreign library and saying which file that was.
//!
//! Invariants: to be called in a worker only; the loader's own words are kept; a library that is not there and
//! one that is there and cannot be loaded have different names; nothing is ever closed, for what driver libraries
//! do when they are unloaded must not cost the answer.

use gpucheck_checks::fact::ProbeFailure;
use libloading::os::unix;
use serde::{Deserialize, Serialize};
use std::{
    ffi::{CStr, OsStr, OsString},
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
};

/// Name of the refusal where no file of that name is to be found.
pub const NOT_FOUND: &str = "not found";
/// Name of the refusal where a file is there, and the loader does not take it.
pub const NOT_LOADABLE: &str = "not loadable";

/// Where a library is looked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Search {
    /// Wherever the loader finds it, as every CUDA program does.
    Loader,
    /// In these directories only; the first that has the file decides.
    Directories(Vec<PathBuf>),
}

impl Search {
    /// What a worker's environment needs, so that what the library loads in its turn comes from the same place.
    pub fn environment(&self) -> Vec<(&'static str, Option<OsString>)> {
        match self {
            Self::Loader => Vec::new(),
            Self::Directories(directories) => {
                let joined = directories.iter().map(|one| one.as_os_str()).collect::<Vec<_>>();
                vec![("LD_LIBRARY_PATH", Some(joined.join(OsStr::new(":"))))]
            }
        }
    }
}

/// An open library.
#[derive(Debug)]
pub struct Opened {
    /// The library, for as long as the process lives.
    pub library: &'static libloading::Library,
    /// The file that the loader took, symbolic links resolved.
    pub path: String,
}

/// Opens the library that calls itself `soname`. The refusal's step is `dlopen SONAME`, its code 0, its name
/// [`NOT_FOUND`] or [`NOT_LOADABLE`], its message what the loader says.
pub fn open(soname: &str, search: &Search) -> Result<Opened, ProbeFailure> {
    let refused = |name: &str, message: String| ProbeFailure::Refused {
        step: format!("dlopen {soname}"),
        code: 0,
        name: name.to_owned(),
        message,
    };
    let file = match search {
        Search::Loader => PathBuf::from(soname),
        Search::Directories(directories) => directories
            .iter()
            .map(|directory| directory.join(soname))
            .find(|file| file.exists())
            .ok_or_else(|| refused(NOT_FOUND, format!("no {soname} in {}", list(directories))))?,
    };
    // SAFETY: a foreign library's constructors may do anything, which is why this runs in a worker; RTLD_LOCAL
    // keeps its symbols away from ours.
    let library = unsafe { unix::Library::open(Some(&file), unix::RTLD_NOW | unix::RTLD_LOCAL) }
        .map_err(|error| words(&error))
        .map_err(|message| {
            refused(if is_absent(&message, soname) { NOT_FOUND } else { NOT_LOADABLE }, message)
        })?;
    let (library, path) = locate(library);
    let path = path.unwrap_or(file);
    let path = path.canonicalize().unwrap_or(path);
    let library = Box::leak(Box::new(library.into()));
    Ok(Opened { library, path: path.to_string_lossy().into_owned() })
}

/// What glibc says after the name of a file that is nowhere; this program leaves its locale at C.
const NO_SUCH_FILE: &str = ": cannot open shared object file: No such file or directory";

/// The loader did not find the library itself. Where one that it needs is absent, the text names that one.
fn is_absent(message: &str, soname: &str) -> bool {
    message.strip_prefix(soname).is_some_and(|rest| rest.starts_with(NO_SUCH_FILE))
}

fn list(directories: &[PathBuf]) -> String {
    directories.iter().map(|one| one.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// The error and what caused it; the loader's own text is the cause.
fn words(error: &libloading::Error) -> String {
    let source = std::error::Error::source(error).map(ToString::to_string);
    source.unwrap_or_else(|| error.to_string())
}

/// The file behind an open library, as the loader's link map has it.
fn locate(library: unix::Library) -> (unix::Library, Option<PathBuf>) {
    let handle = library.into_raw();
    let mut map: *const LinkMap = std::ptr::null();
    // SAFETY: the handle is open; RTLD_DI_LINKMAP stores one pointer at the address given. The map and the
    // text it points to live as long as the handle, and both are read before anything is closed.
    let path = unsafe {
        let told = libc::dlinfo(handle, libc::RTLD_DI_LINKMAP, (&raw mut map).cast());
        (told == 0 && !map.is_null() && !(*map).name.is_null())
            .then(|| Path::new(OsStr::from_bytes(CStr::from_ptr((*map).name).to_bytes())).to_path_buf())
    };
    // SAFETY: the handle comes from into_raw above and is given back once.
    (unsafe { unix::Library::from_raw(handle) }, path.filter(|path| !path.as_os_str().is_empty()))
}

/// The head of glibc's `struct link_map` (link.h).
#[repr(C)]
struct LinkMap {
    address: usize,
    name: *const libc::c_char,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name_of(failure: ProbeFailure) -> (String, String) {
        let ProbeFailure::Refused { name, message, .. } = failure else { panic!("{failure:?}") };
        (name, message)
    }

    #[test]
    fn the_loaders_choice_is_named() {
        let opened = open("libc.so.6", &Search::Loader).unwrap();
        let path = Path::new(&opened.path);
        assert!(path.is_absolute() && path.is_file(), "{}", opened.path);
        assert_eq!(path, path.canonicalize().unwrap());
    }

    #[test]
    fn what_is_nowhere_is_not_found() {
        let (name, message) = name_of(open("libgpucheck-nowhere.so.1", &Search::Loader).unwrap_err());
        assert_eq!(name, NOT_FOUND);
        assert!(message.contains("cannot open shared object file"), "{message}");
        let empty = tempfile::tempdir().unwrap();
        let search = Search::Directories(vec![empty.path().to_owned()]);
        // The loader would find this one; the directories are all that counts.
        assert_eq!(name_of(open("libc.so.6", &search).unwrap_err()).0, NOT_FOUND);
    }

    #[test]
    fn what_is_no_library_is_not_loadable() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("libcuda.so.1"), "no library\n").unwrap();
        let search = Search::Directories(vec![directory.path().to_owned()]);
        let (name, message) = name_of(open("libcuda.so.1", &search).unwrap_err());
        assert_eq!(name, NOT_LOADABLE);
        assert!(message.contains("file too short") || message.contains("invalid ELF header"), "{message}");
    }

    #[test]
    fn a_missing_dependency_is_not_the_library_missing() {
        assert!(is_absent(
            "libcuda.so.1: cannot open shared object file: No such file or directory",
            "libcuda.so.1"
        ));
        // Real driver 390 without its fatbinaryloader.
        let message =
            "libnvidia-fatbinaryloader.so.390.157: cannot open shared object file: No such file or directory";
        assert!(!is_absent(message, "libcuda.so.1"));
        assert!(!is_absent(
            "libcuda.so.1: cannot open shared object file: Permission denied",
            "libcuda.so.1"
        ));
    }
}
