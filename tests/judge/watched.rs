//! Machines that were watched for some seconds: what slows them down.

use super::judge;
use crate::machine::Machine;
use gpucheck_checks::{MachineVerdict, NothingMeasured, Report, fact::Facts, is_watched};
use serde_json::{Value, json};

fn watched() -> Vec<Machine> {
    let machines: Vec<Machine> = Machine::all().into_iter().filter(|one| is_watched(&one.facts)).collect();
    assert!(machines.len() >= 40, "{} machines", machines.len());
    machines
}

/// The greatest activity of a GPU, in percent.
fn activity(report: &Report) -> Option<u32> {
    report.measured.as_ref()?.gpus.iter().filter_map(|gpu| gpu.activity).max()
}

#[test]
fn nothing_slows_down_only_what_is_at_work() {
    for machine in watched() {
        let report = judge(&machine.facts);
        assert_eq!(report.profile, "slow", "{}", machine.name);
        if report.verdict == MachineVerdict::Usable {
            // Half of the time is idle to anybody.
            assert!(activity(&report) >= Some(50), "{}", machine.name);
        }
        let nothing = report.measured.as_ref().and_then(|measured| measured.nothing);
        if nothing.is_some() {
            assert_eq!(report.verdict, MachineVerdict::Incomplete, "{}", machine.name);
        }
    }
}

#[test]
fn what_was_not_at_work_is_told_as_such() {
    for (name, nothing) in [
        ("slow-idle", Some(NothingMeasured::Idle)),
        ("slow-program-idle", Some(NothingMeasured::ProgramIdle)),
        ("slow-program-ended", Some(NothingMeasured::ProgramEnded)),
        ("slow-pages-and-stands-still", None),
        ("slow-at-work", None),
    ] {
        let measured = judge(&Machine::load(name).facts).measured.unwrap();
        assert_eq!(measured.nothing, nothing, "{name}");
    }
}

/// Each number that was measured, as the greatest and as the least that its field can hold.
#[test]
fn numbers_that_no_machine_has_are_judged() {
    let mut judged = 0;
    for name in ["slow-pages", "slow-shared-with-notebook", "slow-compiles-once", "slow-input-limit"] {
        let facts = serde_json::to_value(&Machine::load(name).facts).unwrap();
        let mut numbers = Vec::new();
        pointers_to_numbers("/load", facts.pointer("/load").unwrap(), &mut numbers);
        for (pointer, absurd) in numbers.iter().flat_map(|one| ABSURD.map(|absurd| (one, absurd))) {
            let mut facts = facts.clone();
            *facts.pointer_mut(pointer).unwrap() = json!(absurd);
            // A field that cannot hold it is no fact.
            if let Ok(facts) = serde_json::from_value::<Facts>(facts) {
                judge(&facts);
                judged += 1;
            }
        }
    }
    println!("{judged} machines judged");
    assert!(judged > 1000, "{judged}");
}

const ABSURD: [u64; 4] = [u64::MAX, 0xffff_ffff, 255, 0];

fn pointers_to_numbers(at: &str, value: &Value, into: &mut Vec<String>) {
    match value {
        Value::Number(_) => into.push(at.to_owned()),
        Value::Array(items) => {
            let items = items.iter().enumerate();
            items.for_each(|(index, item)| pointers_to_numbers(&format!("{at}/{index}"), item, into));
        }
        Value::Object(fields) => {
            fields.iter().for_each(|(key, field)| pointers_to_numbers(&format!("{at}/{key}"), field, into));
        }
        Value::Null | Value::Bool(_) | Value::String(_) => {}
    }
}
