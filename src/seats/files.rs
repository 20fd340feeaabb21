//! Reports in files: `SEAT.json`, or `SEAT/gpucheck.json` as Ansible fetches them.

use super::{LARGEST, Line, Work};
use gpucheck_checks::seats::Seat;
use rustix::{
    fs::{Mode, OFlags, open},
    io::Errno,
};
use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fs::{self, DirEntry, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Names that say what a file is, and not whose.
const NOT_NAMES: [&str; 2] = ["gpucheck", "report"];
/// The report in a folder of a seat.
const IN_FOLDER: &str = "gpucheck.json";

/// The seat that a file tells of: its name, or that of its folder.
pub(super) fn seat_of(path: &Path) -> String {
    let text = |name: &OsStr| name.to_string_lossy().into_owned();
    let folder = || path.parent().and_then(Path::file_name).filter(|_| !has_name(path));
    folder().or(path.file_stem()).map(text).unwrap_or_default()
}

/// The folder in which a file's seat is one of many.
pub(super) fn room_of(path: &Path) -> &Path {
    let room = path.ancestors().nth(if has_name(path) { 1 } else { 2 });
    room.filter(|room| !room.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether a file is named after its seat.
fn has_name(path: &Path) -> bool {
    !path.file_stem().is_some_and(|stem| NOT_NAMES.iter().any(|name| stem == *name))
}

/// Where a path leads, so that one that was named twice is known.
pub(super) fn place_of(path: &Path) -> PathBuf {
    fs::canonicalize(path).unwrap_or_else(|_| path.to_owned())
}

/// What stands before the names of seats where they are in several rooms: two may both have a `seat-01`, and neither may
/// pass for the other. It is the room's own name, and its path where another has that name.
pub(super) struct Labels(BTreeMap<PathBuf, String>);

impl Labels {
    pub(super) fn new<'a>(rooms: impl Iterator<Item = &'a Path>) -> Self {
        let rooms: BTreeSet<&Path> = rooms.collect();
        let mut placed = BTreeMap::new();
        for room in rooms {
            placed.entry(place_of(room)).or_insert(room);
        }
        if placed.len() < 2 {
            return Self(BTreeMap::new());
        }
        let mut of_name: BTreeMap<OsString, usize> = BTreeMap::new();
        for name in placed.keys().filter_map(|place| place.file_name()) {
            *of_name.entry(name.to_owned()).or_default() += 1;
        }
        let label = |(place, room): (PathBuf, &Path)| {
            let own = place.file_name().filter(|name| of_name.get(*name) == Some(&1));
            let label = own.unwrap_or(room.as_os_str()).to_string_lossy().into_owned();
            (place, label)
        };
        Self(placed.into_iter().map(label).collect())
    }

    /// That of a room's seats.
    pub(super) fn of(&self, room: &Path) -> Option<&str> {
        self.0.get(&place_of(room)).map(String::as_str)
    }
}

/// The name of a seat in a room with a label.
pub(super) fn labelled(label: Option<&str>, seat: String) -> String {
    match label {
        Some(label) => format!("{label}/{seat}"),
        None => seat,
    }
}

/// Hands out the reports in a folder and in the folders of seats in it, whose names begin with the label.
pub(super) fn hand_out(folder: &Path, label: Option<&str>, line: &mut Line) {
    let missing = |error: &io::Error| Work::Missing {
        seat: Seat::Named(folder.to_string_lossy().into()),
        why: format!("its files cannot be listed: {error}"),
    };
    match fs::read_dir(folder) {
        Err(error) => line.put(missing(&error)),
        Ok(entries) => {
            for entry in entries {
                match entry {
                    Ok(entry) => entry_of(&entry, label).into_iter().for_each(|work| line.put(work)),
                    // The rest of it cannot be had either.
                    Err(error) => return line.put(missing(&error)),
                }
            }
        }
    }
}

fn entry_of(entry: &DirEntry, label: Option<&str>) -> Option<Work> {
    let name = entry.file_name().to_string_lossy().into_owned();
    let path = entry.path();
    if name.starts_with('.') {
        None
    } else if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
        Some(Work::File { seat: labelled(label, name), path: path.join(IN_FOLDER), is_named: false })
    } else {
        let is_report = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"));
        is_report.then(|| Work::File { seat: labelled(label, seat_of(&path)), path, is_named: false })
    }
}

/// Reads a file into a buffer that is used again and again; why it cannot be read.
pub(super) fn read(path: &Path, is_named: bool, buffer: &mut Vec<u8>) -> Result<(), String> {
    buffer.clear();
    // Never waits for a pipe.
    let mut flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    if !is_named {
        flags |= OFlags::NOFOLLOW;
    }
    let file = match open(path, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::LOOP) if !is_named => {
            return Err("a symbolic link, which is not followed: name the file itself".to_owned());
        }
        Err(Errno::NOENT) if path.ends_with(IN_FOLDER) => {
            return Err(format!(
                "no {IN_FOLDER} in its folder: the machine could not be reached, or gpucheck gave no report there"
            ));
        }
        Err(error) => return Err(error.to_string()),
    };
    let told = |error: io::Error| error.to_string();
    let found = file.metadata().map_err(told)?;
    if !found.is_file() {
        return Err("not a regular file".to_owned());
    }
    if found.len() > LARGEST as u64 {
        return Err(super::report::too_large());
    }
    buffer.reserve(usize::try_from(found.len()).unwrap_or(LARGEST) + 1);
    file.take(LARGEST as u64 + 1).read_to_end(buffer).map_err(told)?;
    if buffer.len() > LARGEST { Err(super::report::too_large()) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seat_has_the_name_of_its_file_or_of_its_folder() {
        for (path, seat, room) in [
            ("reports/seat-07.json", "seat-07", "reports"),
            ("reports/seat-07/gpucheck.json", "seat-07", "reports"),
            ("/srv/lab.example.org/report.json", "lab.example.org", "/srv"),
            ("seat-07/gpucheck.json", "seat-07", "."),
            ("gpucheck.json", "gpucheck", "."),
            ("lab.example.org.json", "lab.example.org", "."),
            ("seat", "seat", "."),
        ] {
            assert_eq!(
                (seat_of(Path::new(path)).as_str(), room_of(Path::new(path))),
                (seat, Path::new(room))
            );
        }
    }
}
