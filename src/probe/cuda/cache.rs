//! Where CUDA keeps the code that it compiles, as the asking user's programs find it. Nothing is written there.

use gpucheck_checks::fact::ComputeCache;
use rustix::{
    fs::{Access, AtFlags, CWD, accessat},
    io::Errno,
};
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// The cache of this process's user and environment.
pub(crate) fn look() -> ComputeCache {
    of(|name| env::var_os(name).filter(|value| !value.is_empty()))
}

pub(crate) fn of(variable: impl Fn(&str) -> Option<OsString>) -> ComputeCache {
    let text = |name| variable(name).map(|value| value.to_string_lossy().into_owned());
    let in_home = || Some(PathBuf::from(variable("HOME")?).join(".nv/ComputeCache"));
    let folder = variable("CUDA_CACHE_PATH").map(PathBuf::from).or_else(in_home);
    ComputeCache {
        disable: text("CUDA_CACHE_DISABLE"),
        max_size: text("CUDA_CACHE_MAXSIZE"),
        writable: folder.as_deref().and_then(is_writable),
        folder: folder.map(|folder| folder.to_string_lossy().into_owned()),
    }
}

/// Whether a folder, or the one above in which CUDA would make it, may be written; none where that cannot be told.
fn is_writable(folder: &Path) -> Option<bool> {
    let write = Access::WRITE_OK | Access::EXEC_OK;
    for place in folder.is_absolute().then(|| folder.ancestors())? {
        match accessat(CWD, place, write, AtFlags::EACCESS) {
            Ok(()) => return Some(true),
            Err(Errno::NOENT) => {}
            Err(Errno::ACCESS | Errno::PERM | Errno::ROFS | Errno::NOTDIR) => return Some(false),
            Err(_) => return None,
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(pairs: &[(&str, &str)]) -> ComputeCache {
        of(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
    }

    #[test]
    fn a_folder_that_cuda_would_make_counts_as_its_parent() {
        let home = tempfile::tempdir().unwrap();
        let cache = with(&[("HOME", home.path().to_str().unwrap())]);
        assert_eq!(cache.writable, Some(true));
        assert!(cache.folder.unwrap().ends_with("/.nv/ComputeCache"));
        assert!(!home.path().join(".nv").exists(), "a look writes nothing");
    }

    #[test]
    fn what_is_no_folder_cannot_be_written() {
        let home = tempfile::tempdir().unwrap();
        std::fs::write(home.path().join(".nv"), "").unwrap();
        assert_eq!(with(&[("HOME", home.path().to_str().unwrap())]).writable, Some(false));
        assert_eq!(with(&[("HOME", "/proc/sys")]).writable, Some(false));
    }

    #[test]
    fn variables_are_kept_as_they_are() {
        let cache =
            with(&[("CUDA_CACHE_DISABLE", "1"), ("CUDA_CACHE_MAXSIZE", "many"), ("CUDA_CACHE_PATH", "x")]);
        assert_eq!((cache.disable.as_deref(), cache.max_size.as_deref()), (Some("1"), Some("many")));
        assert_eq!((cache.folder.as_deref(), cache.writable), (Some("x"), None));
        assert_eq!(with(&[]), ComputeCache::default());
    }
}
