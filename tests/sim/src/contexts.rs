//! Which processes have contexts, noted in a folder that all processes of a machine share.
//!
//! Invariants: a process writes one file, its own, whole or not at all; whoever has ended has no context.

use crate::{
    call::UNKNOWN,
    machine::{Machine, complain},
    scenario::Process,
};
use std::{
    fs, io,
    path::{Path, PathBuf},
    process,
};

/// A GPU, by its place in the list, and what this process is on it.
pub(crate) type Noted = (usize, Process);

/// Notes what this process has.
pub(crate) fn note(machine: &Machine, has: &[Noted]) {
    let Some(folder) = &machine.scenario.contexts else { return };
    if let Err(error) = write(folder, has) {
        complain(&format!("{}: {error}", folder.display()));
    }
}

fn write(folder: &Path, has: &[Noted]) -> io::Result<()> {
    let own = process::id();
    let (begun, done) = (folder.join(format!(".{own}")), folder.join(own.to_string()));
    fs::write(&begun, serde_json::to_vec(has)?)?;
    fs::rename(begun, done)
}

/// The processes that have a context on a GPU.
pub(crate) fn on(machine: &Machine, gpu: usize) -> Result<Vec<Process>, u32> {
    let Some(folder) = &machine.scenario.contexts else { return Ok(Vec::new()) };
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).map_err(|_| UNKNOWN)?.flatten().map(|entry| entry.path()).collect();
    files.sort();
    let noted = files.iter().filter(|file| is_alive(file)).filter_map(|file| {
        // Who ends meanwhile, or makes the first note, is not there yet or any more.
        serde_json::from_slice::<Vec<Noted>>(&fs::read(file).ok()?).ok()
    });
    Ok(noted.flatten().filter(|(of, _)| *of == gpu).map(|(_, process)| process).collect())
}

/// Whether the process of this file runs.
fn is_alive(file: &Path) -> bool {
    let number = file.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok());
    number.is_some_and(|number| Path::new("/proc").join(number.to_string()).exists())
}
