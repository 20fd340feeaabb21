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
fn seat_of(path: &Path) -> String {
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

/// A report to be read, of a seat in a room with this label.
pub(super) fn work(path: PathBuf, label: Option<&str>, is_named: bool) -> Work {
    let seat = seat_of(&path);
    let seat = label.map_or_else(|| seat.clone(), |label| format!("{label}/{seat}"));
    Work::File { seat, path, is_named }
}

/// The reports that a folder holds as those of a seat, and whether it holds seats as a room; one that cannot be listed may.
pub(super) fn held_in(folder: &Path) -> (Vec<PathBuf>, bool) {
    let Ok(entries) = fs::read_dir(folder) else { return (Vec::new(), true) };
    let (mut own, mut has_seats) = (Vec::new(), false);
    for entry in entries {
        match entry.as_ref().map(DirEntry::path) {
            Ok(path) if is_report(&path) && is_of_its_folder(&path) => own.push(path),
            Ok(_) => has_seats |= entry.is_ok_and(|entry| report_of(&entry).is_some()),
            Err(_) => has_seats = true,
        }
    }
    (own, has_seats)
}

/// Whether [`hand_out`] of a file's room finds it by itself.
pub(super) fn is_found(path: &Path) -> bool {
    let entry = if path.ends_with(IN_FOLDER) { path.parent() } else { Some(path) };
    let found = entry.and_then(|entry| Some((entry, entry.symlink_metadata().ok()?)));
    found.is_some_and(|(entry, found)| {
        !found.is_symlink()
            && !path.is_symlink()
            && report_at(entry.to_owned(), found.is_dir()).is_some_and(|report| report == path)
    })
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
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return line.put(missing(&error)),
    };
    for entry in entries {
        match entry.map(|entry| report_of(&entry)) {
            Ok(Some(path)) => line.put(work(path, label, false)),
            Ok(None) => {}
            // The rest of it cannot be had either.
            Err(error) => return line.put(missing(&error)),
        }
    }
}

/// The report that an entry of a room leads to; none where it is no seat's.
fn report_at(entry: PathBuf, is_folder: bool) -> Option<PathBuf> {
    let is_hidden = entry.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
    if is_hidden {
        None
    } else if is_folder {
        Some(entry.join(IN_FOLDER))
    } else {
        (is_report(&entry) && !is_of_its_folder(&entry)).then_some(entry)
    }
}

fn report_of(entry: &DirEntry) -> Option<PathBuf> {
    report_at(entry.path(), entry.file_type().is_ok_and(|kind| kind.is_dir()))
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
