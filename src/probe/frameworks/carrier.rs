//! The extension on its way into a Python: in a sealed memory file, in a file, or not at all.
//!
//! Invariants: a memory file cannot be altered once it is handed over; a real file lies in a folder that only
//! its user can enter, and both go away with the value.

use super::identity::Identity;
use crate::child::EXTENSION_FD;
use gpucheck_checks::fact::Carrier;
use rustix::fs::{MemfdFlags, SealFlags};
use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Write},
    os::{
        fd::{OwnedFd, RawFd},
        unix::fs::{DirBuilderExt, OpenOptionsExt, chown},
    },
    path::{Path, PathBuf},
};

/// The extension, as build.rs made it.
static EXTENSION: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/gpucheck_probe.so"));

/// The extension where one child finds it.
pub(super) struct Carried {
    /// The path that the child loads; none for the plain script.
    pub(super) path: Option<PathBuf>,
    /// The descriptor to hand over, and its number in the child.
    pub(super) file: Option<(OwnedFd, RawFd)>,
    /// Keeps the folder until the child has ended.
    _folder: Option<Folder>,
}

impl Carried {
    /// Prepares one carrier for a child with this identity.
    pub(super) fn new(carrier: Carrier, cache: Option<&Path>, identity: &Identity) -> io::Result<Self> {
        match carrier {
            Carrier::Memory => Ok(Self {
                path: Some(format!("/proc/self/fd/{EXTENSION_FD}").into()),
                file: Some((sealed()?, EXTENSION_FD)),
                _folder: None,
            }),
            Carrier::File => {
                let folder = Folder::new(cache, identity)?;
                let path = folder.hold(identity)?;
                Ok(Self { path: Some(path), file: None, _folder: Some(folder) })
            }
            Carrier::PlainPython => Ok(Self { path: None, file: None, _folder: None }),
        }
    }
}

fn sealed() -> io::Result<OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    let mut file = File::from(rustix::fs::memfd_create(c"gpucheck_probe.so", flags)?);
    file.write_all(EXTENSION)?;
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    rustix::fs::fcntl_add_seals(&file, seals)?;
    Ok(file.into())
}

/// A folder for one file, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(cache: Option<&Path>, identity: &Identity) -> io::Result<Self> {
        // Another user cannot reach into our cache.
        let cache = cache.filter(|_| identity.owner.is_none());
        let mut last = io::Error::other("no folder for the extension");
        for parent in cache.into_iter().chain([Path::new("/tmp")]) {
            for attempt in 0..8 {
                let folder = parent.join(format!("gpucheck-{}-{attempt}", std::process::id()));
                // The mode comes with the folder: nobody else is ever inside.
                match DirBuilder::new().mode(0o700).create(&folder) {
                    Ok(()) => return Ok(Self(folder)),
                    Err(error) => last = error,
                }
            }
        }
        Err(last)
    }

    fn hold(&self, identity: &Identity) -> io::Result<PathBuf> {
        let path = self.0.join("gpucheck_probe.so");
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o500).open(&path)?;
        file.write_all(EXTENSION)?;
        if let Some(owner) = &identity.owner {
            for path in [&path, &self.0] {
                chown(path, Some(owner.uid), Some(owner.gid))?;
            }
        }
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
