//! Users, as `/etc/passwd` has them, and whose ids are those of people.
//!
//! Source: passwd(5); login.defs(5), `UID_MIN` and `UID_MAX`; nologin(8).

use crate::root::Root;
use std::ops::RangeInclusive;

/// Ids of people where `/etc/login.defs` says nothing.
const USUAL: (u32, u32) = (1000, 60_000);
/// Programs that let nobody in.
const CLOSED: [&str; 2] = ["nologin", "false"];
/// What in `/etc/nsswitch.conf` is files of this machine.
const FILES: [&str; 4] = ["files", "compat", "systemd", "db"];

/// A user.
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) home: String,
    pub(crate) shell: String,
}

impl User {
    /// Whether a login starts something.
    pub(crate) fn may_log_in(&self) -> bool {
        !CLOSED.contains(&self.shell.rsplit('/').next().unwrap_or_default())
    }
}

/// The ids that a machine gives to people.
pub(crate) fn ids_of_people(root: &Root) -> RangeInclusive<u32> {
    range(&root.configuration("/etc/login.defs").unwrap_or_default())
}

fn range(login_defs: &str) -> RangeInclusive<u32> {
    let set = |name: &str| {
        let mut lines = login_defs.lines().filter_map(|line| line.trim_start().strip_prefix(name));
        lines.find_map(|rest| {
            rest.starts_with(char::is_whitespace).then(|| rest.split_whitespace().next()?.parse().ok())?
        })
    };
    set("UID_MIN").unwrap_or(USUAL.0)..=set("UID_MAX").unwrap_or(USUAL.1)
}

/// What besides files tells who has an account.
///
/// Source: nsswitch.conf(5).
pub(crate) fn directories(root: &Root) -> Vec<String> {
    services(&root.configuration("/etc/nsswitch.conf").unwrap_or_default())
}

fn services(nsswitch: &str) -> Vec<String> {
    let line = nsswitch.lines().find_map(|line| line.trim_start().strip_prefix("passwd:"));
    let line = line.unwrap_or_default().split('#').next().unwrap_or_default();
    let services = line.split_whitespace().filter(|word| !word.starts_with('[') && !word.ends_with(']'));
    services.filter(|service| !FILES.contains(service)).map(str::to_owned).collect()
}

/// The users of a file's text. What is no user's line is passed over.
pub(crate) fn users(text: &str) -> impl Iterator<Item = User> + '_ {
    text.lines().filter_map(user)
}

/// People among them, and root; their homes without a slash at the end.
pub(crate) fn people_and_root(root: &Root, text: &str) -> impl Iterator<Item = User> {
    let ids = ids_of_people(root);
    users(text)
        .filter(move |user| user.uid == 0 || ids.contains(&user.uid))
        .map(|user| User { home: user.home.trim_end_matches('/').to_owned(), ..user })
}

fn user(line: &str) -> Option<User> {
    let mut fields = line.split(':');
    let name = fields.next()?.to_owned();
    let uid = fields.nth(1)?.parse().ok()?;
    let gid = fields.next()?.parse().ok()?;
    let home = fields.nth(1)?.to_owned();
    let shell = fields.next().unwrap_or_default().trim_end().to_owned();
    Some(User { name, uid, gid, home, shell })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Debian and Ubuntu write both files, and as sssd's documentation changes the second.
    #[test]
    fn files_of_the_system_are_read_as_they_are_written() {
        let defs = "#\n# Min/max values for automatic uid selection in useradd(8)\n#\nUID_MIN\t\t\t 1000\nUID_MAX\t\t\t60000\n\
            # System accounts\n#SYS_UID_MIN\t\t  100\n";
        assert_eq!(range(defs), 1000..=60_000);
        assert_eq!(range("UID_MINIMUM 5\nUID_MIN many\n"), USUAL.0..=USUAL.1);
        assert_eq!(range("UID_MIN 500\n"), 500..=60_000);
        assert_eq!(services("passwd:         files systemd\n"), [""; 0]);
        assert_eq!(services("passwd: files [NOTFOUND=return] sss # here\ngroup: ldap\n"), ["sss"]);
    }
}
