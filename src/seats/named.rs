//! What was named on the command line: rooms full of seats, reports of single seats, standard input.
//!
//! Invariant: a name that leads to no report is a seat without one; nothing that was named goes by unsaid.

use super::{
    Line,
    files::{self, IN_FOLDER},
    stream,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs, io,
    path::{Component, Path, PathBuf},
};

/// What was named, each thing once, by its absolute path.
#[derive(Default)]
pub(super) struct Named {
    rooms: BTreeSet<PathBuf>,
    /// Files, and whether somebody has named this very file.
    files: BTreeMap<PathBuf, bool>,
    is_stream: bool,
}

impl Named {
    pub(super) fn new(paths: &[PathBuf]) -> Self {
        let mut named = Self::default();
        for path in paths {
            if path == Path::new("-") {
                named.is_stream = true;
            } else if fs::metadata(path).is_ok_and(|found| found.is_dir()) {
                named.add_folder(place_of(path));
            } else {
                named.files.insert(full(path), true);
            }
        }
        named
    }

    /// Whether nothing was named but folders with nothing in them.
    pub(super) fn is_empty(&self) -> bool {
        let mut files = self.files.iter();
        !self.is_stream
            && self.rooms.is_empty()
            && files.all(|(path, is_named)| !is_named && path.symlink_metadata().is_err())
    }

    /// A folder is a room with seats in it, a seat with its own report in it, or both. One with neither is a seat that has not
    /// answered: what came from elsewhere left its folder empty.
    fn add_folder(&mut self, folder: PathBuf) {
        let (own, has_seats) = files::held_in(&folder);
        if own.is_empty() && !has_seats {
            self.files.entry(folder.join(IN_FOLDER)).or_insert(false);
        }
        for report in own {
            self.files.entry(report).or_insert(false);
        }
        if has_seats {
            self.rooms.insert(folder);
        }
    }

    /// Hands all of it out.
    pub(super) fn hand_out(self, line: &mut Line) {
        let of_files = self.files.keys().filter_map(|file| files::room_of(file)).filter(|room| room.is_dir());
        let labels = labels(&self.rooms.iter().map(PathBuf::as_path).chain(of_files).collect());
        for room in &self.rooms {
            files::hand_out(room, labels.get(room).map(String::as_str), line);
        }
        for (path, is_named) in self.files {
            let room = files::room_of(&path);
            if room.is_some_and(|room| self.rooms.contains(room)) && files::is_found(&path) {
                continue;
            }
            let label = room.and_then(|room| labels.get(room)).map(String::as_str);
            line.put(files::work(path, label, is_named));
        }
        if self.is_stream {
            stream::hand_out(io::stdin().lock(), line);
        }
    }
}

/// A file's path with its folder as it is; the file itself may be a link, whose name is the seat's.
fn full(path: &Path) -> PathBuf {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = place_of(folder.unwrap_or(Path::new(".")));
    path.file_name().map_or_else(|| folder.clone(), |name| folder.join(name))
}

/// Where a path leads, as far as there is something.
fn place_of(path: &Path) -> PathBuf {
    let there = fs::canonicalize(path).or_else(|_| std::path::absolute(path));
    there.unwrap_or_else(|_| path.to_owned())
}

/// What stands before the names of seats where they are in several rooms: two may both have a `seat-01`, and neither may
/// pass for the other. It is as much of the end of a room's path as tells all of them apart.
fn labels(rooms: &BTreeSet<&Path>) -> BTreeMap<PathBuf, String> {
    if rooms.len() < 2 {
        return BTreeMap::new();
    }
    let longest = rooms.iter().map(|room| room.components().count()).max().unwrap_or_default();
    let of_length = |length: usize| -> BTreeMap<PathBuf, String> {
        rooms.iter().map(|room| (room.to_path_buf(), end_of(room, length))).collect()
    };
    let tells_apart =
        |labels: &BTreeMap<PathBuf, String>| labels.values().collect::<BTreeSet<_>>().len() == labels.len();
    (1..longest).map(of_length).find(tells_apart).unwrap_or_else(|| of_length(longest))
}

/// The last names of a path.
fn end_of(path: &Path, length: usize) -> String {
    let names: Vec<&OsStr> = path
        .components()
        .filter_map(|part| match part {
            Component::Normal(name) => Some(name),
            Component::Prefix(_) | Component::RootDir | Component::CurDir | Component::ParentDir => None,
        })
        .collect();
    let last = names.get(names.len().saturating_sub(length)..).unwrap_or_default();
    // Bytes that are no text are written so that no two names look the same.
    let bytes = |name: &OsStr| name.as_encoded_bytes().escape_ascii().to_string();
    let text = |name: &&OsStr| name.to_str().map_or_else(|| bytes(name), str::to_owned);
    last.iter().map(text).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_are_told_apart_by_as_little_as_does_it() {
        let told = |rooms: &[&str]| -> Vec<String> {
            labels(&rooms.iter().map(|room| Path::new(*room)).collect()).into_values().collect()
        };
        assert_eq!(told(&["/srv/lab1"]), Vec::<String>::new());
        assert_eq!(told(&["/srv/lab1", "/srv/lab2"]), ["lab1", "lab2"]);
        assert_eq!(told(&["/a/x/lab", "/b/y/lab", "/c"]), ["x/lab", "y/lab", "c"]);
        assert_eq!(told(&["/a/lab", "/b/a/lab"]), ["a/lab", "b/a/lab"]);
    }
}
