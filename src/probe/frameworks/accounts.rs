//! Users and groups, read from the machine's own files.
//!
//! Invariant: a group that these files do not list (a directory service's) is taken for one with members.

use super::{files::read_text, identity::Owner};
use crate::probe::passwd::{User, users};
use std::path::Path;

/// `/etc/passwd` and `/etc/group`.
pub(super) struct Accounts {
    users: Vec<User>,
    groups: Vec<Group>,
}

struct Group {
    gid: u32,
    members: Vec<String>,
}

impl Accounts {
    /// Those of this machine; none where the files cannot be read.
    pub(super) fn of_this_machine() -> Self {
        let read = |path| read_text(Path::new(path)).unwrap_or_default();
        Self::parse(&read("/etc/passwd"), &read("/etc/group"))
    }

    fn parse(passwd: &str, group: &str) -> Self {
        Self { users: users(passwd).collect(), groups: group.lines().filter_map(self::group).collect() }
    }

    /// A user to become.
    pub(super) fn owner(&self, uid: u32, gid: u32) -> Owner {
        match self.users.iter().find(|user| user.uid == uid) {
            Some(User { name, gid, home, .. }) => Owner {
                uid,
                gid: *gid,
                groups: self.groups_of(name),
                name: Some(name.clone()),
                home: Some(home.clone()),
            },
            None => Owner { uid, gid, groups: Vec::new(), name: None, home: None },
        }
    }

    /// The groups that list a user: those of /dev/nvidia* may be among them.
    fn groups_of(&self, name: &str) -> Vec<u32> {
        let is_in = |group: &&Group| group.members.iter().any(|member| member == name);
        self.groups.iter().filter(is_in).map(|group| group.gid).collect()
    }

    /// Who is in a group besides root and one owner, as a fragment; none where nobody is.
    pub(super) fn others_in_group(&self, gid: u32, owner: u32) -> Option<String> {
        let Some(group) = self.groups.iter().find(|group| group.gid == gid) else {
            return Some(format!("the unknown group {gid}"));
        };
        let is_other = |name: &str| {
            self.users
                .iter()
                .find(|user| user.name == name)
                .is_none_or(|user| user.uid != 0 && user.uid != owner)
        };
        let at_home = self.users.iter().filter(|user| user.gid == gid).map(|user| user.name.as_str());
        let mut members = group.members.iter().map(String::as_str).chain(at_home);
        members.find(|name| is_other(name)).map(|name| format!("{name}, of group {gid}"))
    }
}

fn group(line: &str) -> Option<Group> {
    let mut fields = line.split(':');
    let gid = fields.nth(2)?.parse().ok()?;
    let members = fields.next()?.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
    Some(Group { gid, members })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines as Debian and Ubuntu write them.
    fn accounts() -> Accounts {
        Accounts::parse(
            "root:x:0:0:root:/root:/bin/bash\nstudent:x:1000:1000:A Student,,,:/home/student:/bin/bash\n\
             other:x:1001:1001::/home/other:/bin/sh\n",
            "root:x:0:\nstaff:x:50:\nstudent:x:1000:\nlab:x:2000:student,other\n",
        )
    }

    #[test]
    fn a_private_group_has_nobody_else() {
        assert_eq!(accounts().others_in_group(1000, 1000), None);
        assert_eq!(accounts().others_in_group(50, 0), None);
        assert_eq!(accounts().others_in_group(1000, 0).as_deref(), Some("student, of group 1000"));
    }

    #[test]
    fn a_shared_or_unknown_group_has() {
        assert_eq!(accounts().others_in_group(2000, 1000).as_deref(), Some("other, of group 2000"));
        assert_eq!(accounts().others_in_group(4711, 1000).as_deref(), Some("the unknown group 4711"));
    }

    #[test]
    fn a_user_brings_groups_and_home() {
        let owner = accounts().owner(1000, 7);
        assert_eq!((owner.gid, owner.home.as_deref()), (1000, Some("/home/student")));
        assert_eq!(owner.groups, [2000]);
        assert_eq!(accounts().owner(4711, 7).gid, 7);
    }
}
