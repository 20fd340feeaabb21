//! Users, as `/etc/passwd` has them.

/// A user.
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
    pub(crate) home: String,
    pub(crate) shell: String,
}

/// The users of a file's text. What is no user's line is passed over.
pub(crate) fn users(text: &str) -> impl Iterator<Item = User> + '_ {
    text.lines().filter_map(user)
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
