//! Machines as tests/machines/README.md describes them.

use gpucheck_checks::{MachineVerdict, fact::Facts};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[expect(dead_code, reason = "read by people")]
    about: String,
    #[expect(dead_code, reason = "read by people")]
    source: String,
    on: Option<String>,
    facts: Option<Value>,
    #[serde(default)]
    set: BTreeMap<String, Value>,
    expect: Expected,
}

/// What a machine's report has to say.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    pub(crate) verdict: MachineVerdict,
    pub(crate) exit: u8,
    pub(crate) roots: Vec<ExpectedRoot>,
}

/// A root that has to be there.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExpectedRoot {
    pub(crate) id: String,
    pub(crate) cause: Option<String>,
    pub(crate) subject: String,
}

/// A machine.
pub(crate) struct Machine {
    pub(crate) name: String,
    pub(crate) facts: Facts,
    pub(crate) expect: Expected,
}

fn machines() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/machines")
}

impl Machine {
    /// Every machine, by name.
    pub(crate) fn all() -> Vec<Self> {
        let mut names: Vec<String> = fs::read_dir(machines())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_dir())
            .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names.iter().map(|name| Self::load(name)).collect()
    }

    /// The machine of this name.
    pub(crate) fn load(name: &str) -> Self {
        let facts = serde_json::from_value(values(name)).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { name: name.to_owned(), facts, expect: read(name).expect }
    }

    /// Where its files lie.
    pub(crate) fn folder(&self) -> PathBuf {
        machines().join(&self.name)
    }
}

fn read(name: &str) -> File {
    let path = machines().join(name).join("machine.json");
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The facts of a machine: its own, or those of the one that it stands on, with what it sets.
fn values(name: &str) -> Value {
    let file = read(name);
    let mut facts = match (file.facts, file.on) {
        (Some(facts), None) => facts,
        (None, Some(on)) => values(&on),
        _ => panic!("{name}: give either \"facts\" or \"on\""),
    };
    // In the order of their length: a whole is replaced before its parts.
    let mut set: Vec<_> = file.set.into_iter().collect();
    set.sort_by_key(|(pointer, _)| pointer.len());
    for (pointer, value) in set {
        let (parent, key) = pointer.rsplit_once('/').unwrap_or_else(|| panic!("{name}: {pointer:?}"));
        let parent = facts.pointer_mut(parent).unwrap_or_else(|| panic!("{name}: nothing at {pointer}"));
        match parent {
            Value::Object(fields) => {
                fields.insert(key.to_owned(), value);
            }
            Value::Array(items) => items[key.parse::<usize>().unwrap()] = value,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
                panic!("{name}: {pointer} leads into a plain value")
            }
        }
    }
    facts
}

/// Facts of a machine on which everything works. Tests break it.
pub(crate) fn healthy() -> Facts {
    Machine::load("t4-535").facts
}
