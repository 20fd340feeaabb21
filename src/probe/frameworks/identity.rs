//! As whom a Python may run.
//!
//! Starting a Python runs whatever its environment holds: packages, `.pth` files, `sitecustomize`. Root must
//! therefore not start one that somebody else can write to.
//!
//! Invariants: anyone but root runs it as themselves; root runs it as root only where nobody else can write to
//! it, as its owner where exactly one user can, and not at all otherwise; what cannot be told counts as
//! somebody else's. The folders of packages are looked at, and their direct entries; not what lies deeper.

use super::{accounts::Accounts, discover::Candidate};
use crate::child;
use std::{
    collections::BTreeSet,
    env, fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// As whom a Python runs.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    /// Somebody else, where it is not the asking user.
    pub(super) owner: Option<Owner>,
    /// Only the asking user can write to the working directory, from which Python imports as well.
    pub(super) trusts_working_directory: bool,
}

/// A user to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    pub(super) uid: u32,
    pub(super) gid: u32,
    /// The other groups that the user is in.
    pub(super) groups: Vec<u32>,
    pub(super) name: Option<String>,
    pub(super) home: Option<String>,
}

impl Owner {
    /// For the child that becomes this user.
    pub(super) fn as_child(&self) -> child::Identity {
        child::Identity { uid: self.uid, gid: self.gid, groups: self.groups.clone() }
    }
}

/// As whom this Python may run, or why it may not.
pub(super) fn choose(candidate: &Candidate) -> Result<Identity, String> {
    if !rustix::process::geteuid().is_root() {
        return Ok(Identity { owner: None, trusts_working_directory: true });
    }
    let accounts = Accounts::of_this_machine();
    let mut survey = Survey::new(&accounts);
    for path in parts(candidate) {
        survey.path(&path)?;
    }
    for folder in package_folders(&prefixes(candidate)) {
        survey.folder(&folder)?;
    }
    let owners: Vec<u32> = survey.owners.into_iter().collect();
    let owner = match owners.as_slice() {
        [] => None,
        [uid] => Some(accounts.owner(*uid, gid_of(candidate))),
        more => {
            let users = more.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
            return Err(format!(
                "gpucheck runs as root, and {} is in the hands of several users: {users}",
                candidate.program.display()
            ));
        }
    };
    Ok(Identity { owner, trusts_working_directory: only_root_writes_here(&accounts) })
}

fn gid_of(candidate: &Candidate) -> u32 {
    let place = candidate.environment.as_ref().unwrap_or(&candidate.program);
    // nogroup, where not even this can be told.
    fs::metadata(place).map_or(65534, |found| found.gid())
}

fn only_root_writes_here(accounts: &Accounts) -> bool {
    let mut survey = Survey::new(accounts);
    let Ok(folder) = env::current_dir() else { return false };
    // A sticky folder keeps others from replacing files, not from adding some.
    let open = fs::metadata(&folder).is_ok_and(|found| found.mode() & 0o002 == 0);
    open && survey.path(&folder).is_ok() && survey.owners.is_empty()
}

/// What starts this Python: the links to the binary, the binary, the configuration, the prefixes.
fn parts(candidate: &Candidate) -> Vec<PathBuf> {
    let mut parts = links(&candidate.program);
    parts.extend(fs::canonicalize(&candidate.program));
    for prefix in prefixes(candidate) {
        parts.push(prefix.join("pyvenv.cfg"));
        parts.push(prefix);
    }
    parts
}

/// The environment's folder and that of the interpreter that it was made from.
fn prefixes(candidate: &Candidate) -> BTreeSet<PathBuf> {
    let mut prefixes: BTreeSet<PathBuf> = candidate.environment.iter().cloned().collect();
    let binary = fs::canonicalize(&candidate.program).ok();
    prefixes.extend(binary.as_deref().and_then(|binary| binary.ancestors().nth(2)).map(Path::to_owned));
    if prefixes.contains(Path::new("/usr")) {
        // Debian's Python installs here.
        prefixes.insert("/usr/local".into());
    }
    prefixes
}

/// The program, and each link on the way from it to the binary.
fn links(program: &Path) -> Vec<PathBuf> {
    let mut links = vec![program.to_owned()];
    while let Some(link) = links.last().filter(|_| links.len() < 40) {
        let Ok(target) = fs::read_link(link) else { break };
        let target = link.parent().unwrap_or(Path::new("/")).join(target);
        links.push(target);
    }
    links
}

/// The folders that packages are imported from.
fn package_folders(prefixes: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let libs = prefixes.iter().flat_map(|prefix| ["lib", "lib64"].map(|name| prefix.join(name)));
    let is_python = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("python3"))
    };
    let pythons = libs.flat_map(|lib| entries(&lib).filter(is_python).collect::<Vec<_>>());
    pythons
        .flat_map(|python| [python.join("site-packages"), python.join("dist-packages"), python])
        .filter(|folder| folder.is_dir())
        .collect()
}

fn entries(folder: &Path) -> impl Iterator<Item = PathBuf> {
    fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path())
}

/// Who can write to some places.
struct Survey<'a> {
    accounts: &'a Accounts,
    /// Users other than root.
    owners: BTreeSet<u32>,
    /// Folders that were taken in: hundreds of paths share them.
    known: BTreeSet<PathBuf>,
}

impl<'a> Survey<'a> {
    fn new(accounts: &'a Accounts) -> Self {
        Self { accounts, owners: BTreeSet::new(), known: BTreeSet::new() }
    }

    /// Takes in a folder and its direct entries.
    fn folder(&mut self, folder: &Path) -> Result<(), String> {
        self.path(folder)?;
        for entry in entries(folder) {
            // What is no link lies where the folder lies.
            if entry.is_symlink() { self.path(&entry)? } else { self.place(&entry)? }
        }
        Ok(())
    }

    /// Takes in a path and every folder above it, as it is written and as it resolves.
    fn path(&mut self, path: &Path) -> Result<(), String> {
        self.lineage(path)?;
        match fs::canonicalize(path) {
            Ok(real) if real != path => self.lineage(&real),
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
                Err(format!("gpucheck runs as root, and {} can be written by {others}", place.display()))
            }
            None => Ok(()),
        }
    }
}
