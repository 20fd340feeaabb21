//! Laying a tree of files into a folder.

use crate::{
    file::Node,
    tree::{Entry, Tree},
};
use rustix::fs::{CWD, FileType, Mode};
use std::{
    fs, io,
    os::unix::fs::{PermissionsExt, symlink},
    path::{Component, Path, PathBuf},
};

/// Lays a tree into a folder. Where device nodes may not be made, which takes root, files stand in their place.
pub(crate) fn lay(tree: &Tree, root: &Path, libraries: Option<&Path>) -> io::Result<()> {
    for (path, entry) in &tree.entries {
        lay_one(path, entry, root, libraries)
            .map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))?;
    }
    Ok(())
}

fn lay_one(path: &str, entry: &Entry, root: &Path, libraries: Option<&Path>) -> io::Result<()> {
    let place = root.join(path.trim_start_matches('/'));
    stay_inside(root, &place)?;
    if let Some(folder) = place.parent() {
        fs::create_dir_all(folder)?;
    }
    match entry {
        Entry::Folder => fs::create_dir_all(&place),
        Entry::Link(target) => symlink(target, &place),
        Entry::Node(node) => make(&place, *node),
        Entry::File { bytes, mode } => {
            fs::write(&place, bytes)?;
            fs::set_permissions(&place, fs::Permissions::from_mode(*mode))
        }
        Entry::Library(soname) => {
            let libraries = libraries.ok_or_else(|| io::Error::other("no libraries to lay"))?;
            same_file(&libraries.join(soname), &place)
        }
    }
}

/// Refuses a place outside the root, also behind a link: what lies there is the machine's that simulates.
fn stay_inside(root: &Path, place: &Path) -> io::Result<()> {
    let climbs = place.components().any(|part| part == Component::ParentDir);
    let folder = place.ancestors().skip(1).find_map(|folder| folder.canonicalize().ok());
    if !climbs && folder.is_some_and(|folder| root.canonicalize().is_ok_and(|root| folder.starts_with(root)))
    {
        return Ok(());
    }
    Err(io::Error::other("it leads out of the machine's folder"))
}

/// The same file at another place: a second name for it, or where that cannot be, a copy.
pub(crate) fn same_file(from: &Path, to: &Path) -> io::Result<()> {
    let from = from.canonicalize()?;
    fs::hard_link(&from, to).or_else(|_| fs::copy(&from, to).map(|_| ()))
}

fn make(place: &Path, node: Node) -> io::Result<()> {
    let device = rustix::fs::makedev(node.major, node.minor);
    let made = rustix::fs::mknodat(CWD, place, FileType::CharacterDevice, Mode::empty(), device);
    if made.is_err() {
        fs::write(place, "")?;
    } else {
        std::os::unix::fs::chown(place, Some(node.uid), Some(node.gid))?;
    }
    fs::set_permissions(place, fs::Permissions::from_mode(node.mode))
}

/// Lays a folder's files and links over what there is in the root.
pub(crate) fn overlay(from: &Path, root: &Path) -> io::Result<()> {
    overlay_folder(from, root, root)
}

fn overlay_folder(from: &Path, to: &Path, root: &Path) -> io::Result<()> {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (source, place) = (entry.path(), to.join(entry.file_name()));
        stay_inside(root, &place)?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            fs::create_dir_all(&place)?;
            overlay_folder(&source, &place, root)?;
            continue;
        }
        clear(&place)?;
        if kind.is_symlink() {
            symlink(fs::read_link(&source)?, &place)?;
        } else {
            fs::copy(&source, &place)?;
        }
    }
    Ok(())
}

fn clear(place: &PathBuf) -> io::Result<()> {
    match fs::symlink_metadata(place) {
        Ok(found) if found.is_dir() => fs::remove_dir_all(place),
        Ok(_) => fs::remove_file(place),
        Err(_) => Ok(()),
    }
}
