//! Where CUDA keeps the code that it compiles for the process that was asked about, and how much there is.
//!
//! Invariants: nothing is written there; the walk has an end; of another user's process no more is told than can be read.

use crate::{
    probe::{
        cuda::cache,
        passwd::users,
        processes::{TEXT, owner, texts},
    },
    root::Root,
};
use gpucheck_checks::fact::{CompiledCode, ComputeCache};
use std::{
    ffi::OsString,
    time::{Duration, Instant},
};

/// Most files and folders of a walk, and its time.
const ENTRIES: usize = 100_000;
const LIMIT: Duration = Duration::from_secs(2);

/// The cache of a process's user; without a process of the asking user. How much is in it is not told yet.
pub(super) fn of(root: &Root, pid: Option<u32>) -> Option<CompiledCode> {
    let Some(pid) = pid else { return root.is_this_machine().then(cache::look).map(told) };
    let uid = owner(root, pid)?;
    let is_own = root.is_this_machine() && uid == rustix::process::geteuid().as_raw();
    let variables = variables(root, pid);
    let found = match variables {
        Some(variables) => cache::of(|name| variable(&variables, name)),
        None if is_own => cache::look(),
        None => {
            let home = home(root, uid)?;
            cache::of(|name| Some(OsString::from(&home)).filter(|_| name == "HOME"))
        }
    };
    // What we may write says nothing of another user.
    let writable = found.writable.filter(|_| is_own);
    Some(CompiledCode { writable, ..told(found) })
}

fn told(found: ComputeCache) -> CompiledCode {
    CompiledCode {
        folder: found.folder,
        writable: found.writable,
        disable: found.disable,
        max_size: found.max_size,
        bytes_before: None,
        bytes_after: None,
    }
}

/// The environment that a process was started with; none where it is closed to us.
fn variables(root: &Root, pid: u32) -> Option<Vec<String>> {
    let path = format!("/proc/{pid}/environ");
    root.bytes(&path, TEXT).ok()?;
    Some(texts(root, &path))
}

fn variable(variables: &[String], name: &str) -> Option<OsString> {
    let value = variables.iter().find_map(|variable| variable.strip_prefix(name)?.strip_prefix('='))?;
    Some(OsString::from(value)).filter(|value| !value.is_empty())
}

/// A user's home, as `/etc/passwd` has it.
fn home(root: &Root, uid: u32) -> Option<String> {
    let passwd = root.text("/etc/passwd").ok()?;
    users(&passwd).find(|user| user.uid == uid && user.home.starts_with('/')).map(|user| user.home)
}

/// Bytes in the files below a folder, up to where the walk ends; none where there is no folder.
pub(super) fn bytes(root: &Root, folder: &str) -> Option<u64> {
    // Relative to the folder of the process, which is not told.
    let is_told = folder.starts_with('/') && root.is_folder(folder);
    let mut folders: Vec<String> = is_told.then(|| folder.to_owned()).into_iter().collect();
    if folders.is_empty() {
        return None;
    }
    let start = Instant::now();
    let (mut sum, mut left) = (0_u64, ENTRIES);
    while let Some(folder) = folders.pop() {
        for name in root.some_names(&folder, left) {
            left = left.saturating_sub(1);
            let path = format!("{folder}/{name}");
            // What a link leads to is somewhere else.
            if root.link(&path).is_some() {
                continue;
            }
            match root.stat(&path) {
                Some(found) if found.st_mode & 0o170_000 == 0o040_000 => folders.push(path),
                Some(found) => sum = sum.saturating_add(u64::try_from(found.st_size).unwrap_or_default()),
                None => {}
            }
        }
        if left == 0 || start.elapsed() > LIMIT {
            break;
        }
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn files_are_summed_and_links_are_not_followed() {
        let tree = tempfile::tempdir().unwrap();
        let cache = tree.path().join("home/kim/.nv/ComputeCache");
        fs::create_dir_all(cache.join("3/7")).unwrap();
        fs::write(cache.join("index"), [0; 100]).unwrap();
        fs::write(cache.join("3/7/code"), [0; 4000]).unwrap();
        std::os::unix::fs::symlink("..", cache.join("3/up")).unwrap();
        let root = Root::new(tree.path());
        assert_eq!(bytes(&root, "/home/kim/.nv/ComputeCache"), Some(4100));
        assert_eq!(bytes(&root, "/home/kim/.nv/none"), None);
        assert_eq!(bytes(&root, "home/kim/.nv/ComputeCache"), None);
    }

    #[test]
    fn the_home_of_a_user_is_found_by_number() {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir_all(tree.path().join("etc")).unwrap();
        let passwd = "root:x:0:0:root:/root:/bin/sh\nbroken\nkim:x:1001:1001::/data/kim:/bin/sh\nx:y:7\n";
        fs::write(tree.path().join("etc/passwd"), passwd).unwrap();
        let root = Root::new(tree.path());
        assert_eq!(home(&root, 1001).as_deref(), Some("/data/kim"));
        assert_eq!((home(&root, 7), home(&root, 8)), (None, None));
    }

    #[test]
    fn a_process_has_the_cache_that_its_own_variables_name() {
        let tree = tempfile::tempdir().unwrap();
        let proc = tree.path().join("proc/7");
        fs::create_dir_all(&proc).unwrap();
        fs::write(proc.join("status"), "Name:\tpython\nUid:\t1001\t1001\t1001\t1001\n").unwrap();
        fs::write(proc.join("environ"), "HOME=/data/kim\0CUDA_CACHE_MAXSIZE=1024\0CUDA_CACHE_DISABLE=\0")
            .unwrap();
        let found = of(&Root::new(tree.path()), Some(7)).unwrap();
        assert_eq!(found.folder.as_deref(), Some("/data/kim/.nv/ComputeCache"));
        assert_eq!((found.max_size.as_deref(), found.disable, found.writable), (Some("1024"), None, None));
        assert_eq!(of(&Root::new(tree.path()), Some(8)), None);
        assert_eq!(of(&Root::new(tree.path()), None), None);
    }
}
