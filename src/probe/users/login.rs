//! The variables that a login gives a person, by the machine's own files. Scripts of the person's are not run.
//!
//! Source: login(1), `ENV_PATH` in login.defs(5), pam_env(8) and its `/etc/environment`, `/etc/default/locale`.

use super::Account;
use crate::{child::Variables, root::Root};
use std::ffi::OsString;

/// The search path where no file says another.
const PATH: &str = "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games";

/// The variables of a login.
pub(super) fn variables(root: &Root, account: &Account) -> Variables {
    let read = |path| root.configuration(path).unwrap_or_default();
    let mut variables: Vec<(String, String)> = vec![("PATH".to_owned(), path(&read("/etc/login.defs")))];
    for file in ["/etc/default/locale", "/etc/locale.conf", "/etc/environment"] {
        for (name, value) in read(file).lines().filter_map(assignment) {
            set(&mut variables, name, value);
        }
    }
    let shell = if account.shell.is_empty() { "/bin/sh" } else { &account.shell };
    let runtime = format!("/run/user/{}", account.uid);
    let own = [("HOME", account.home.as_str()), ("USER", &account.name), ("LOGNAME", &account.name)];
    for (name, value) in own.into_iter().chain([("SHELL", shell)]) {
        set(&mut variables, name, value);
    }
    if root.stat(&runtime).is_some_and(|found| found.st_uid == account.uid) {
        set(&mut variables, "XDG_RUNTIME_DIR", &runtime);
    }
    variables.into_iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect()
}

fn set(variables: &mut Vec<(String, String)>, name: &str, value: &str) {
    variables.retain(|(known, _)| known != name);
    variables.push((name.to_owned(), value.to_owned()));
}

fn path(login_defs: &str) -> String {
    let lines = login_defs.lines().filter_map(|line| line.trim_start().strip_prefix("ENV_PATH"));
    let mut values = lines.filter(|rest| rest.starts_with(char::is_whitespace)).map(str::trim);
    let value = values.next().map(|value| value.strip_prefix("PATH=").unwrap_or(value));
    value.filter(|value| !value.is_empty()).unwrap_or(PATH).to_owned()
}

/// `NAME=value`, with `export` before it and quotes around the value at will, as `pam_env` reads it.
fn assignment(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    let (name, value) = line.split_once('=')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let quoted = |quote: char| value.strip_prefix(quote)?.strip_suffix(quote);
    let value = quoted('"').or_else(|| quoted('\'')).unwrap_or(value);
    (!name.is_empty() && name.chars().all(is_name) && !value.contains('\0')).then_some((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_login_has_the_variables_of_the_system_s_files() {
        let tree = tempfile::tempdir().unwrap();
        fs::create_dir_all(tree.path().join("etc/default")).unwrap();
        let write = |path: &str, text: &str| fs::write(tree.path().join(path), text).unwrap();
        write("etc/default/locale", "LANG=\"ko_KR.UTF-8\"\n");
        // As Ubuntu writes it, with a line of an administrator's.
        write(
            "etc/environment",
            "PATH=\"/usr/local/sbin:/usr/bin:/snap/bin\"\n# HOME=/x\nexport CUDA_VISIBLE_DEVICES='0'\nHOME=/root\n",
        );
        let account = Account {
            name: "kim".to_owned(),
            uid: 1000,
            gid: 1000,
            groups: Vec::new(),
            home: "/home/kim".to_owned(),
            shell: String::new(),
        };
        let variables = variables(&Root::new(tree.path()), &account);
        let of = |wanted: &str| {
            let mut found = variables.iter().filter(|(name, _)| name == wanted);
            (found.next().map(|(_, value)| value.to_str().unwrap()), found.next())
        };
        for (name, value) in [
            ("PATH", "/usr/local/sbin:/usr/bin:/snap/bin"),
            ("LANG", "ko_KR.UTF-8"),
            ("CUDA_VISIBLE_DEVICES", "0"),
            ("HOME", "/home/kim"),
            ("USER", "kim"),
            ("LOGNAME", "kim"),
            ("SHELL", "/bin/sh"),
        ] {
            assert_eq!(of(name), (Some(value), None), "{name}");
        }
        assert_eq!(of("XDG_RUNTIME_DIR").0, None);
    }

    #[test]
    fn the_search_path_is_that_of_login_defs() {
        assert_eq!(path("ENV_SUPATH\tPATH=/sbin\nENV_PATH\tPATH=/usr/bin:/bin\n"), "/usr/bin:/bin");
        assert_eq!(path("# ENV_PATH PATH=/x\n"), PATH);
    }
}
