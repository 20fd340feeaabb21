//! Reports in files: `SEAT.json`, or `SEAT/gpucheck.json` as Ansible fetches them.

use super::{LARGEST, Line, Work};
use gpucheck_checks::seats::Seat;
use rustix::{
    fs::{Mode, OFlags, open},
    io::Errno,
};
use std::{
    ffi::OsStr,
    fs::{self, DirEntry, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

/// Names that say what a file is, and not whose.
const NOT_NAMES: [&str; 2] = ["gpucheck", "report"];
/// The report in a folder of a seat.
pub(super) const IN_FOLDER: &str = "gpucheck.json";

/// The seat that a file tells of: its name, or that of its folder.
pub(super) fn seat_of(path: &Path) -> String {
    let text = |name: &OsStr| name.to_string_lossy().into_owned();
    let folder = || path.parent().and_then(Path::file_name).filter(|_| is_of_its_folder(path));
    folder().or(path.file_stem()).map(text).unwrap_or_default()
}

/// The folder in which a file's seat is one of many.
pub(super) fn room_of(path: &Path) -> Option<&Path> {
    path.ancestors().nth(if is_of_its_folder(path) { 2 } else { 1 })
}

/// Whether a file is named after what it is, and its folder after its seat.
fn is_of_its_folder(path: &Path) -> bool {
    path.file_stem().is_some_and(|stem| NOT_NAMES.iter().any(|name| stem == *name))
}

/// The name of a seat in a room with a label.
pub(super) fn labelled(label: Option<&str>, seat: String) -> String {
    match label {
        Some(label) => format!("{label}/{seat}"),
        None => seat,
    }
}

/// The reports that a folder holds as those of a seat, and whether it holds seats as a room; one that cannot be listed may.
pub(super) fn held_in(folder: &Path) -> (Vec<PathBuf>, bool) {
    let Ok(entries) = fs::read_dir(folder) else { return (Vec::new(), true) };
    let (mut own, mut has_seats) = (Vec::new(), false);
    for entry in entries {
        match entry.as_ref().map(DirEntry::path) {
            Ok(path) if is_report(&path) && is_of_its_folder(&path) => own.push(path),
            Ok(_) => has_seats |= entry.is_ok_and(|entry| entry_of(&entry, None).is_some()),
            Err(_) => has_seats = true,
        }
    }
    (own, has_seats)
}

/// Whether [`hand_out`] finds a file by itself, of whose room it is asked.
pub(super) fn is_found(path: &Path) -> bool {
    let is_in_folder = path.ends_with(IN_FOLDER);
    let is_there = |entry: &Path| entry.symlink_metadata().is_ok_and(|found| !found.is_symlink());
    let Some(entry) = (if is_in_folder { path.parent() } else { Some(path) }) else { return false };
    let is_hidden = entry.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    let is_seats = if is_in_folder { !path.is_symlink() } else { is_report(path) && !is_of_its_folder(path) };
    is_there(entry) && !is_hidden && is_seats
}

fn is_report(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}

/// Hands out the reports of seats in a room and in the folders of seats in it, whose names begin with the label.
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
        let is_seats = is_report(&path) && !is_of_its_folder(&path);
        is_seats.then(|| Work::File { seat: labelled(label, seat_of(&path)), path, is_named: false })
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
            ("/srv/reports/seat-07.json", "seat-07", "/srv/reports"),
            ("/srv/reports/seat-07/gpucheck.json", "seat-07", "/srv/reports"),
            ("/srv/lab.example.org/report.json", "lab.example.org", "/srv"),
            ("/srv/lab.example.org.json", "lab.example.org", "/srv"),
            ("/srv/seat", "seat", "/srv"),
        ] {
            assert_eq!(
                (seat_of(Path::new(path)).as_str(), room_of(Path::new(path))),
                (seat, Some(Path::new(room)))
            );
        }
    }
}
