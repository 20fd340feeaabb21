//! Where a document goes: standard output, or a file that is there whole or not at all.

use crate::error::Error;
use std::{
    fs, io,
    io::Write,
    os::unix::fs::{MetadataExt, fchown},
    path::{Path, PathBuf},
    process,
};

/// Links that are followed, as many as Linux follows.
const LINKS: usize = 40;

/// Writes a document. A reader that went away is no error: it has read what it wanted.
///
/// # Errors
/// [`Error::Write`], with the place.
pub fn write(document: &str, to: Option<&Path>) -> Result<(), Error> {
    let (name, written) = match to {
        None => ("standard output".to_owned(), to_stdout(document)),
        Some(path) => (path.display().to_string(), to_file(document, path)),
    };
    written.map_err(|source| Error::Write { path: name, source })
}

/// Writes a further report to a file.
///
/// # Errors
/// [`Error::WriteReport`], with the place.
pub fn write_report(document: &str, path: &Path) -> Result<(), Error> {
    to_file(document, path).map_err(|source| Error::WriteReport { path: path.display().to_string(), source })
}

/// Says on standard error what is worth knowing and no reason to end.
pub(crate) fn note(text: &str) {
    let _ = writeln!(io::stderr(), "gpucheck: {text}");
}

fn to_stdout(document: &str) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(document.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// Writes a file.
///
/// A regular file is replaced by a finished one; a pipe or a terminal is written to, and so is what the system has by
/// another name or as a place of its own.
pub(crate) fn to_file(document: &str, path: &Path) -> io::Result<()> {
    let found = fs::metadata(path).ok();
    if found.as_ref().is_some_and(|found| !found.is_file()) {
        return in_place(document, path, fs::OpenOptions::new().write(true));
    }
    // `/dev/stdout` may be a log that the shell has opened for all that runs: what stands there is not ours to remove.
    if found.is_some() && is_the_systems(path) {
        return in_place(document, path, fs::OpenOptions::new().append(true));
    }
    // Through a link the file behind it is replaced, not the link.
    let path = behind(path)?;
    let unfinished = beside(&path);
    let written =
        write_new(&unfinished, document, found.as_ref()).and_then(|()| fs::rename(&unfinished, &path));
    if written.is_err() {
        let _ = fs::remove_file(&unfinished);
    }
    match written {
        // A file that is mounted on its place, as containers have them.
        Err(error) if matches!(error.raw_os_error(), Some(libc::EBUSY | libc::EXDEV)) => {
            in_place(document, &path, fs::OpenOptions::new().write(true).truncate(true))
        }
        written => written,
    }
}

fn in_place(document: &str, path: &Path, how: &fs::OpenOptions) -> io::Result<()> {
    how.open(path)?.write_all(document.as_bytes())
}

fn is_the_systems(path: &Path) -> bool {
    ["/dev/fd", "/dev/stdout", "/dev/stderr", "/proc"].iter().any(|place| path.starts_with(place))
}

/// Where links end, also where there is nothing yet.
fn behind(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        match fs::canonicalize(&path) {
            Ok(real) => return Ok(real),
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Err(_) => match fs::read_link(&path) {
                Ok(target) => path = path.parent().unwrap_or(Path::new("")).join(target),
                Err(_) => return Ok(path),
            },
        }
    }
    Err(io::Error::from_raw_os_error(libc::ELOOP))
}

/// Writes a file that was not there, as accessible as the one that it is to replace.
fn write_new(path: &Path, document: &str, like: Option<&fs::Metadata>) -> io::Result<()> {
    // The name can be guessed: in a shared folder somebody may have put a link to a file of ours there.
    let _ = fs::remove_file(path);
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(path)?;
    if let Some(like) = like {
        // Whoever is not root cannot give files away, and keeps this one.
        let _ = fchown(&file, Some(like.uid()), Some(like.gid()));
        file.set_permissions(like.permissions())?;
    }
    file.write_all(document.as_bytes())
}

fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.unfinished", process::id()));
    path.with_file_name(name)
}
