//! As whom a program of Jupyter's may be started, by the rules for Pythons.
//!
//! Invariants: root starts nothing that others can write to; whoever asked by sudo gets what they would get themselves;
//! whoever root becomes gets no secrets of root's.

use super::{
    Ask, Environment,
    accounts::Accounts,
    discover::Candidate,
    heeded,
    identity::{self, NOBODY, Owner, Refusal},
    leftovers,
    survey::Survey,
};
use crate::child::{self, Name, Variables};
use std::{
    env,
    ffi::OsString,
    path::{Path, PathBuf},
};

/// Variables that lead Jupyter to files of whoever set them.
const OF_JUPYTER: [&str; 6] = [
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_CONFIG_PATH",
    "JUPYTER_DATA_DIR",
    "JUPYTER_PATH",
    "IPYTHONDIR",
    "XDG_CONFIG_HOME",
];

/// As whom something is started, and with what.
#[derive(Clone, Debug)]
pub(crate) struct Vouched {
    /// Whom to become; none where the asking user stays.
    pub(crate) identity: Option<child::Identity>,
    /// The variables to start with; none for those of this process.
    pub(crate) base: Option<Variables>,
    /// Changes to them.
    pub(crate) changes: Vec<(Name, Option<OsString>)>,
    /// Whose it will be.
    pub(crate) uid: u32,
    /// That user's home.
    pub(crate) home: Option<PathBuf>,
}

impl Vouched {
    /// Whether it runs as root.
    pub(crate) fn is_root(&self) -> bool {
        self.uid == 0
    }
}

/// As whom this Python may run a program of Jupyter's; `said_in` are the files that lead to it.
pub(crate) fn vouch(python: &Path, said_in: &[PathBuf]) -> Result<Vouched, String> {
    let environment = Environment::of_this_process();
    if !rustix::process::geteuid().is_root() {
        return Ok(oneself(&environment));
    }
    let accounts = Accounts::of_this_machine();
    let candidate =
        Candidate { program: python.to_owned(), said_in: said_in.to_vec(), ..Candidate::default() };
    let identity = identity::choose(&Ask::new(environment.clone()), &candidate).map_err(why)?;
    match identity.owner {
        Some(owner) => Ok(become_one(&environment, &owner)),
        None => Ok(match who_asked(&accounts) {
            Some(owner) => become_one(&environment, &owner),
            None => root(&environment, &accounts),
        }),
    }
}

/// As whom what lies in a folder may be run: as whoever asked by sudo, else as the folder's owner; none where that is root.
pub(crate) fn owner_of(folder: &Path) -> Option<Vouched> {
    use std::os::unix::fs::MetadataExt;
    let environment = Environment::of_this_process();
    if !rustix::process::geteuid().is_root() {
        return Some(oneself(&environment));
    }
    let accounts = Accounts::of_this_machine();
    let owner = || {
        let found = folder.metadata().ok().filter(|found| found.uid() != 0)?;
        Some(accounts.owner(found.uid(), found.gid()))
    };
    who_asked(&accounts).or_else(owner).map(|owner| become_one(&environment, &owner))
}

/// Whether root alone can write to a file, or why not.
pub(crate) fn only_root_writes(path: &Path) -> Result<(), String> {
    let accounts = Accounts::of_this_machine();
    let mut survey = Survey::new(&accounts);
    survey.path(path)?;
    match survey.owners.first() {
        Some(uid) => Err(format!("gpucheck runs as root, and {} is the user {uid}'s", path.display())),
        None => Ok(()),
    }
}

/// Whoever asks is whom they are.
fn oneself(environment: &Environment) -> Vouched {
    Vouched {
        identity: None,
        base: None,
        changes: Vec::new(),
        uid: rustix::process::geteuid().as_raw(),
        home: environment.home.clone(),
    }
}

/// Who became root by sudo.
fn who_asked(accounts: &Accounts) -> Option<Owner> {
    let number = |name: &str| env::var(name).ok()?.parse::<u32>().ok();
    let uid = number("SUDO_UID").filter(|uid| *uid != 0)?;
    let owner = accounts.owner(uid, number("SUDO_GID").unwrap_or(NOBODY));
    owner.home.is_some().then_some(owner)
}

fn become_one(environment: &Environment, owner: &Owner) -> Vouched {
    let text = |value: &Option<String>| value.clone().map(OsString::from);
    let mut changes: Vec<(Name, Option<OsString>)> =
        OF_JUPYTER.iter().map(|name| (Name::from(*name), None)).collect();
    let own = [("HOME", text(&owner.home)), ("USER", text(&owner.name)), ("LOGNAME", text(&owner.name))];
    changes.extend(own.map(|(name, value)| (name.into(), value)));
    changes.push(("XDG_CACHE_HOME".into(), None));
    Vouched {
        identity: Some(owner.as_child()),
        base: Some(heeded::harmless(environment)),
        changes,
        uid: owner.uid,
        home: owner.home.clone().map(PathBuf::from),
    }
}

/// Root itself, with nothing that sudo brought from somebody's home.
fn root(environment: &Environment, accounts: &Accounts) -> Vouched {
    // What sudo left may be the home of whoever asked.
    let own = environment.home.clone().filter(|home| only_root_writes(home).is_ok());
    let home = own.or_else(|| accounts.owner(0, 0).home.map(PathBuf::from));
    let mut changes: Vec<(Name, Option<OsString>)> =
        OF_JUPYTER.iter().map(|name| (Name::from(*name), None)).collect();
    changes.push(("HOME".into(), home.clone().map(PathBuf::into_os_string)));
    let of_others = leftovers::of_others(environment, accounts);
    changes.extend(of_others.into_iter().map(|change| (change.name.into(), change.value)));
    Vouched { identity: None, base: None, changes, uid: 0, home }
}

fn why(refusal: Refusal) -> String {
    match refusal {
        Refusal::NotRun(why) => why,
        Refusal::Failed(failure) => failure.to_string(),
    }
}

/// The Python that a script of pip's is run by.
pub(crate) fn python_of_script(script: &Path) -> Option<PathBuf> {
    let text = super::files::read_text(script).ok()?;
    super::servers::interpreter_of(&text).map(PathBuf::from)
}
