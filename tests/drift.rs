//! What changed since a template was saved: every kind of change, beside machines that were broken by it.

mod changes;
mod command;
mod files;
mod noise;
mod people;

use crate::machine::Machine;
use gpucheck_checks::{
    Knowledge, Profile, Report, Selection,
    drift::{Change, Drift, Since, What, drift},
    fact::Facts,
};
use serde_json::{Value, json};
use std::sync::LazyLock;

static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(|| Knowledge::built_in().unwrap());

/// The environment of the machines that stand on `t4-535`.
const ENVIRONMENT: &str = "/anaconda/envs/tf";
const PYTHON: &str = "/anaconda/envs/tf/bin/python";

/// Facts of a machine, with other values.
fn with(name: &str, set: &[(&str, Value)]) -> Facts {
    let mut facts = serde_json::to_value(Machine::load(name).facts).unwrap();
    for (pointer, value) in set {
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        match facts.pointer_mut(parent).unwrap_or_else(|| panic!("{pointer}")) {
            Value::Object(parent) => drop(parent.insert(key.replace("~1", "/"), value.clone())),
            Value::Array(parent) => parent[key.parse::<usize>().unwrap()] = value.clone(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => panic!("{pointer}"),
        }
    }
    serde_json::from_value(facts).unwrap()
}

/// An inventory of the one environment.
fn inventory(
    distributions: &Value,
    conda: &Value,
    variables: &Value,
    events: &Value,
) -> (&'static str, Value) {
    let stock =
        json!({"python": PYTHON, "version": "3.10.14", "distributions": distributions, "conda": conda});
    let value = json!({"seen": {
        "environments": {ENVIRONMENT: {"seen": stock}},
        "variables": variables,
        "history": {"seen": {"events": events}},
    }});
    ("/inventory", value)
}

fn nothing() -> (&'static str, Value) {
    inventory(&json!({}), &json!({}), &json!({}), &json!([]))
}

fn compare(before: &Facts, now: &Facts) -> Drift {
    drift(before, now, &KNOWLEDGE)
}

/// The report as the command gives it.
fn report(before: &Facts, now: &Facts) -> Report {
    let report = Profile::Drift.judge(now, &KNOWLEDGE, &Selection::default());
    Report { drift: Some(compare(before, now)), ..report }
}

/// The one change that explains the first root.
fn explaining(drift: &Drift) -> &Change {
    assert_eq!(drift.roots.first().unwrap().since, Since::Explained, "{drift:#?}");
    let change = drift.changes.first().unwrap();
    assert_eq!(change.explains.first(), Some(&drift.roots[0].root), "{drift:#?}");
    change
}

/// What a change is, from what, to what.
fn told(change: &Change) -> (What, &str, Option<&str>, Option<&str>) {
    (change.what, &change.subject, change.from.as_deref(), change.to.as_deref())
}
