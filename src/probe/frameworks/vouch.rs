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
const OF_JUPYTER: [&str; 7] = [
    "JUPYTER_CONFIG_DIR",
    "JUPYTER_CONFIG_PATH",
    "JUPYTER_DATA_DIR",
    "JUPYTER_PATH",
    "IPYTHONDIR",
    "XDG_CONFIG_HOME",
    "XDG_DATA_HOME",
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
    /// What a program that is started so inherits.
    pub(super) fn inherits(&self, name: &str) -> Option<OsString> {
        if let Some((_, value)) = self.changes.iter().rev().find(|(changed, _)| *changed == name) {
            return value.clone();
        }
        match &self.base {
            Some(base) => base.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone()),
            None => env::var_os(name),
        }
    }

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

/// As whom a file may be run by a Python: as whoever asked by sudo where it and all that lies beside it is theirs or root's,
/// else by the rights of who has written it, root's included. `of_python` is what [`vouch`] says of the Python.
pub(crate) fn vouch_for(file: &Path, of_python: &Result<Vouched, String>) -> Result<Vouched, String> {
    let environment = Environment::of_this_process();
    if !rustix::process::geteuid().is_root() {
        return Ok(oneself(&environment));
    }
    let accounts = Accounts::of_this_machine();
    let asked = who_asked(&accounts);
    let asked_uid = asked.as_ref().map(|asked| asked.uid);
    let writer = writer(file, asked_uid, &accounts)?;
    if let Some(asked) = asked.filter(|asked| Some(asked.uid) == writer) {
        return Ok(become_one(&environment, &asked));
    }
    let python = of_python.clone()?;
    match writer {
        None => Ok(python),
        Some(uid) if [Some(0), Some(uid), asked_uid].contains(&Some(python.uid)) => {
            Ok(become_one(&environment, &accounts.owner(uid, identity::group_of(file, uid))))
        }
        Some(uid) => {
            let (file, others) = (file.display(), python.uid);
            Err(format!("gpucheck runs as root, {file} is the user {uid}'s, and Jupyter the user {others}'s"))
        }
    }
}

