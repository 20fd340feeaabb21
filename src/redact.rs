//! Facts made fit to be shown around: without what names a card or a person.

use gpucheck_checks::fact::Facts;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Names that a person may have and that mean something else in a path.
const SYSTEMS: [&str; 22] = [
    "bin", "boot", "data", "dev", "etc", "home", "lib", "lib64", "local", "mnt", "nvidia", "opt", "proc",
    "python", "root", "run", "srv", "sys", "tmp", "user", "usr", "var",
];

/// The same facts without UUIDs of GPUs and with every home folder's owner called `user`; so is whoever has one of
/// these names, wherever a path has it. The machine's human users are `user1`, `user2`, ... throughout.
pub fn redact(facts: &Facts, names: &[String]) -> Value {
    // Facts hold nothing that JSON cannot; null would be refused by every reader.
    let mut facts = serde_json::to_value(facts).unwrap_or(Value::Null);
    let is_telling = |name: &&str| !name.is_empty() && !SYSTEMS.contains(name);
    let names: Vec<&str> = names.iter().map(String::as_str).filter(is_telling).collect();
    hide_users(&mut facts);
    walk(&mut facts, &names);
    hide_notebooks(&mut facts);
    facts
}

/// By which the asking person may be told in a path: as a user, and as the folder that is their home.
pub fn own_names() -> Vec<String> {
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let folder = home.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let user = ["USER", "LOGNAME", "SUDO_USER"].into_iter().filter_map(|name| std::env::var(name).ok());
    user.chain(folder).collect()
}

/// The asking person's home, which has another name in what is fit to be shown around.
#[derive(Debug)]
pub struct OwnHome {
    own: String,
    redacted: String,
}

impl OwnHome {
    /// That of `HOME`.
    pub fn of_this_process() -> Self {
        let home = std::env::var("HOME").unwrap_or_default();
        Self::new(home.trim_end_matches('/'))
    }

    fn new(home: &str) -> Self {
        Self { own: home.to_owned(), redacted: hidden(home, &[]) }
    }

    /// A text with that home called by its own name, wherever its path stands whole.
    pub fn shown(&self, text: &str) -> String {
        if self.redacted.is_empty() || self.redacted == self.own {
            return text.to_owned();
        }
        let mut parts = text.split(self.redacted.as_str());
        let mut out = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let is_whole = !part.starts_with(is_of_a_name);
            out.extend([if is_whole { self.own.as_str() } else { self.redacted.as_str() }, part]);
        }
        out
    }

    /// The same for every text of a document but the names of its fields.
    pub fn shown_in(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.shown(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.shown_in(item)).collect(),
            Value::Object(fields) => {
                fields.into_iter().map(|(name, value)| (name, self.shown_in(value))).collect()
            }
            other @ (Value::Null | Value::Bool(_) | Value::Number(_)) => other,
        }
    }
}

/// Each human user gets a number, wherever the name stands: in the list, beside a kernel or a Python, in a path.
fn hide_users(facts: &mut Value) {
    let humans = list(facts, "/users/seen/humans").iter();
    let names: Vec<String> =
        humans.filter_map(|human| Some(human.get("name")?.as_str()?.to_owned())).collect();
    for (index, name) in names.iter().enumerate().filter(|(_, name)| !name.is_empty()) {
        number_user(facts, name, &format!("user{}", index + 1));
    }
    for (index, human) in list(facts, "/users/seen/humans").iter_mut().enumerate() {
        if let Some(name) = human.get_mut("name") {
            *name = Value::from(format!("user{}", index + 1));
        }
    }
}

