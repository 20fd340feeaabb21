//! As whom a Python may run.
//!
//! Starting a Python runs whatever its environment holds: packages, `.pth` files, `sitecustomize`. Root must
//! therefore not start one that somebody else can write to.
//!
//! Invariants: anyone but root runs it as themselves, of those that nobody named only their own and the system's; root runs it as root only where nobody else can write to
//! it, as its owner where exactly one user can, and not at all otherwise; a service runs it only where root alone can write
//! to it, whoever the service runs as. Root's look, and a service's, goes in steps, and each starts only what the one before
//! has found to be root's: the files by which the Python is started, then the
//! bare interpreter (`interpreter.rs`), then all of it. What root's own `.pth` files and modules do is root's.

use super::{
    Ask,
    accounts::Accounts,
    discover::{Candidate, Environment},
    files::read_text,
    interpreter,
    leftovers::{self, inherited},
    survey::{Survey, entries},
};
use crate::child;
use gpucheck_checks::fact::{FoundBy, ProbeFailure};
use std::{
    collections::BTreeSet,
    env,
    ffi::OsString,
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// A user and a group that own nothing.
pub(super) const NOBODY: u32 = 65534;

/// As whom a Python runs.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Identity {
    /// Somebody else, where it is not the asking user.
    pub(super) owner: Option<Owner>,
    /// Others can write to the working directory, from which Python imports as well.
    pub(super) avoids_working_directory: bool,
    /// What must be started instead of a program that only finds a Python.
    pub(super) program: Option<PathBuf>,
    /// Changes to the inherited variables, and why.
    pub(super) changes: Vec<leftovers::Change>,
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

/// Why a Python may not run.
#[derive(Debug)]
pub(super) enum Refusal {
    /// It was not tried.
    NotRun(String),
    /// The bare interpreter itself failed.
    Failed(ProbeFailure),
}

impl From<String> for Refusal {
    fn from(why: String) -> Self {
        Self::NotRun(why)
    }
}

/// As whom this Python may run, or why it may not.
pub(super) fn choose(ask: &Ask, candidate: &Candidate) -> Result<Identity, Refusal> {
    let accounts = Accounts::of_this_machine();
    if ask.roots_alone {
        return of_a_service(ask, candidate, &accounts);
    }
    if !rustix::process::geteuid().is_root() {
        return of_oneself(candidate, &accounts);
    }
    let mut survey = Survey::new(&accounts);
    only_plain_options(&survey, candidate)?;
    start(&mut survey, candidate)?;
    for path in loaded_first(&ask.environment) {
        survey.path(&path)?;
    }
    let mut meant = candidate.clone();
    if survey.owners.is_empty() && candidate.python.is_some() {
        return Err(cannot_tell(&survey, &candidate.program).into());
    }
    // A program that is not there only fails to start.
    if survey.owners.is_empty() && candidate.program.exists() {
        if !is_python(&candidate.program) {
            meant.program = interpreter::behind(&candidate.program)?;
            start(&mut survey, &meant)?;
        }
        if survey.owners.is_empty() {
            whole(&mut survey, &meant)?;
        }
    }
    let owner = survey.only_owner(&candidate.program)?;
    let owner = owner.map(|uid| accounts.owner(uid, gid_of(&meant, uid)));
    let changes =
        if owner.is_none() { leftovers::of_others(&ask.environment, &accounts) } else { Vec::new() };
    let program = (meant != *candidate).then_some(meant.program);
    Ok(Identity {
        owner,
        avoids_working_directory: !only_root_writes_in(ask.environment.folder.as_ref(), &accounts),
        program,
        changes,
    })
}

/// A service runs, as whom it is, what root alone can write to; what others can it leaves to them.
fn of_a_service(ask: &Ask, candidate: &Candidate, accounts: &Accounts) -> Result<Identity, Refusal> {
    let mut survey = Survey::because("the service starts what root alone can write to", accounts);
    only_plain_options(&survey, candidate)?;
    start(&mut survey, candidate)?;
    for path in loaded_first(&ask.environment) {
        survey.path(&path)?;
    }
    if survey.owners.is_empty() && candidate.python.is_some() {
        return Err(cannot_tell(&survey, &candidate.program).into());
    }
    if survey.owners.is_empty() && candidate.program.exists() {
        whole(&mut survey, candidate)?;
    }
    if let Some(other) = survey.owners.first() {
        let program = candidate.program.display();
        return Err(format!("{}, and {program} is in the hands of user {other}", survey.reason).into());
    }
    Ok(Identity {
        owner: None,
        avoids_working_directory: !only_root_writes_in(ask.environment.folder.as_ref(), accounts),
        program: None,
        changes: leftovers::of_others(&ask.environment, accounts),
    })
}

/// Whoever is not root runs a Python as themselves: those that they or their kernels name, whosesoever they are; of those
/// that only lie where environments lie, what is theirs and the system's.
fn of_oneself(candidate: &Candidate, accounts: &Accounts) -> Result<Identity, Refusal> {
    if candidate.found_by == FoundBy::Environment {
        let mut survey = Survey::because("nobody named it", accounts);
        start(&mut survey, candidate)?;
        let own = rustix::process::geteuid().as_raw();
        if let Some(other) = survey.owners.iter().find(|uid| **uid != own) {
            let program = candidate.program.display();
            return Err(format!("nobody named it, and {program} is in the hands of user {other}").into());
        }
    }
    Ok(Identity::default())
}

/// Options of an interpreter that lead to no code.
const PLAIN: [&str; 11] =
    ["-B", "-E", "-I", "-O", "-OO", "-b", "-q", "-s", "-u", "-Xfrozen_modules=off", "frozen_modules=off"];

/// Root starts an interpreter with its own options alone: a module or a file that is named before may be anybody's.
fn only_plain_options(survey: &Survey<'_>, candidate: &Candidate) -> Result<(), String> {
    let is_plain = |word: &OsString| {
        let word = word.to_string_lossy();
        PLAIN.contains(&word.as_ref()) || word == "-X"
    };
    match candidate.words.iter().find(|word| !is_plain(word)) {
        Some(word) => Err(format!("{}: {}", cannot_tell(survey, &candidate.program), word.display())),
        None => Ok(()),
    }
}

/// What the dynamic loader takes before the libraries that a Python is linked with. An entry that is not absolute means
/// the working directory.
fn loaded_first(environment: &Environment) -> Vec<PathBuf> {
    let here = environment.folder.clone().or_else(|| env::current_dir().ok()).unwrap_or_default();
    let value = |name| inherited(environment, name).unwrap_or_default();
    let folders = value("LD_LIBRARY_PATH");
    let folders = if folders.is_empty() { Vec::new() } else { env::split_paths(&folders).collect() };
    let files = [value("LD_PRELOAD"), value("LD_AUDIT")];
    let files = files
        .iter()
        .flat_map(|list| list.to_string_lossy().split([':', ' ']).map(PathBuf::from).collect::<Vec<_>>());
    // A name without a slash is looked for where libraries lie.
    let files = files.filter(|file| file.components().count() > 1);
    folders.into_iter().chain(files).map(|path| here.join(path)).collect()
}

/// The files by which a Python is started, and the packages that it starts with.
fn start(survey: &mut Survey<'_>, candidate: &Candidate) -> Result<(), String> {
    for path in parts(candidate) {
        survey.path(&path)?;
    }
    for folder in package_folders(&prefixes(candidate)) {
        survey.packages(&folder)?;
    }
    Ok(())
}

/// What the bare interpreter says that it is made of. Only for one that is root's as far as can be seen.
fn whole(survey: &mut Survey<'_>, candidate: &Candidate) -> Result<(), Refusal> {
    if !is_python(&candidate.program) {
        return Err(cannot_tell(survey, &candidate.program).into());
    }
    let paths = interpreter::paths(&candidate.program, &prefixes(candidate)).map_err(Refusal::Failed)?;
    let program = candidate.program.display();
    for path in paths.files().chain(paths.folders()) {
        if !path.is_absolute() {
            let why = format!("{}, and {program} imports from {}", survey.reason, path.display());
            return Err(why.into());
        }
    }
    for path in paths.files() {
        survey.path(&path)?;
    }
    for folder in paths.folders() {
        survey.packages(&folder)?;
    }
    Ok(())
}

fn cannot_tell(survey: &Survey<'_>, program: &Path) -> String {
    format!("{}, and what {} starts cannot be told", survey.reason, program.display())
}

/// Whether this is an interpreter itself: a binary, and by its name no launcher of versions.
fn is_python(program: &Path) -> bool {
    let Ok(binary) = fs::canonicalize(program) else { return false };
    let name = binary.file_name().unwrap_or_default().to_string_lossy();
    (name.starts_with("python") || name.starts_with("pypy")) && is_binary(&binary)
}

/// Whether a program is no script.
pub(super) fn is_binary(program: &Path) -> bool {
    read_text(program).is_ok_and(|text| text.starts_with("\x7fELF"))
}

fn gid_of(candidate: &Candidate, uid: u32) -> u32 {
    group_of(candidate.environment.as_ref().unwrap_or(&candidate.program), uid)
}

/// The group of a user who has no account, by a place of theirs.
pub(super) fn group_of(place: &Path, uid: u32) -> u32 {
    // A group of somebody else's would be a gift, and that of root's is nobody else's.
    let own = fs::metadata(place).ok().filter(|found| found.uid() == uid && found.gid() != 0);
    own.map_or(NOBODY, |found| found.gid())
}

fn only_root_writes_in(folder: Option<&PathBuf>, accounts: &Accounts) -> bool {
    let mut survey = Survey::new(accounts);
    let Some(folder) = folder.cloned().or_else(|| env::current_dir().ok()) else { return false };
    // A sticky folder keeps others from replacing files, not from adding some.
    let open = fs::metadata(&folder).is_ok_and(|found| found.mode() & 0o002 == 0);
    open && survey.path(&folder).is_ok() && survey.owners.is_empty()
}

/// What starts this Python: the program, the files that name it, the binary, the configuration, the prefixes.
fn parts(candidate: &Candidate) -> Vec<PathBuf> {
    let mut parts = vec![candidate.program.clone()];
    parts.extend(candidate.python.iter().chain(&candidate.said_in).cloned());
    for prefix in prefixes(candidate) {
        parts.push(prefix.join("pyvenv.cfg"));
        parts.push(prefix);
    }
    parts
}

/// The environment's folder and that of the interpreter that it was made from.
pub(super) fn prefixes(candidate: &Candidate) -> BTreeSet<PathBuf> {
    let mut prefixes: BTreeSet<PathBuf> = candidate.environment.iter().cloned().collect();
    let binary = fs::canonicalize(&candidate.program).ok();
    let programs =
        [Some(&candidate.program), candidate.python.as_ref(), binary.as_ref()].into_iter().flatten();
    prefixes.extend(programs.filter_map(|program| program.ancestors().nth(2)).map(Path::to_owned));
    // In an environment that was made with copies no link leads there.
    let homes: Vec<_> = prefixes.iter().filter_map(|prefix| home(&prefix.join("pyvenv.cfg"))).collect();
    prefixes.extend(homes.iter().filter_map(|home| home.parent()).map(Path::to_owned));
    if prefixes.contains(Path::new("/usr")) {
        // Debian's Python installs here.
        prefixes.insert("/usr/local".into());
    }
    prefixes
}

/// Where the configuration of an environment says that its interpreter is from.
fn home(configuration: &Path) -> Option<PathBuf> {
    let text = read_text(configuration).ok()?;
    let mut settings = text.lines().filter_map(|line| line.split_once('='));
    settings.find(|(name, _)| name.trim() == "home").map(|(_, home)| home.trim().into())
}

/// The folders that packages are imported from.
pub(super) fn package_folders(prefixes: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let libs = prefixes.iter().flat_map(|prefix| ["lib", "lib64"].map(|name| prefix.join(name)));
    let is_python = |path: &PathBuf| {
        path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.starts_with("python"))
    };
    let pythons = libs.flat_map(|lib| entries(&lib).filter(is_python).collect::<Vec<_>>());
    pythons
        .flat_map(|python| [python.join("site-packages"), python.join("dist-packages"), python])
        .filter(|folder| folder.is_dir())
        .collect()
}
