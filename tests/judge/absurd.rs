//! Numbers that no card has are judged, and nothing ends over them; what came out wrong is never usable.

use super::judge;
use crate::machine::Machine;
use gpucheck_checks::{MachineVerdict, fact::Facts};
use serde_json::{Value, json};

/// Machines that were put to work or watched, with what is least alike.
const MACHINES: [&str; 7] = [
    "t4-at-work",
    "mig-instance-at-work",
    "memory-flips-one-bit",
    "memory-slow-and-hot",
    "copies-slow-over-narrow-link",
    "cublas-and-cudnn-work",
    "slow-throttled",
];
/// What probes ask foreign libraries for.
const ASKED: [&str; 5] = ["/nvml", "/driver", "/work", "/load", "/frameworks"];

fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(of) => of.iter().map(|(name, below)| (name.replace('/', "~1"), below)).collect(),
        Value::Array(of) => of.iter().enumerate().map(|(i, below)| (i.to_string(), below)).collect(),
        Value::Number(_) => return found.push(at.to_owned()),
        Value::Null | Value::Bool(_) | Value::String(_) => return,
    };
    for (name, below) in below {
        places(below, &format!("{at}/{name}"), found);
    }
}

#[test]
fn numbers_that_no_card_has_are_judged() {
    let extremes = [json!(0), json!(u32::MAX), json!(u64::MAX)];
    let mut judged = 0;
    for machine in Machine::all().iter().filter(|machine| MACHINES.contains(&machine.name.as_str())) {
        let facts = serde_json::to_value(&machine.facts).unwrap();
        let mut found = Vec::new();
        for asked in ASKED {
            places(facts.pointer(asked).unwrap(), asked, &mut found);
        }
        for extreme in &extremes {
            // Each alone, and all that take it together.
            let mut all = facts.clone();
            for place in &found {
                let mut one = facts.clone();
                *one.pointer_mut(place).unwrap() = extreme.clone();
                let Ok(one) = serde_json::from_value::<Facts>(one) else { continue };
                judge(&one);
                judged += 1;
                *all.pointer_mut(place).unwrap() = extreme.clone();
            }
            judge(&serde_json::from_value(all).unwrap());
        }
    }
    assert!(judged > 1000, "{judged}");
}

/// What came out wrong, whatever it was and however its step ended, is no machine to work on.
#[test]
fn what_came_out_wrong_is_never_usable() {
    let ends = [
        json!({"crashed": {"signal": 9, "step": "x"}}),
        json!({"timed_out": {"after_ms": 1, "step": "x", "unkillable": false}}),
    ];
    let mut judged = 0;
    for machine in Machine::all() {
        let facts = serde_json::to_value(&machine.facts).unwrap();
        if judge(&machine.facts).verdict != MachineVerdict::Usable {
            continue;
        }
        let mut found = Vec::new();
        for asked in ["/work", "/compute", "/frameworks"] {
            places(facts.pointer(asked).unwrap(), asked, &mut found);
        }
        for place in found.iter().filter(|place| place.ends_with("/wrong")) {
            let mut wrong = facts.clone();
            *wrong.pointer_mut(place).unwrap() = json!(1);
            let (step, _) = place.strip_suffix("/wrong").and_then(|step| step.rsplit_once("/seen")).unwrap();
            let broken_off = ends.iter().map(|by| {
                let mut wrong = wrong.clone();
                let seen = wrong.pointer(&format!("{step}/seen")).unwrap().clone();
                *wrong.pointer_mut(step).unwrap() = json!({"interrupted": {"seen": seen, "by": by}});
                wrong
            });
            for wrong in broken_off.chain([wrong.clone()]) {
                let report = judge(&serde_json::from_value(wrong).unwrap());
                assert_ne!(report.verdict, MachineVerdict::Usable, "{}: {place}", machine.name);
                judged += 1;
            }
        }
    }
    assert!(judged > 100, "{judged}");
}
