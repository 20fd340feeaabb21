//! `machine.json`: a machine of which only the facts are given, by themselves or as changes to another one's.

use crate::{
    error::{Error, Place},
    expect::{Expected, ExpectedRoot, causes, checks},
};
use gpucheck_checks::{MachineVerdict, Readiness, fact::Facts};
use serde::Deserialize;
use serde_json::Value;
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// The file's name.
pub const NAME: &str = "machine.json";
/// Machines on machines on machines: more than this is a circle.
const DEEPEST: usize = 12;

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
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expect {
    verdict: MachineVerdict,
    readiness: Option<Readiness>,
    exit: u8,
    roots: Vec<Root>,
    #[serde(default)]
    not: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Root {
    id: String,
    cause: Option<String>,
    subject: String,
    #[serde(default)]
    explains: Vec<String>,
}

/// A machine.
pub struct Machine {
    /// Its name: that of its folder.
    pub name: String,
    /// What would have been seen.
    pub facts: Facts,
    /// What is expected of it.
    pub expect: Expected,
}

impl Machine {
    /// The machine of this name in a folder of machines.
    ///
    /// # Errors
    /// A file that is not there, does not parse or names what is unknown.
    pub fn load(machines: &Path, name: &str) -> Result<Self, Error> {
        let (file, text, path) = read(machines, name)?;
        let place = Place { path: &path, text: &text };
        let values = values(machines, name, DEEPEST)?;
        let facts = Facts::deserialize(&values).map_err(|error| {
            let what = format!("no facts: {error}");
            match culprit(machines, &file) {
                Some(pointer) => Error::at(&place, place.offset_of(&pointer), format!("{pointer:?}: {what}")),
                None => Error::of(&path.display().to_string(), what),
            }
        })?;
        let kept = serde_json::to_value(&facts).map_err(|error| Error::of(name, error))?;
        if let Some((pointer, near)) = lost("", &values, &kept) {
            let set = file.set.keys().filter(|set| pointer.starts_with(*set)).max_by_key(|set| set.len());
            let offset = set.map_or(0, |set| place.offset_of(set));
            return Err(Error::at(&place, offset, format!("no fact is at {pointer:?}{near}")));
        }
        Ok(Self { name: name.to_owned(), facts, expect: expected(&place, file.expect)? })
    }
}

/// The change that makes of a machine's facts what are none.
fn culprit(machines: &Path, file: &File) -> Option<String> {
    let mut facts = values(machines, file.on.as_ref()?, DEEPEST).ok()?;
    let mut breaks = |(pointer, value): &(String, Value)| {
        put(&mut facts, pointer, value.clone()).is_err() || Facts::deserialize(&facts).is_err()
    };
    in_order(&file.set).into_iter().find(|change| breaks(change)).map(|(pointer, _)| pointer)
}

/// In the order of their length: a whole is replaced before its parts.
fn in_order(set: &BTreeMap<String, Value>) -> Vec<(String, Value)> {
    let mut set: Vec<_> = set.clone().into_iter().collect();
    set.sort_by_key(|(pointer, _)| pointer.len());
    set
}

/// Where something was written that no field takes, and the field that was probably meant.
fn lost(at: &str, written: &Value, kept: &Value) -> Option<(String, String)> {
    match (written, kept) {
        (Value::Object(written), Value::Object(kept)) => written.iter().find_map(|(key, value)| {
            let pointer = format!("{at}/{key}");
            match kept.get(key) {
                Some(kept) => lost(&pointer, value, kept),
                None if value.is_null() => None,
                None => Some((pointer, crate::error::did_you_mean(key, kept.keys().map(String::as_str)))),
            }
        }),
        (Value::Array(written), Value::Array(kept)) => {
            let mut items = written.iter().zip(kept).enumerate();
            items.find_map(|(index, (written, kept))| lost(&format!("{at}/{index}"), written, kept))
        }
        _ => None,
    }
}

fn read(machines: &Path, name: &str) -> Result<(File, String, PathBuf), Error> {
    let path = machines.join(name).join(NAME);
    let text = fs::read_to_string(&path).map_err(|error| {
        let known = crate::names(machines, crate::Kind::Facts);
        let known = known.iter().map(String::as_str).filter(|known| *known != name);
        let near = if path.is_file() { String::new() } else { crate::error::did_you_mean(name, known) };
        Error::of(&path.display().to_string(), format!("{error}{near}"))
    })?;
    let file = serde_json::from_str(&text)
        .map_err(|error| Error::json(&Place { path: &path, text: &text }, &error))?;
    Ok((file, text, path))
}

fn expected(place: &Place<'_>, expect: Expect) -> Result<Expected, Error> {
    let known = |kind: &str, name: String, known: Vec<&str>| {
        if known.contains(&name.as_str()) {
            return Ok(name);
        }
        // JSON values come without their place; the first line that has the name is it.
        let offset = place.text.find(&format!("\"{name}\"")).unwrap_or_default();
        Err(Error::unknown(place, offset, kind, &name, known))
    };
    let mut roots = Vec::new();
    for root in expect.roots {
        let explains: Result<Vec<String>, Error> =
            root.explains.into_iter().map(|id| known("check", id, checks())).collect();
        roots.push(ExpectedRoot {
            id: known("check", root.id, checks())?,
            cause: root.cause.map(|id| known("cause", id, causes())).transpose()?,
            subject: root.subject,
            explains: explains?,
        });
    }
    let not: Result<Vec<String>, Error> =
        expect.not.into_iter().map(|id| known("cause or check", id, [causes(), checks()].concat())).collect();
    let Expect { verdict, readiness, exit, .. } = expect;
    Ok(Expected { verdict, readiness, exit, roots, not: not? })
}

/// The facts of a machine: its own, or those of the one that it stands on, with what it sets.
fn values(machines: &Path, name: &str, deepest: usize) -> Result<Value, Error> {
    let (file, text, path) = read(machines, name)?;
    let place = Place { path: &path, text: &text };
    let at = |pointer: &str, what: String| {
        Error::at(&place, text.find(&format!("\"{pointer}\"")).unwrap_or_default(), what)
    };
    let mut facts = match (file.facts, file.on) {
        (Some(facts), None) => facts,
        (None, Some(on)) if deepest == 0 => {
            return Err(at(&on, "machines that stand on each other".to_owned()));
        }
        (None, Some(on)) => {
            let known = crate::names(machines, crate::Kind::Facts);
            if !known.contains(&on) {
                let near = crate::error::did_you_mean(&on, known.iter().map(String::as_str));
                return Err(at(&on, format!("unknown machine {on:?}{near}")));
            }
            values(machines, &on, deepest - 1)?
        }
        (Some(_), Some(_)) | (None, None) => {
            return Err(at("facts", "give either \"facts\" or \"on\"".to_owned()));
        }
    };
    for (pointer, value) in in_order(&file.set) {
        put(&mut facts, &pointer, value).map_err(|what| at(&pointer, what))?;
    }
    Ok(facts)
}

/// Puts a value where a JSON pointer leads.
fn put(facts: &mut Value, pointer: &str, value: Value) -> Result<(), String> {
    let (parent, key) = pointer.rsplit_once('/').ok_or_else(|| format!("{pointer:?} is no JSON pointer"))?;
    let parent = facts.pointer_mut(parent).ok_or_else(|| format!("nothing is at {parent:?}"))?;
    match parent {
        Value::Object(fields) => _ = fields.insert(key.to_owned(), value),
        Value::Array(items) => {
            let index = key.parse::<usize>().ok();
            let item = index.and_then(|index| items.get_mut(index));
            *item.ok_or_else(|| format!("{pointer:?}: there is no item {key}"))? = value;
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            return Err(format!("{pointer:?} leads into a plain value"));
        }
    }
    Ok(())
}
