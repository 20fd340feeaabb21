//! Who can write to some places.
//!
//! Invariants: what cannot be told counts as somebody else's; a path is taken in with every folder above it, as
//! it is written, as it resolves, and at each link on the way. A folder of packages is looked at, and its
//! direct entries; of one in which code runs what could be imported, and from its folders the same; not what lies deeper.

use super::{accounts::Accounts, files::read_text};
use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs, io,
    os::unix::{ffi::OsStrExt, fs::MetadataExt},
    path::{Path, PathBuf},
};

/// Levels of folders that are looked into where code runs: that folder's, and its own folders'.
const LEVELS: u32 = 2;

/// What some places say about who can write to them.
pub(super) struct Survey<'a> {
    accounts: &'a Accounts,
    /// Why it matters who can write, as a clause.
    pub(super) reason: &'static str,
    /// Users other than root.
    pub(super) owners: BTreeSet<u32>,
    /// Places that were taken in: hundreds of paths share them.
    known: BTreeSet<PathBuf>,
    /// Folders whose entries were taken in.
    entered: BTreeSet<PathBuf>,
}

impl<'a> Survey<'a> {
    pub(super) fn new(accounts: &'a Accounts) -> Self {
        Self::because("gpucheck runs as root", accounts)
    }

    /// One that is taken for this reason.
    pub(super) fn because(reason: &'static str, accounts: &'a Accounts) -> Self {
        Self { accounts, reason, owners: BTreeSet::new(), known: BTreeSet::new(), entered: BTreeSet::new() }
    }

    /// The one user in whose hands all of it is, which makes up `what`; none for root.
    pub(super) fn only_owner(&self, what: &Path) -> Result<Option<u32>, String> {
        let owners: Vec<u32> = self.owners.iter().copied().collect();
        match owners.as_slice() {
            [] => Ok(None),
            [uid] => Ok(Some(*uid)),
            more => {
                let users = more.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
                Err(format!(
                    "{}, and {} is in the hands of several users: {users}",
                    self.reason,
                    what.display()
                ))
            }
        }
    }

    /// Takes in a folder that packages are imported from: its direct entries, and where its `.pth` files lead.
    pub(super) fn packages(&mut self, folder: &Path) -> Result<(), String> {
        self.folder(folder)?;
        for file in entries(folder).filter(|entry| entry.extension().is_some_and(|end| end == "pth")) {
            // What cannot be read here, Python passes over as well.
            for more in read_text(&file).unwrap_or_default().lines().filter_map(named) {
                if more.contains('\u{fffd}') {
                    return Err(format!("{}, and {} is no text", self.reason, file.display()));
                }
                self.folder(&folder.join(more))?;
            }
        }
        Ok(())
    }

    /// Takes in a folder and its direct entries.
    pub(super) fn folder(&mut self, folder: &Path) -> Result<(), String> {
        self.path(folder)?;
        if !self.entered.insert(folder.to_owned()) {
            return Ok(());
        }
        for entry in entries(folder) {
            // What is no link lies where the folder lies.
            if entry.is_symlink() { self.path(&entry)? } else { self.place(&entry)? }
        }
        Ok(())
    }

    /// Takes in a folder in which code runs, and the modules in it: they hide all others of their names. A folder without
    /// an `__init__` hides none, and is imported all the same.
    pub(super) fn working_directory(&mut self, folder: &Path) -> Result<(), String> {
        self.modules(folder, LEVELS)
    }

    fn modules(&mut self, folder: &Path, levels: u32) -> Result<(), String> {
        self.path(folder)?;
        // A sticky folder keeps others from replacing files, not from adding some.
        if fs::metadata(folder).is_ok_and(|found| found.mode() & 0o1000 != 0 && found.mode() & 0o022 != 0) {
            return Err(format!("{}, and others can put modules into {}", self.reason, folder.display()));
        }
        if levels == 0 {
            return Ok(());
        }
        for entry in entries(folder).filter(|entry| is_module(entry)) {
            if entry.is_dir() { self.modules(&entry, levels - 1)? } else { self.path(&entry)? }
        }
        Ok(())
    }

    /// Takes in a path, the links on its way and every folder above.
    pub(super) fn path(&mut self, path: &Path) -> Result<(), String> {
        let path = &std::path::absolute(path)
            .map_err(|error| format!("{} cannot be looked at: {error}", path.display()))?;
        for link in links(path) {
            self.lineage(&link)?;
        }
        match fs::canonicalize(path) {
            Ok(real) if real != *path => self.lineage(&real),
            _ => Ok(()),
        }
    }

    fn lineage(&mut self, path: &Path) -> Result<(), String> {
        for place in path.ancestors().take_while(|place| place.is_absolute()) {
            if !self.known.insert(place.to_owned()) {
                // Then everything above it is known, too.
                return Ok(());
            }
            self.place(place)?;
        }
        Ok(())
    }

    fn place(&mut self, place: &Path) -> Result<(), String> {
        let found = match fs::metadata(place) {
            Ok(found) => found,
            // What is not there decides nothing.
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(format!("{} cannot be looked at: {error}", place.display())),
        };
        let link = fs::symlink_metadata(place).map_or(0, |link| link.uid());
        self.owners.extend([found.uid(), link].into_iter().filter(|uid| *uid != 0));
        let mode = found.mode();
        // In a sticky folder nobody replaces what belongs to another.
        if found.is_dir() && mode & 0o1000 != 0 {
            return Ok(());
        }
        let others = if mode & 0o002 != 0 {
            Some("everyone".to_owned())
        } else if mode & 0o020 != 0 {
            self.accounts.others_in_group(found.gid(), found.uid())
        } else {
            None
        };
        match others {
            Some(others) => {
                Err(format!("{}, and {} can be written by {others}", self.reason, place.display()))
            }
            None => Ok(()),
        }
    }
}

/// The folder that a line of a `.pth` file names. Its other lines are code, and the code of whoever owns it.
fn named(line: &str) -> Option<&str> {
    let line = line.trim_end();
    let is_code = ["import ", "import\t", "#"].iter().any(|start| line.starts_with(start));
    (!is_code && !line.trim().is_empty()).then_some(line)
}

/// A path, and each link on the way from it to what it leads to.
fn links(path: &Path) -> Vec<PathBuf> {
    let mut links = vec![path.to_owned()];
    while let Some(link) = links.last().filter(|_| links.len() < 40) {
        let Ok(target) = fs::read_link(link) else { break };
        let target = link.parent().unwrap_or(Path::new("/")).join(target);
        links.push(target);
    }
    links
}

/// Whether Python would import it: a file of code, or a folder, with an `__init__` or without. No name of a module has a dot.
fn is_module(entry: &Path) -> bool {
    let is_code = |end: &OsStr| ["py", "pyc", "so"].iter().any(|code| end.eq_ignore_ascii_case(code));
    let has_dot = entry.file_name().is_some_and(|name| name.as_bytes().contains(&b'.'));
    if has_dot { entry.extension().is_some_and(is_code) } else { entry.is_dir() }
}

/// What lies directly in a folder; nothing where it cannot be read.
pub(super) fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> + use<> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}