/// Who has written a file and what it imports from beside it; none for root. Whoever asked by sudo is as good as root, but
/// not in the file itself: theirs runs by nobody else's rights, and by theirs nothing that others can write to.
fn writer(file: &Path, asked: Option<u32>, accounts: &Accounts) -> Result<Option<u32>, String> {
    use std::os::unix::fs::MetadataExt;
    let found =
        file.metadata().map_err(|error| format!("{} cannot be looked at: {error}", file.display()))?;
    let mut survey = Survey::new(accounts);
    survey.path(file)?;
    survey.working_directory(file.parent().unwrap_or(Path::new("/")))?;
    if asked.is_some() && survey.owners.iter().all(|uid| Some(*uid) == asked) {
        return Ok(asked);
    }
    if asked != Some(found.uid()) {
        survey.owners.retain(|uid| Some(*uid) != asked);
    }
    survey.only_owner(file)
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::{
        fs,
        os::unix::fs::{PermissionsExt, chown, symlink},
    };

    /// Ids that no test machine has.
    const KIM: u32 = 54_341;
    const LEE: u32 = 54_342;

    /// A folder of one user's with a notebook of another's, and what else lies there.
    struct Class(tempfile::TempDir);

    impl Class {
        fn of(folder: u32, notebook: u32) -> Self {
            let class = Self(tempfile::tempdir().unwrap());
            chown(class.0.path(), Some(folder), None).unwrap();
            class.file("a.ipynb", notebook);
            class
        }

        fn file(&self, name: &str, uid: u32) {
            let path = self.0.path().join(name);
            fs::write(&path, "").unwrap();
            chown(path, Some(uid), None).unwrap();
        }

        fn folder(&self, name: &str, uid: u32) {
            let path = self.0.path().join(name);
            fs::create_dir(&path).unwrap();
            chown(path, Some(uid), None).unwrap();
        }

        fn allow(&self, name: &str, mode: u32) {
            fs::set_permissions(self.0.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
        }

        fn writer(&self, asked: Option<u32>) -> Result<Option<u32>, String> {
            writer(&self.0.path().join("a.ipynb"), asked, &Accounts::of_this_machine())
        }
    }

    #[test]
    fn code_runs_by_the_rights_of_who_has_written_it() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: needs root");
            return;
        }
        for (folder, notebook, asked, writer) in [
            (0, 0, None, None),
            (0, KIM, None, Some(KIM)),
            (KIM, KIM, None, Some(KIM)),
            (KIM, 0, None, Some(KIM)),
            (0, 0, Some(KIM), Some(KIM)),
            (KIM, KIM, Some(KIM), Some(KIM)),
            (KIM, 0, Some(KIM), Some(KIM)),
            (LEE, 0, Some(KIM), Some(LEE)),
            (KIM, LEE, Some(KIM), Some(LEE)),
        ] {
            assert_eq!(
                Class::of(folder, notebook).writer(asked),
                Ok(writer),
                "{folder} {notebook} {asked:?}"
            );
        }
        for told in [Class::of(KIM, LEE).writer(None), Class::of(LEE, KIM).writer(Some(KIM))] {
            let told = told.unwrap_err();
            assert!(told.contains(&format!("several users: {KIM}, {LEE}")), "{told}");
        }
    }

    #[test]
    fn a_link_in_anothers_folder_does_not_run_by_the_rights_of_who_asks() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: needs root");
            return;
        }
        let class = Class::of(0, KIM);
        class.folder("lee", LEE);
        let link = class.0.path().join("lee/b.ipynb");
        symlink("../a.ipynb", &link).unwrap();
        class.file("lee/json.py", LEE);
        let told = writer(&link, Some(KIM), &Accounts::of_this_machine()).unwrap_err();
        assert!(told.contains(&format!("several users: {KIM}, {LEE}")), "{told}");
    }

    /// How Python finds packages: <https://docs.python.org/3/reference/import.html#namespace-packages>.
    #[test]
    fn what_could_be_imported_from_folders_beside_it_counts() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: needs root");
            return;
        }
        let with = |folder: &str, owner: u32, file: Option<(&str, u32)>| {
            let class = Class::of(0, 0);
            class.folder(folder, owner);
            if let Some((name, owner)) = file {
                class.file(&format!("{folder}/{name}"), owner);
            }
            [class.writer(None), class.writer(Some(KIM)), class.writer(Some(LEE))]
        };
        let roots = [Ok(None), Ok(Some(KIM)), Ok(Some(LEE))];
        let kims = [Ok(Some(KIM)), Ok(Some(KIM)), Ok(Some(KIM))];
        assert_eq!(with("data", 0, Some(("faces.csv", 0))), roots);
        assert_eq!(with(".ipynb_checkpoints", KIM, None), roots);
        assert_eq!(with("utils", KIM, None), kims);
        for code in ["__init__.py", "x.py", "x.cpython-311.pyc", "x.cpython-311-x86_64-linux-gnu.so"] {
            assert_eq!(with("package", 0, Some((code, KIM))), kims, "{code}");
        }
        assert_eq!(with("data", 0, Some(("faces.csv", KIM))), roots);
        let class = Class::of(0, 0);
        class.folder("package", 0);
        class.folder("package/inner", KIM);
        assert_eq!(class.writer(None), Ok(Some(KIM)));
        class.allow("package", 0o1777);
        assert!(class.writer(None).unwrap_err().contains("others can put modules into"));
    }

    #[test]
    fn what_others_can_write_or_put_beside_it_runs_as_nobody() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: needs root");
            return;
        }
        for (owner, asked) in [(0, None), (0, Some(KIM)), (KIM, None), (KIM, Some(KIM))] {
            let open = |name: &str, mode: u32| {
                let class = Class::of(owner, owner);
                class.allow(name, mode);
                class.writer(asked)
            };
            assert_eq!(open("", 0o755), Ok(asked.or((owner != 0).then_some(owner))));
            assert!(open("", 0o777).unwrap_err().contains("can be written by everyone"));
            assert!(open("", 0o1777).unwrap_err().contains("others can put modules into"));
            assert!(open("a.ipynb", 0o666).unwrap_err().contains("can be written by everyone"));
        }
        let with = |name: &str, uid: u32| {
            let class = Class::of(0, KIM);
            class.file(name, uid);
            class.writer(None)
        };
        assert_eq!(with("b.ipynb", LEE), Ok(Some(KIM)));
        assert!(with("random.py", LEE).unwrap_err().contains("several users"));
    }
}
