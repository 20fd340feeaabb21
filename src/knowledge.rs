//! The tables that are judged by: gpucheck's own, and those of a folder in their place.

use crate::error::Error;
use gpucheck_checks::Knowledge;
use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

/// Largest table that is read, in bytes; gpucheck's own have some twenty thousand.
const LARGEST: u64 = 4 << 20;

/// Gpucheck's own tables, with those that lie in the folder in their place.
///
/// # Errors
/// A folder or a table that cannot be read, a `.toml` file that is named like no table, and a table that is not of its
/// form or contradicts itself.
pub fn read(folder: Option<&Path>) -> Result<Knowledge, Error> {
    let Some(folder) = folder else {
        return Knowledge::built_in().map_err(|error| Error::OwnKnowledge(error.to_string()));
    };
    let unreadable = |path: &Path, source| Error::ReadKnowledge { path: path.to_owned(), source };
    let mut tables = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(|source| unreadable(folder, source))? {
        let path = entry.map_err(|source| unreadable(folder, source))?.path();
        if path.extension().is_some_and(|extension| extension == "toml") {
            let text = text(&path).map_err(|source| unreadable(&path, source))?;
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            tables.insert(name, text);
        }
    }
    if tables.is_empty() {
        let none =
            format!("no table in it; it may hold {}", Knowledge::tables().collect::<Vec<_>>().join(", "));
        return Err(unreadable(folder, io::Error::new(io::ErrorKind::NotFound, none)));
    }
    Knowledge::with(&tables)
        .map_err(|error| Error::NoKnowledge { path: folder.join(error.table), message: error.message })
}

/// A table's text. What is no regular file is not waited for.
fn text(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut text = String::new();
    File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("more than {LARGEST} bytes")));
    }
    Ok(text)
}
