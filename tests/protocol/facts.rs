//! Facts as somebody may send them: cut off, edited, made up. Whatever parses gets a report, and an honest one.

use crate::machine::healthy;
use gpucheck_checks::{
    Knowledge, MachineVerdict, Report, Selection, Subject, Verdict, diagnose,
    fact::{Facts, Observed, ProbeFailure},
};
use proptest::{prelude::*, sample::Index};
use serde_json::{Value, json};
use std::sync::LazyLock;

static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(|| Knowledge::built_in().unwrap());
static HEALTHY: LazyLock<Value> = LazyLock::new(|| serde_json::to_value(healthy()).unwrap());

fn report(facts: &Facts) -> Report {
    diagnose(facts, &KNOWLEDGE, &Selection::default())
}

/// A GPU is proven by its own computation; nothing else may call a machine usable.
fn is_proven(report: &Report) -> bool {
    let proofs: Vec<&Subject> = report
        .outcomes
        .iter()
        .filter(|outcome| outcome.id == "compute.adds_vectors" && outcome.verdict == Verdict::Pass)
        .map(|outcome| &outcome.subject)
        .collect();
    let gpus = report.machine.gpus.iter().map(|gpu| Subject::Gpu(gpu.address.clone()));
    !report.machine.gpus.is_empty() && gpus.into_iter().all(|gpu| proofs.contains(&&gpu))
}

/// What every report must hold to, whatever the facts.
fn hold(facts: &Facts) -> Result<(), TestCaseError> {
    let report = report(facts);
    if report.verdict == MachineVerdict::Usable {
        prop_assert!(is_proven(&report), "{report:#?}");
    }
    let undiseased = report.roots.is_empty();
    prop_assert!(report.verdict != MachineVerdict::Unusable || !undiseased, "unusable without a root");
    let verdicts = |wanted| report.outcomes.iter().filter(move |outcome| outcome.verdict == wanted);
    for failed in verdicts(Verdict::Fail) {
        let named = report.roots.iter().any(|root| Some(&root.id) == failed.root.as_ref());
        prop_assert!(named, "{} fails, and no root says why: {failed:?}", failed.id);
    }
    let document = serde_json::to_value(&report).unwrap();
    let again: Report = serde_json::from_value(document).unwrap();
    prop_assert_eq!(again, report);
    let kept: Facts = serde_json::from_slice(&serde_json::to_vec(facts).unwrap()).unwrap();
    prop_assert_eq!(&kept, facts);
    Ok(())
}

/// One change to a document.
#[derive(Clone, Debug)]
enum Change {
    Delete,
    Replace(Value),
    Duplicate,
    /// One value of the document in place of another.
    Copy(Index),
    /// The same observation, had otherwise.
    Observe(Value),
}

fn change() -> impl Strategy<Value = Change> {
    let deep = (0..200_usize).prop_map(|depth| (0..depth).fold(json!(1), |inner, _| json!([inner])));
    let value = prop_oneof![
        Just(json!(null)),
        Just(json!({})),
        Just(json!([])),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
        Just(json!("x".repeat(10_000))),
        deep,
    ];
    let failures = [
        json!({"not_probed": {"why": "chance"}}),
        json!({"failed": {"crashed": {"signal": 11, "step": "chance"}}}),
        json!({"failed": {"timed_out": {"after_ms": 1, "step": "chance", "unkillable": true}}}),
        json!({"failed": {"refused": {"step": "chance", "code": 999, "name": "UNKNOWN", "message": ""}}}),
        json!({"failed": {"garbled": {"step": "chance", "message": ""}}}),
    ];
    prop_oneof![
        1 => Just(Change::Delete),
        2 => value.prop_map(Change::Replace),
        1 => Just(Change::Duplicate),
        2 => any::<Index>().prop_map(Change::Copy),
        4 => prop::sample::select(failures.to_vec()).prop_map(Change::Observe),
    ]
}

