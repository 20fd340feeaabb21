//! Facts that were recorded, as a file.

use crate::{
    error::Error,
    layout::{self, LARGEST},
};
use gpucheck_checks::fact::{FACTS_SCHEMA, Facts};
use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

/// Reads facts; `-` is standard input.
///
/// # Errors
/// The file cannot be read, or holds something else.
pub fn read(path: &Path) -> Result<Facts, Error> {
    let name = path.display().to_string();
    let unreadable = |source| Error::ReadFacts { path: name.clone(), source };
    let mut text = Vec::new();
    let source: Box<dyn Read> = if path == Path::new("-") {
        Box::new(io::stdin())
    } else {
        Box::new(File::open(path).map_err(unreadable)?)
    };
    source.take(LARGEST + 1).read_to_end(&mut text).map_err(unreadable)?;
    let no_facts = |message: String| Error::NoFacts { path: name.clone(), message };
    let (text, schema) = layout::read(text).map_err(no_facts)?;
    if schema > u64::from(FACTS_SCHEMA) {
        return Err(Error::NewerFacts { path: name, schema, known: FACTS_SCHEMA });
    }
    serde_json::from_str(&text).map_err(|error| no_facts(error.to_string()))
}
