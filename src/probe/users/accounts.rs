//! Who of the accounts is a person.
//!
//! Source: login.defs(5), `UID_MIN` and `UID_MAX`; nsswitch.conf(5); nologin(8).

use crate::{
    probe::passwd::{self, User, users},
    root::Root,
};
use std::{collections::BTreeSet, ops::RangeInclusive, path::Path};

/// Most people that are looked as.
const MOST: usize = 64;
/// Most homes whose owners are asked about.
const MOST_HOMES: usize = 1024;
/// The id that owns nothing.
const NOBODY: u32 = 65534;
/// The people of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    /// By their ids.
    pub people: Vec<Account>,
    /// How many more there are.
    pub more: u32,
    /// Owners of homes who have no line in `/etc/passwd`.
    pub not_listed: Vec<u32>,
    /// Directory services that know of more.
    pub directories: Vec<String>,
}

/// A person's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// The name.
    pub name: String,
    /// The id.
    pub uid: u32,
    /// The person's own group.
    pub gid: u32,
    /// The other groups that list this person.
    pub groups: Vec<u32>,
    /// An absolute path.
    pub home: String,
    /// What a login starts.
    pub shell: String,
}

impl Accounts {
    /// Those of a machine, by its own files; by another list than `/etc/passwd` where one is given.
    ///
    /// # Errors
    /// The list cannot be read.
    pub fn of(root: &Root, list: Option<&Path>) -> std::io::Result<Self> {
        let passwd = match list {
            Some(list) => Root::new("/").text(&list.to_string_lossy())?,
            None => root.text("/etc/passwd")?,
        };
        let group = root.text_of("/etc/group").unwrap_or_default();
        let ids = passwd::ids_of_people(root);
        let mut known = BTreeSet::new();
        let is_person = |user: &User| is_person(root, user, &ids) && known.insert(user.uid);
        let mut people: Vec<User> = users(&passwd).filter(is_person).collect();
        people.sort_by_key(|user| user.uid);
        let more = u32::try_from(people.len().saturating_sub(MOST)).unwrap_or(u32::MAX);
        people.truncate(MOST);
        let people = people.into_iter().map(|user| account(user, &group)).collect();
        let not_listed = not_listed(root, &passwd, *ids.start());
        Ok(Self { people, more, not_listed, directories: passwd::directories(root) })
    }
}

fn account(user: User, group: &str) -> Account {
    let User { name, uid, gid, home, shell } = user;
    let groups = group.lines().filter_map(|line| {
        let mut fields = line.split(':');
        let gid = fields.nth(2)?.parse().ok()?;
        fields.next()?.split(',').any(|member| member == name).then_some(gid)
    });
    Account { groups: groups.collect(), name, uid, gid, home, shell }
}

/// A person logs in, and has a home that is the person's own.
fn is_person(root: &Root, user: &User, ids: &RangeInclusive<u32>) -> bool {
    ids.contains(&user.uid)
        && user.may_log_in()
        && user.home.starts_with('/')
        && root.is_folder(&user.home)
        && root.stat(&user.home).is_some_and(|home| home.st_uid == user.uid)
}

/// Owners of homes whom the list does not have.
fn not_listed(root: &Root, passwd: &str, least: u32) -> Vec<u32> {
    let known: BTreeSet<u32> = users(passwd).map(|user| user.uid).collect();
    let homes = root.some_names("/home", MOST_HOMES).into_iter();
    let owners = homes.filter_map(|name| {
        let home = format!("/home/{name}");
        root.stat(&home).filter(|_| root.is_folder(&home)).map(|found| found.st_uid)
    });
    let is_stranger = |uid: &u32| *uid >= least && *uid != NOBODY && !known.contains(uid);
    owners.filter(is_stranger).collect::<BTreeSet<u32>>().into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{fs, os::unix::fs::MetadataExt};

    /// A machine whose people are whoever runs this test: nobody else's files can be made without root.
    fn machine(passwd: &str) -> (tempfile::TempDir, u32) {
        let tree = tempfile::tempdir().unwrap();
        for folder in ["etc", "home/kim", "home/lee"] {
            fs::create_dir_all(tree.path().join(folder)).unwrap();
        }
        let uid = fs::metadata(tree.path()).unwrap().uid();
        fs::write(tree.path().join("etc/passwd"), passwd.replace("{uid}", &uid.to_string())).unwrap();
        fs::write(
            tree.path().join("etc/login.defs"),
            format!("#UID_MIN 7\nUID_MIN\t\t{uid}\nUID_MAX {uid}\n"),
        )
        .unwrap();
        (tree, uid)
    }

    fn people(passwd: &str) -> Vec<String> {
        let (tree, _) = machine(passwd);
        let accounts = Accounts::of(&Root::new(tree.path()), None).unwrap();
        accounts.people.into_iter().map(|account| account.name).collect()
    }

    #[test]
    fn a_person_has_a_shell_and_a_home() {
        for (line, is_person) in [
            ("kim:x:{uid}:5:Kim,,,:/home/kim:/bin/bash", true),
            ("kim:x:{uid}:5:Kim:/home/kim:", true),
            ("kim:x:{uid}:5::/home/kim:/usr/sbin/nologin", false),
            ("kim:x:{uid}:5::/home/kim:/bin/false", false),
            ("kim:x:{uid}:5::/home/gone:/bin/bash", false),
            ("kim:x:{uid}:5::/etc/passwd:/bin/bash", false),
            ("kim:x:4242:5::/home/kim:/bin/bash", false),
            ("kim:x:many:5::/home/kim:/bin/bash", false),
            ("kim", false),
            ("", false),
        ] {
            let expected: &[&str] = if is_person { &["kim"] } else { &[] };
            assert_eq!(people(line), expected, "{line}");
        }
    }

    #[test]
    fn two_names_of_one_id_are_one_person() {
        assert_eq!(people("kim:x:{uid}:5::/home/kim:/bin/sh\nlee:x:{uid}:5::/home/lee:/bin/sh\n"), ["kim"]);
    }

    #[test]
    fn groups_are_those_that_list_the_person() {
        let (tree, _) = machine("kim:x:{uid}:5::/home/kim:/bin/sh\n");
        let groups = "root:x:0:\nvideo:x:44:kim\nother:x:45:kimmy,lee\ngpu:x:2000:lee,kim\nbroken\n";
        fs::write(tree.path().join("etc/group"), groups).unwrap();
        let accounts = Accounts::of(&Root::new(tree.path()), None).unwrap();
        assert_eq!(accounts.people[0].groups, [44, 2000]);
    }

    #[test]
    fn no_list_is_an_error() {
        let tree = tempfile::tempdir().unwrap();
        assert!(Accounts::of(&Root::new(tree.path()), None).is_err());
    }

    #[test]
    fn a_home_without_a_line_is_told() {
        let (tree, uid) = machine("");
        let accounts = Accounts::of(&Root::new(tree.path()), None).unwrap();
        assert_eq!(accounts.not_listed, [uid]);
    }
}