/// The pointers to all values, the document's own left out.
fn pointers(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut below = |key: String, inner: &Value| {
        let pointer = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        found.push(pointer.clone());
        pointers(inner, &pointer, found);
    };
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| below(i.to_string(), item)),
        Value::Object(fields) => fields.iter().for_each(|(key, field)| below(key.clone(), field)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn pick(document: &Value, index: Index, wanted: impl Fn(&Value) -> bool) -> Option<String> {
    let mut found = Vec::new();
    pointers(document, "", &mut found);
    found.retain(|pointer| document.pointer(pointer).is_some_and(&wanted));
    (!found.is_empty()).then(|| found.swap_remove(index.index(found.len())))
}

fn apply(document: &mut Value, at: Index, change: Change) {
    let is_observed = |value: &Value| value.get("seen").is_some();
    let observed = matches!(change, Change::Observe(_));
    let Some(pointer) = pick(document, at, |value| !observed || is_observed(value)) else { return };
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    match change {
        Change::Delete => match document.pointer_mut(parent) {
            Some(Value::Object(fields)) => drop(fields.remove(key)),
            Some(Value::Array(items)) => drop(items.remove(key.parse().unwrap())),
            _ => {}
        },
        Change::Duplicate => {
            if let Some(Value::Array(items)) = document.pointer_mut(parent) {
                items.push(items[key.parse::<usize>().unwrap()].clone());
            }
        }
        Change::Replace(value) | Change::Observe(value) => *document.pointer_mut(&pointer).unwrap() = value,
        Change::Copy(from) => {
            let from = pick(document, from, |_| true).unwrap();
            let value = document.pointer(&from).unwrap().clone();
            *document.pointer_mut(&pointer).unwrap() = value;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn edited_facts_are_refused_or_get_an_honest_report(
        changes in prop::collection::vec((any::<Index>(), change()), 1..6),
    ) {
        let mut document = HEALTHY.clone();
        for (at, change) in changes {
            apply(&mut document, at, change);
        }
        if let Ok(facts) = serde_json::from_slice::<Facts>(&serde_json::to_vec(&document).unwrap()) {
            hold(&facts)?;
        }
    }

    #[test]
    fn damaged_facts_are_refused_or_get_an_honest_report(
        damage in prop::collection::vec((any::<Index>(), any::<u8>()), 0..4),
        end in any::<Index>(),
        is_cut in any::<bool>(),
    ) {
        let mut bytes = serde_json::to_vec(&*HEALTHY).unwrap();
        for (at, byte) in damage {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if is_cut {
            bytes.truncate(end.index(bytes.len()));
        }
        if let Ok(facts) = serde_json::from_slice::<Facts>(&bytes) {
            hold(&facts)?;
        }
    }
}

#[test]
fn the_machine_that_the_others_are_made_from_is_usable() {
    let report = report(&healthy());
    assert_eq!(report.verdict, MachineVerdict::Usable, "{report:#?}");
    assert_eq!(report.roots, []);
    hold(&healthy()).unwrap();
}

#[test]
fn a_source_that_is_missing_takes_no_proof_away_and_adds_none() {
    for source in ["platform", "pci", "module", "nvml", "driver", "compute"] {
        for observed in
            [json!({"not_probed": {"why": "test"}}), json!({"failed": {"not_started": {"message": "test"}}})]
        {
            let mut document = HEALTHY.clone();
            document[source] = observed;
            let facts: Facts = serde_json::from_value(document).unwrap();
            hold(&facts).unwrap();
            assert_eq!(
                report(&facts).verdict == MachineVerdict::Usable,
                is_proven(&report(&facts)),
                "{source}"
            );
        }
    }
}

#[test]
fn a_look_at_pythons_that_failed_is_no_proof_that_there_are_none() {
    for observed in
        [json!({"not_probed": {"why": "test"}}), json!({"failed": {"not_started": {"message": "test"}}})]
    {
        let mut document = HEALTHY.clone();
        document["frameworks"] = observed;
        let facts: Facts = serde_json::from_value(document).unwrap();
        assert_eq!(report(&facts).verdict, MachineVerdict::Incomplete);
    }
}

#[test]
fn a_compute_probe_that_ended_early_proves_nothing() {
    let mut facts = healthy();
    facts.compute = Observed::Failed(ProbeFailure::Crashed { signal: 11, step: "cuLaunchKernel".to_owned() });
    assert_eq!(report(&facts).verdict, MachineVerdict::Unusable);
    facts.compute = Observed::not_probed("test");
    assert_eq!(report(&facts).verdict, MachineVerdict::Incomplete);
}