fn number_user(value: &mut Value, name: &str, number: &str) {
    let hidden = |text: &str| {
        let text = text.replace(&format!("(of {name})"), &format!("(of {number})"));
        let text = text.replace(&format!(", of {name})"), &format!(", of {number})"));
        if SYSTEMS.contains(&name) {
            return replace_part(&text, &format!("home/{name}"), &format!("home/{number}"));
        }
        replace_part(&text, name, number)
    };
    match value {
        Value::String(text) => *text = hidden(text),
        Value::Array(items) => items.iter_mut().for_each(|item| number_user(item, name, number)),
        Value::Object(fields) => {
            for (field, mut value) in std::mem::take(fields) {
                if field == "user" && value == name {
                    value = Value::from(number);
                } else {
                    number_user(&mut value, name, number);
                }
                fields.insert(hidden(&field), value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// What a notebook is called is its owner's, wherever it lies: `lab/kim-homework.ipynb` becomes `notebook-1.ipynb`, and
/// the folder of a server `/notebooks-1`.
fn hide_notebooks(facts: &mut Value) {
    let (mut paths, mut folders) = (Vec::new(), Vec::new());
    for process in list(facts, "/processes/seen/on_gpus") {
        number(process, "/notebook/path", &mut paths, |number| format!("notebook-{number}.ipynb"));
    }
    for load in ["/load/seen", "/load/interrupted/seen"] {
        if let Some(load) = facts.pointer_mut(load) {
            number(load, "/asked/notebook", &mut paths, |number| format!("notebook-{number}.ipynb"));
        }
    }
    for server in list(facts, "/notebooks/seen/servers") {
        number(server, "/root", &mut folders, |number| format!("/notebooks-{number}"));
        for told in ["/sessions/seen", "/sessions/interrupted/seen"] {
            for session in list(server, told) {
                number(session, "/path", &mut paths, |number| format!("notebook-{number}.ipynb"));
            }
        }
    }
}

fn list<'a>(value: &'a mut Value, pointer: &str) -> &'a mut [Value] {
    value.pointer_mut(pointer).and_then(Value::as_array_mut).map(Vec::as_mut_slice).unwrap_or_default()
}

/// The same text is the same number.
fn number(at: &mut Value, pointer: &str, known: &mut Vec<String>, name: impl Fn(usize) -> String) {
    let Some(Value::String(text)) = at.pointer_mut(pointer) else { return };
    let at = known.iter().position(|known| known == text).unwrap_or_else(|| {
        known.push(text.clone());
        known.len() - 1
    });
    *text = name(at + 1);
}

fn walk(value: &mut Value, names: &[&str]) {
    match value {
        Value::String(text) => *text = hidden(text, names),
        Value::Array(items) => items.iter_mut().for_each(|item| walk(item, names)),
        Value::Object(fields) => {
            for (name, mut value) in std::mem::take(fields) {
                walk(&mut value, names);
                fields.insert(hidden(&name, names), value);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn hidden(text: &str, names: &[&str]) -> String {
    let text = without_processes(&without_builders(&without_uuids(&without_users(text))));
    names.iter().fold(text, |text, name| without_name(&text, name))
}

/// `/data/people/somebody/x` becomes `/data/people/user/x`.
fn without_name(text: &str, name: &str) -> String {
    replace_part(text, name, "user")
}

/// The same text with this part of a path, or parts, replaced wherever it stands whole after a slash.
fn replace_part(text: &str, part: &str, by: &str) -> String {
    let wanted = format!("/{part}");
    let mut pieces = text.split(wanted.as_str());
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push('/');
        out.push_str(if piece.starts_with(is_of_a_name) { part } else { by });
        out.push_str(piece);
    }
    out
}

/// Whether it is a name that `hide_users` gave.
fn is_numbered(name: &str) -> bool {
    name.strip_prefix("user")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
}

fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || "._-".contains(c)
}

/// `/home/somebody/x` becomes `/home/user/x`, wherever it stands in a text.
fn without_users(text: &str) -> String {
    let mut parts = text.split("/home/");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c| !is_of_a_name(c)).unwrap_or(part.len());
        out.push_str("/home/");
        let name = part.get(..end).unwrap_or_default();
        out.push_str(if name.is_empty() || is_numbered(name) { name } else { "user" });
        out.push_str(part.get(end..).unwrap_or_default());
    }
    out
}

/// `GPU-` or `MIG-` and what follows of a UUID becomes `GPU-redacted`, as in `CUDA_VISIBLE_DEVICES`.
fn without_uuids(text: &str) -> String {
    let mut out = text.to_owned();
    for prefix in ["GPU-", "MIG-"] {
        let mut parts = out.split(prefix).map(str::to_owned).collect::<Vec<_>>().into_iter();
        let mut next = parts.next().unwrap_or_default();
        for part in parts {
            let end = part.find(|c: char| !(c.is_ascii_hexdigit() || c == '-')).unwrap_or(part.len());
            let named =
                if end >= 8 { format!("redacted{}", part.get(end..).unwrap_or_default()) } else { part };
            next = format!("{next}{prefix}{named}");
        }
        out = next;
    }
    out
}

/// `(somebody@host)`, as Linux and its modules note who built them, becomes `(user@host)`.
fn without_builders(text: &str) -> String {
    let mut parts = text.split('(');
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let named = part.split_once(')').filter(|(inside, _)| inside.contains('@') && !inside.contains(' '));
        match named {
            Some((_, rest)) => out.extend(["(user@host)", rest]),
            None => out.extend(["(", part]),
        }
    }
    out
}

/// What the driver notes of a program that it has trouble with, and the serial number of a card: `pid=1234`,
/// `name=somebody.py`, `the client 'x' (pid 1234)`, `GPU Board Serial Number: 0324018045603`.
fn without_processes(text: &str) -> String {
    if !text.contains("NVRM") && !text.contains("pid=") {
        return text.to_owned();
    }
    let noted: [(&str, &[char]); 5] = [
        ("pid=", &[',', ' ']),
        ("name=", &[',']),
        ("the client '", &['\'']),
        ("(pid ", &[')']),
        ("Serial Number: ", &[' ']),
    ];
    noted.iter().fold(text.to_owned(), |text, (before, ends)| without_what_follows(&text, before, ends))
}

/// Each `before`, with what stands behind it up to one of the ends taken out.
fn without_what_follows(text: &str, before: &str, ends: &[char]) -> String {
    let mut parts = text.split(before);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(ends).unwrap_or(part.len());
        out.extend([before, "redacted", part.get(end..).unwrap_or_default()]);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn home_folders_lose_their_names() {
        for (text, kept) in [
            ("/home/kim.s/envs/tf/bin/python", "/home/user/envs/tf/bin/python"),
            ("File \"/home/a-b/x.py\" and /home/c", "File \"/home/user/x.py\" and /home/user"),
            ("/home/", "/home/"),
            ("/usr/bin/python3", "/usr/bin/python3"),
        ] {
            assert_eq!(without_users(text), kept);
        }
    }

    #[test]
    fn a_given_name_is_lost_wherever_a_path_has_it() {
        for (text, kept) in [
            ("/data/people/kim/envs/tf", "/data/people/user/envs/tf"),
            ("File \"/srv/kim\", line 1; /kim: no", "File \"/srv/user\", line 1; /user: no"),
            ("/opt/kimono/kim2/kim.d/a-kim", "/opt/kimono/kim2/kim.d/a-kim"),
            ("kim", "kim"),
        ] {
            assert_eq!(without_name(text, "kim"), kept);
        }
    }

    #[test]
    fn a_home_gets_its_name_back() {
        let home = OwnHome::new("/home/kim");
        assert_eq!(home.shown("/home/user/tf and /home/user2/x"), "/home/kim/tf and /home/user2/x");
        let root = OwnHome::new("/root");
        assert_eq!(root.shown("/root/tf, /home/user/tf"), "/root/tf, /home/user/tf");
        let value = serde_json::json!({"a": ["/home/user/x", 1]});
        assert_eq!(home.shown_in(value), serde_json::json!({"a": ["/home/kim/x", 1]}));
    }

    #[test]
    fn users_are_numbered_wherever_they_are_named() {
        let mut facts = Facts::unprobed("0", "now", "for a test");
        let human = |name: &str, uid: u32| serde_json::json!({"name": name, "uid": uid, "look": {"not_probed": {"why": "kim is away"}}});
        let users = serde_json::json!({"seen": {"asking": 0, "humans": [human("kim", 1000), human("bob", 1001), human("data", 1002)]}});
        facts.users = serde_json::from_value(users).unwrap();
        let kernel = serde_json::json!({"name": "bob", "folder": "/home/bob/.local/share/jupyter/kernels/bob", "user": "bob",
            "spec": {"seen": {"argv": ["/data/bob/tf/bin/python", "/home/kimono/x", "/data/x", "/home/data/y"], "env": {}}},
            "program": {"file": {"path": "/home/bob/tf/bin/python", "state": "missing"}}, "environment": null});
        let notebooks = serde_json::json!({"seen": {"kernelspecs": [kernel], "servers": [], "shell": {}}});
        facts.notebooks = serde_json::from_value(notebooks).unwrap();
        facts.frameworks = serde_json::from_value(serde_json::json!({"seen": {"pythons": [],
            "notebooks_not_started": {"bob (of bob)": "no", "x (/home/kim/a, of kim)": "/home/kim/a: no"}}}))
        .unwrap();
        let text = redact(&facts, &["bob".to_owned()]).to_string();
        for told in [
            r#""name":"user1","uid":1000"#,
            r#""user":"user2""#,
            r#""bob (of user2)":"no""#,
            r#""x (/home/user1/a, of user1)":"/home/user1/a: no""#,
            r#"["/data/user2/tf/bin/python","/home/user/x","/data/x","/home/user3/y"]"#,
        ] {
            assert!(text.contains(told), "{told}: {text}");
        }
    }

    #[test]
    fn kernels_and_servers_lose_their_users() {
        let mut facts = Facts::unprobed("0", "now", "for a test");
        let server = serde_json::json!({"pid": 1, "program": "/home/kim/conda/bin/python",
            "environment": {"LD_LIBRARY_PATH": "/home/kim/cuda/lib64:/data/lee/lib"}});
        let kernel = serde_json::json!({"name": "tf", "folder": "/home/kim/.local/share/jupyter/kernels/tf",
            "spec": {"seen": {"display_name": "tf", "language": "python", "argv": ["/home/kim/tf/bin/python"], "env": {}}},
            "program": {"file": {"path": "/home/kim/tf/bin/python", "state": "missing"}}, "environment": null});
        let notebooks =
            serde_json::json!({"seen": {"kernelspecs": [kernel], "servers": [server], "shell": {}}});
        facts.notebooks = serde_json::from_value(notebooks).unwrap();
        let text = redact(&facts, &["lee".to_owned()]).to_string();
        assert!(text.contains("/home/user/tf/bin/python") && text.contains("/data/user/lib"), "{text}");
        assert!(!text.contains("kim") && !text.contains("lee"), "{text}");
    }

    #[test]
    fn keys_lose_names_and_the_systems_own_folders_stay() {
        let mut value = serde_json::json!({"/srv/kim": ["/dev/kim", {"GPU-5a8e9c7d-1111": 1}]});
        walk(&mut value, &["kim"]);
        assert_eq!(value, serde_json::json!({"/srv/user": ["/dev/user", {"GPU-redacted": 1}]}));
        assert!(["dev", "lib", "root"].iter().all(|name| SYSTEMS.contains(name)));
    }

    #[test]
    fn notebooks_lose_their_names_and_stay_apart() {
        let process = |path: &str| serde_json::json!({"pid": 7, "notebook": {"kernel": "1b", "path": path}});
        let on_gpus = [process("kim/hw.ipynb"), process("/srv/lee.ipynb"), process("kim/hw.ipynb")];
        let session = |path: &str| serde_json::json!({"kernel": "1b", "path": path, "state": "idle"});
        let servers = serde_json::json!([
            {"pid": 1, "root": "/data/kim-lab", "sessions": {"seen": [session("lee/hw2.ipynb")]}},
            {"pid": 2, "root": null, "sessions": {"interrupted": {"seen": [session("kim/hw.ipynb")], "by": {}}}},
            {"pid": 3, "root": 7, "sessions": {"not_probed": {"why": "-"}}}
        ]);
        let mut facts = serde_json::json!(
            {"processes": {"seen": {"on_gpus": on_gpus}}, "notebooks": {"seen": {"servers": servers}},
             "load": {"seen": {"asked": {"pid": 7, "notebook": "kim/hw.ipynb"}}}}
        );
        hide_notebooks(&mut facts);
        let told = |pointer: &str| facts.pointer(&format!("/notebooks/seen/servers/{pointer}")).cloned();
        assert_eq!(told("0/root"), Some("/notebooks-1".into()));
        assert_eq!(told("0/sessions/seen/0/path"), Some("notebook-3.ipynb".into()));
        assert_eq!(told("1/sessions/interrupted/seen/0/path"), Some("notebook-1.ipynb".into()));
        assert_eq!(facts.pointer("/load/seen/asked/notebook"), Some(&"notebook-1.ipynb".into()));
        let text = facts.to_string();
        assert!(!text.contains("kim") && !text.contains("lee"), "{text}");
        let path = |at: usize| facts.pointer(&format!("/processes/seen/on_gpus/{at}/notebook/path")).cloned();
        assert_eq!((path(0), path(1)), (path(2), Some("notebook-2.ipynb".into())));
    }

    #[test]
    fn builders_lose_their_names() {
        for (text, kept) in [
            (
                "Linux version 6.1 (kim@lab-7) (gcc (Debian 12.2) 12.2) #1",
                "Linux version 6.1 (user@host) (gcc (Debian 12.2) 12.2) #1",
            ),
            ("515.43.04  Release Build  (root@x)  Tue", "515.43.04  Release Build  (user@host)  Tue"),
            ("(no name) (a b@c) (", "(no name) (a b@c) ("),
        ] {
            assert_eq!(without_builders(text), kept);
        }
    }

    #[test]
    fn programs_and_serial_numbers_are_lost_in_the_drivers_lines() {
        for (text, kept) in [
            (
                "NVRM: Xid (PCI:0000:b3:00): 31, pid=1234, name=kim.py, Ch 00000008",
                "NVRM: Xid (PCI:0000:b3:00): 31, pid=redacted, name=redacted, Ch 00000008",
            ),
            ("pid='<unknown>', name=<unknown>, MMU Fault", "pid=redacted, name=redacted, MMU Fault"),
            (
                "NVRM: API mismatch: the client 'kims-tool' (pid 4711)",
                "NVRM: API mismatch: the client 'redacted' (pid redacted)",
            ),
            ("NVRM: GPU Board Serial Number: 0324018045603", "NVRM: GPU Board Serial Number: redacted"),
            ("name=x", "name=x"),
        ] {
            assert_eq!(without_processes(text), kept);
        }
    }

    #[test]
    fn uuids_lose_their_digits() {
        assert_eq!(without_uuids("GPU-5a8e9c7d-1111-2222-3333-444455556666,1"), "GPU-redacted,1");
        assert_eq!(without_uuids("/device:GPU:0 on GPU-redacted-0"), "/device:GPU:0 on GPU-redacted-0");
        assert_eq!(without_uuids("MIG-GPU-5a8e9c7d-1111-2222-3333-444455556666/1/0"), "MIG-GPU-redacted/1/0");
    }
}
