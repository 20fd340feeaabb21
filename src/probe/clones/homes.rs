//! What lies in one person's home alone.
//!
//! Invariants: everything is bounded; nothing of a home is run; links of folders are not followed when notebooks are
//! counted.

use super::{
    Ask,
    places::{MOST_NAMES, Places, SHARED_KERNELS},
    student, ways_in,
};
use crate::{
    probe::{
        frameworks,
        notebooks::command_of,
        passwd::{self, User},
    },
    root::Root,
};
use gpucheck_checks::fact::{Homes, Observed, OwnEnvironment, OwnKernel, PersonsHome};

/// People whose homes are told, at most.
const MOST_PEOPLE: usize = 64;
/// Environments of one home whose packages are looked at, at most.
const MOST_ENVIRONMENTS: usize = 16;
/// Entries of one home among which notebooks are counted, at most, and folders below each other.
const MOST_ENTRIES: usize = 4000;
const DEEPEST: usize = 4;

/// The homes, and what everybody's leads into them; `passwd` is the list of accounts.
pub(super) fn homes(
    root: &Root,
    places: &Places,
    ask: &Ask,
    passwd: &std::io::Result<String>,
) -> Observed<Homes> {
    let passwd = match passwd {
        Ok(text) => text.as_str(),
        // An image without the file has nobody.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => "",
        Err(error) => return Observed::refused("read /etc/passwd", 0, "unreadable", error.to_string()),
    };
    let people = people(root, passwd);
    Observed::Seen(Homes {
        homes: people.iter().map(|person| home(root, places, person, &people)).collect(),
        shared_kernels: shared_kernels(root, places, &people),
        ways_in: ways_in::ways_in(root, places, &people),
        not_searched: places.not_searched,
        student: ask.student.as_deref().map(|name| student::account(root, passwd, name)),
    })
}

/// Root, and everybody who may log in and has a home, each home once.
fn people(root: &Root, passwd: &str) -> Vec<User> {
    let listed = passwd::people_and_root(root, passwd).filter(|user| user.uid == 0 || user.may_log_in());
    let mut people: Vec<User> = Vec::new();
    for user in listed {
        let is_new = people.iter().all(|known| known.home != user.home);
        if is_new && user.home.len() > 1 && people.len() < MOST_PEOPLE && root.is_folder(&user.home) {
            people.push(user);
        }
    }
    people
}

fn home(root: &Root, places: &Places, person: &User, people: &[User]) -> PersonsHome {
    let path = &person.home;
    let is_own = |folder: &str| is_below(folder, path);
    let environments = places.environments.iter().filter(|found| !found.gone && is_own(&found.prefix));
    let environments = environments.take(MOST_ENVIRONMENTS).filter(|found| {
        let packages = frameworks::packages::on(root, &found.folders, Some(&found.prefix));
        packages.ipykernel.is_some() || holds_framework(root, &found.folders, Some(&found.prefix))
    });
    let environments = environments.map(|found| OwnEnvironment {
        conda: root.exists(&format!("{}/conda-meta", found.prefix)),
        base: base(root, &found.python, people),
        version: found.version.clone(),
        prefix: found.prefix.clone(),
    });
    let versions = root.some_names(&format!("{path}/.local/lib"), MOST_NAMES).into_iter();
    let packages = versions
        .filter(|name| name.starts_with("python3"))
        .map(|name| format!("{path}/.local/lib/{name}/site-packages"))
        .filter(|folder| holds_framework(root, std::slice::from_ref(folder), None));
    PersonsHome {
        user: person.name.clone(),
        mode: root.stat(path).map_or(0, |found| found.st_mode & 0o7777),
        kernels: kernels(root, &format!("{path}/.local/share/jupyter/kernels")),
        environments: environments.collect(),
        packages: packages.collect(),
        notebooks: notebooks(root, path),
        path: path.clone(),
    }
}

/// What an environment's interpreter is a link to, where that lies in nobody's home.
fn base(root: &Root, python: &str, people: &[User]) -> Option<String> {
    let is_own = |path: &String| people.iter().any(|person| is_below(path, &person.home));
    root.target(python).ok().filter(|path| !is_own(path))
}

fn holds_framework(root: &Root, folders: &[String], prefix: Option<&str>) -> bool {
    frameworks::tensorflow_in(root, folders).0.is_some()
        || frameworks::packages::on(root, folders, prefix).has_framework()
}

/// Whether a path lies in a folder.
pub(super) fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

fn kernels(root: &Root, folder: &str) -> Vec<OwnKernel> {
    let names = root.some_names(folder, MOST_NAMES).into_iter();
    let found = names.map(|name| (format!("{folder}/{name}"), name));
    found
        .filter(|(folder, _)| root.is_file(&format!("{folder}/kernel.json")))
        .map(|(folder, name)| {
            let program = command_of(root, &folder).and_then(|command| command.into_iter().next());
            OwnKernel { name, folder, program }
        })
        .collect()
}

/// The names of kernels of the system, and of environments that lie in nobody's home.
fn shared_kernels(root: &Root, places: &Places, people: &[User]) -> Vec<String> {
    let folders = shared_folders(places, people);
    let mut names: Vec<String> =
        folders.iter().flat_map(|folder| kernels(root, folder)).map(|kernel| kernel.name).collect();
    names.sort();
    names.dedup();
    names
}

/// Folders of kernels that lie in nobody's home.
pub(super) fn shared_folders(places: &Places, people: &[User]) -> Vec<String> {
    let own = places.in_prefixes(&["share/jupyter/kernels"]);
    let own = own.filter(|folder| !people.iter().any(|person| is_below(folder, &person.home)));
    SHARED_KERNELS.map(str::to_owned).into_iter().chain(own).collect()
}

/// How many notebooks lie in a home, where it is easy to see.
fn notebooks(root: &Root, home: &str) -> u32 {
    let (mut count, mut left) = (0, MOST_ENTRIES);
    let mut open = vec![(home.to_owned(), 0)];
    while let Some((folder, depth)) = open.pop() {
        for name in root.some_names(&folder, left) {
            left = left.saturating_sub(1);
            let path = format!("{folder}/{name}");
            if name.starts_with('.') || root.link(&path).is_some() {
                continue;
            }
            if name.strip_suffix(".ipynb").is_some() {
                count += 1;
            } else if depth < DEEPEST && root.is_folder(&path) {
                open.push((path, depth + 1));
            }
        }
    }
    count
}
