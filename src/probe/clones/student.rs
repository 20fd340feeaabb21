//! The account that students will log in as.
//!
//! Invariant: of `/etc/shadow` nothing is kept but whether a password fits.
//!
//! Source: passwd(5), shadow(5), usermod(8) on `-L`; cloud-init's module "Users and Groups".

use super::places;
use crate::{
    probe::passwd::{self, User},
    root::Root,
};
use gpucheck_checks::fact::{LoginAccount, PasswordState, StudentAccount};

/// What the files say of the account of this name; `passwd` is the list of accounts.
pub(super) fn account(root: &Root, passwd: &str, name: &str) -> StudentAccount {
    let listed = passwd::users(passwd).find(|user| user.name == name);
    StudentAccount {
        user: name.to_owned(),
        account: listed.map(|user| login(root, user)),
        made_by: made_by(root, name),
        directories: passwd::directories(root),
    }
}

fn login(root: &Root, user: User) -> LoginAccount {
    let keys = format!("{}/.ssh/authorized_keys", user.home.trim_end_matches('/'));
    LoginAccount {
        uid: user.uid,
        has_home: user.home.len() > 1 && root.is_folder(&user.home),
        shell_lets_in: user.may_log_in() && (user.shell.is_empty() || root.exists(&user.shell)),
        password: password(root.text("/etc/shadow").ok().as_deref(), &user.name),
        has_keys: root.stat(&keys).is_some_and(|found| found.st_size > 0),
        home: user.home,
        shell: user.shell,
    }
}

fn password(shadow: Option<&str>, name: &str) -> PasswordState {
    let lines = shadow.unwrap_or_default().lines();
    let mut lines = lines.filter_map(|line| line.split_once(':'));
    let of_user = lines.find(|(user, _)| *user == name);
    match of_user.map(|(_, rest)| rest.split(':').next().unwrap_or_default()) {
        None => PasswordState::Untold,
        Some("") => PasswordState::Empty,
        Some(hash) if hash.starts_with(['!', '*']) => PasswordState::Locked,
        Some(_) => PasswordState::Set,
    }
}

/// The file of cloud-init's that names the account: `default_user` or one of `users`.
fn made_by(root: &Root, name: &str) -> Option<String> {
    let more = places::files(root, "/etc/cloud/cloud.cfg.d", &[".cfg"]);
    let mut files = ["/etc/cloud/cloud.cfg".to_owned()].into_iter().chain(more);
    files.find(|file| {
        let text = root.configuration(file).unwrap_or_default();
        text.lines().any(|line| named(line) == Some(name))
    })
}

/// `- name: NAME`.
fn named(line: &str) -> Option<&str> {
    let line = line.trim();
    let value = line.strip_prefix("- ").unwrap_or(line).trim().strip_prefix("name:")?;
    Some(value.trim().trim_matches(['"', '\'']))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As useradd, `passwd -l` and cloud-init's `lock_passwd` leave them.
    #[test]
    fn a_password_fits_or_not() {
        let shadow = "root:*:19000:0:99999:7:::\nkim:$6$salt$hash:19000:0:99999:7:::\nlee:!$6$salt$hash:19000::::::\nnew:!:19000::::::\nopen::19000::::::\n";
        for (name, state) in [
            ("kim", PasswordState::Set),
            ("lee", PasswordState::Locked),
            ("new", PasswordState::Locked),
            ("root", PasswordState::Locked),
            ("open", PasswordState::Empty),
            ("ki", PasswordState::Untold),
        ] {
            assert_eq!(password(Some(shadow), name), state, "{name}");
        }
        assert_eq!(password(None, "kim"), PasswordState::Untold);
    }

    /// As Ubuntu's /etc/cloud/cloud.cfg and cloud-init's examples have them.
    #[test]
    fn users_of_cloud_init_are_named() {
        assert_eq!(named("     name: ubuntu"), Some("ubuntu"));
        assert_eq!(named("  - name: 'student'"), Some("student"));
        assert_eq!(named("  - default"), None);
        assert_eq!(named("# name: ubuntu"), None);
    }
}
