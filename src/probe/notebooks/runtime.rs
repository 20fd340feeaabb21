//! What a Jupyter server notes of itself while it runs: `jpserver-PID.json`, of old ones `nbserver-PID.json`.
//!
//! Invariants: only a regular file is taken that the asking user owns and nobody else may write; the token is neither
//! shown nor kept in facts.
//!
//! Source: `jupyter_core/paths.py`, `jupyter_runtime_dir`; `jupyter_server/serverapp.py`, `server_info`.

use super::{Environment, places::homes, servers};
use crate::root::Root;
use serde_json::{Map, Value};
use std::{
    collections::BTreeSet,
    ffi::OsString,
    fmt,
    io::Read,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Longest file, in bytes; a real one has some hundred.
const LONGEST: u64 = 64 << 10;
/// Most names of one folder that are looked at: each kernel leaves a file there.
const MOST_NAMES: usize = 10_000;
/// Longest token and base URL, in bytes.
const LONGEST_TEXT: usize = 4096;

/// A secret that opens a server. It is written nowhere but into a request.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Token(String);

impl Token {
    /// What a request says, where there is anything to say.
    pub(super) fn authorization(&self) -> Option<String> {
        (!self.0.is_empty()).then(|| format!("token {}", self.0))
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

/// What a server notes.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) pid: i32,
    pub(super) root: Option<String>,
    /// Where it can be asked, or why it cannot.
    pub(super) place: Result<Address, String>,
}

/// Where a server answers, on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) port: u16,
    /// `/`, `/user/kim/`: begins and ends with a slash.
    pub(super) base: String,
    pub(super) token: Token,
}

/// The folders in which these surroundings make a server note itself, the likeliest first.
pub(super) fn folders(root: &Root, environment: &Environment) -> Vec<PathBuf> {
    if let Some(folder) = &environment.runtime {
        return vec![folder.clone()];
    }
    let mut folders: Vec<PathBuf> = environment.data.iter().map(|data| data.join("runtime")).collect();
    if environment.data.is_none() {
        let homes = homes(root, environment);
        folders.extend(homes.iter().map(|home| home.join(".local/share/jupyter/runtime")));
    }
    // Before jupyter_core 4.6.2.
    folders.extend(environment.user_runtime.iter().map(|folder| folder.join("jupyter")));
    folders
}

/// The same for a server that was started with these variables.
pub(super) fn folders_of(root: &Root, variables: &[(OsString, OsString)]) -> Vec<PathBuf> {
    let folder = |name: &str| {
        let value = variables.iter().find(|(known, _)| known == name).map(|(_, value)| PathBuf::from(value));
        value.filter(|folder| folder.is_absolute())
    };
    let data = folder("JUPYTER_DATA_DIR").or_else(|| Some(folder("XDG_DATA_HOME")?.join("jupyter")));
    let environment = Environment {
        home: folder("HOME").or_else(|| Some(PathBuf::from("/nonexistent"))),
        data,
        runtime: folder("JUPYTER_RUNTIME_DIR"),
        user_runtime: folder("XDG_RUNTIME_DIR"),
        ..Environment::default()
    };
    folders(root, &environment)
}

/// The notes in these folders of servers of this user, each process once, those of newer servers first.
pub(super) fn notes(root: &Root, folders: &BTreeSet<PathBuf>, uid: u32) -> Vec<Note> {
    let mut known = BTreeSet::new();
    let mut notes = Vec::new();
    for start in ["jpserver-", "nbserver-"] {
        for folder in folders {
            for name in root.some_names(&folder.to_string_lossy(), MOST_NAMES) {
                let Some(pid) = pid(&name, start).filter(|pid| lives(root, *pid, uid)) else { continue };
                if known.contains(&pid) {
                    continue;
                }
                if let Some(note) = read(root, &folder.join(&name), uid, pid) {
                    known.insert(pid);
                    notes.push(note);
                }
            }
        }
    }
    notes
}

fn pid(name: &str, start: &str) -> Option<i32> {
    let digits = name.strip_prefix(start)?.strip_suffix(".json")?;
    digits.parse().ok().filter(|pid| *pid > 0)
}

/// Whether a process of this user has that number.
fn lives(root: &Root, pid: i32, uid: u32) -> bool {
    servers::is_own(root, pid, uid)
}

/// None where the file is not such a note or not to be trusted.
fn read(root: &Root, path: &Path, uid: u32, pid: i32) -> Option<Note> {
    let file = root.open(&path.to_string_lossy()).ok()?;
    let found = file.metadata().ok()?;
    if found.uid() != uid || found.mode() & 0o022 != 0 {
        return None;
    }
    let mut bytes = Vec::new();
    file.take(LONGEST).read_to_end(&mut bytes).ok()?;
    let fields: Map<String, Value> = serde_json::from_slice(&bytes).ok()?;
    (fields.get("pid").and_then(Value::as_i64) == Some(i64::from(pid))).then(|| Note {
        pid,
        root: text(&fields, "root_dir").or_else(|| text(&fields, "notebook_dir")),
        place: address(&fields),
    })
}

fn text(fields: &Map<String, Value>, name: &str) -> Option<String> {
    fields
        .get(name)?
        .as_str()
        .filter(|text| text.len() <= LONGEST_TEXT && text.starts_with('/'))
        .map(str::to_owned)
}

fn address(fields: &Map<String, Value>) -> Result<Address, String> {
    let set = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    if !set("sock").is_empty() {
        return Err("it answers on a Unix socket".to_owned());
    }
    if fields.get("secure").is_none_or(|secure| secure != &Value::Bool(false)) {
        return Err("it answers by HTTPS alone".to_owned());
    }
    let port = fields.get("port").and_then(Value::as_u64).and_then(|port| u16::try_from(port).ok());
    let port = port.filter(|port| *port > 0).ok_or("it notes no port")?;
    let base = format!("/{}/", set("base_url").trim_matches('/')).replace("//", "/");
    let is_plain = |c: char| c.is_ascii_graphic() && !"?#\\\"<>{}|^`".contains(c);
    if base.len() > LONGEST_TEXT || !base.chars().all(is_plain) {
        return Err("it notes no usable base URL".to_owned());
    }
    let token = set("token");
    if token.len() > LONGEST_TEXT || !token.chars().all(|c| c.is_ascii_graphic()) {
        return Err("it notes no usable token".to_owned());
    }
    Ok(Address { port, base, token: Token(token.to_owned()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(text: &str) -> Result<Address, String> {
        address(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn an_address_is_this_machines_whatever_the_note_says() {
        // As jupyter_server 2.21.1 writes it.
        let note = r#"{"base_url": "/user/kim/", "hostname": "0.0.0.0", "password": false, "pid": 41, "port": 8888,
            "root_dir": "/home/kim", "secure": false, "sock": "", "token": "s3cret", "url": "http://evil/", "version": "2.21.1"}"#;
        let address = noted(note).unwrap();
        assert_eq!((address.port, address.base.as_str()), (8888, "/user/kim/"));
        assert_eq!(address.token.authorization().as_deref(), Some("token s3cret"));
        assert!(!format!("{address:?}").contains("s3cret"));
    }

    #[test]
    fn what_cannot_be_asked_says_why() {
        for (note, word) in [
            (r#"{"port": 1, "secure": true}"#, "HTTPS"),
            (r#"{"port": 1}"#, "HTTPS"),
            (r#"{"port": 1, "secure": false, "sock": "/run/x"}"#, "Unix"),
            (r#"{"port": 70000, "secure": false}"#, "port"),
            (r#"{"port": "8888", "secure": false}"#, "port"),
            (r#"{"port": 1, "secure": false, "base_url": "/a b"}"#, "base URL"),
            (r#"{"port": 1, "secure": false, "token": "a\r\nHost: x"}"#, "token"),
        ] {
            let why = noted(note).unwrap_err();
            assert!(why.contains(word), "{note}: {why}");
        }
    }

    #[test]
    fn names_of_notes_hold_a_process() {
        assert_eq!(pid("jpserver-41.json", "jpserver-"), Some(41));
        for name in [
            "jpserver-41-open.html",
            "jpserver--1.json",
            "jpserver-0.json",
            "kernel-41.json",
            "jpserver-.json",
        ] {
            assert_eq!(pid(name, "jpserver-"), None, "{name}");
        }
    }

    #[test]
    fn folders_are_those_of_jupyter() {
        let root = Root::new("/");
        let variable = |name: &str, value: &str| (OsString::from(name), OsString::from(value));
        let home = variable("HOME", "/home/kim");
        for (variables, expected) in [
            (vec![home.clone()], vec!["/home/kim/.local/share/jupyter/runtime"]),
            (vec![home.clone(), variable("JUPYTER_RUNTIME_DIR", "/r")], vec!["/r"]),
            (vec![home.clone(), variable("JUPYTER_DATA_DIR", "/d")], vec!["/d/runtime"]),
            (vec![home.clone(), variable("XDG_DATA_HOME", "/x")], vec!["/x/jupyter/runtime"]),
            (
                vec![home, variable("XDG_RUNTIME_DIR", "/run/user/1000")],
                vec!["/home/kim/.local/share/jupyter/runtime", "/run/user/1000/jupyter"],
            ),
        ] {
            let expected: Vec<PathBuf> = expected.into_iter().map(PathBuf::from).collect();
            assert_eq!(folders_of(&root, &variables), expected);
        }
    }
}
