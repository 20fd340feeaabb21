//! Facts made fit to be shown around: without what names a card or a person.

mod home;
mod text;

pub use home::OwnHome;

use gpucheck_checks::fact::Facts;
use serde_json::Value;
use std::path::{Path, PathBuf};
use text::{hidden, replace_part};

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

/// Each human user gets a number, wherever the name stands: in the list, beside a kernel or a Python, in a path.
fn hide_users(facts: &mut Value) {
    let humans = list(facts, "/users/seen/humans").iter();
    let mut names: Vec<String> =
        humans.filter_map(|human| Some(human.get("name")?.as_str()?.to_owned())).collect();
    // Homes are told where nobody asked for users, and the account of students need not be here yet.
    let homes = list(facts, "/clones/seen/homes/seen/homes").iter();
    let owners: Vec<String> = homes.filter_map(|home| Some(home.get("user")?.as_str()?.to_owned())).collect();
    let student = facts.pointer("/clones/seen/homes/seen/student/user").and_then(Value::as_str);
    for name in owners.into_iter().chain(student.map(str::to_owned)) {
        if name != "root" && !names.contains(&name) {
            names.push(name);
        }
    }
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

#[cfg(test)]
mod tests {
    use super::*;

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
    fn owners_of_homes_are_numbered_where_nobody_asked_for_users() {
        let mut facts = Facts::unprobed("0", "now", "for a test");
        let home = |user: &str, path: &str| serde_json::json!({"user": user, "path": path, "packages": [format!("{path}/.local")]});
        let clones = serde_json::json!({"seen": {"homes": {"seen": {
            "homes": [home("root", "/root"), home("kim", "/data/kim")],
            "student": {"user": "lee", "account": null, "made_by": null, "directories": []}}}}});
        facts.clones = serde_json::from_value(clones).unwrap();
        let text = redact(&facts, &[]).to_string();
        assert!(text.contains(r#""user":"root""#) && text.contains("/data/user1/.local"), "{text}");
        assert!(text.contains(r#""user":"user1""#) && text.contains(r#""user":"user2""#), "{text}");
        assert!(!text.contains("kim") && !text.contains("lee"), "{text}");
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
}
