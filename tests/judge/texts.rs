//! What people read of each machine, in every language.

use super::judge;
use crate::machine::Machine;
use gpucheck::render::{self, answer, text};
use gpucheck_checks::{Language, Report, fact::Observed};
use serde_json::{Value, json};
use std::collections::BTreeSet;

fn is_hangul(c: char) -> bool {
    ('가'..='힣').contains(&c)
}

/// Each text of a report is whole, and of its language.
fn assert_whole(name: &str, report: &Report) {
    for root in &report.roots {
        for language in Language::ALL {
            let texts = root.texts(language);
            for text in [&texts.title, &texts.meaning, &texts.fix] {
                let placeholder = text.split('{').skip(1).find(|rest| {
                    rest.split_once('}').is_some_and(|(name, _)| name.chars().all(|c| c.is_ascii_lowercase()))
                });
                assert!(placeholder.is_none() && !text.is_empty(), "{name}: {}: {text}", root.id);
                let is_korean = text.contains(is_hangul);
                assert_eq!(is_korean, language == Language::Korean, "{name}: {}: {text}", root.id);
            }
        }
        assert!(!root.summary.is_empty(), "{name}: {}", root.id);
    }
}

#[test]
fn no_text_is_left_unfilled() {
    for machine in Machine::all() {
        assert_whole(&machine.name, &judge(&machine.facts));
    }
}

/// Where a value of the healthy machine cannot be had, and where any machine is of another kind.
#[test]
fn no_text_is_left_unfilled_whatever_is_missing() {
    let mut shown = BTreeSet::new();
    let mut judged = 0;
    for machine in Machine::all() {
        let facts = serde_json::to_value(&machine.facts).unwrap();
        let missing = if machine.name == "t4-535" { missing(&facts) } else { Vec::new() };
        for (pointer, value) in missing.into_iter().chain(other_kinds()) {
            let mut facts = facts.clone();
            let Some(place) = facts.pointer_mut(&pointer) else { continue };
            *place = value;
            let report = judge(&serde_json::from_value(facts).unwrap());
            assert_whole(&format!("{} without {pointer}", machine.name), &report);
            judged += 1;
            shown.extend(
                report.roots.into_iter().map(|root| (root.cause.unwrap_or(root.id), root.wording.variant)),
            );
        }
    }
    println!("{judged} machines judged, {} texts seen", shown.len());
    assert!(shown.len() > 50, "{shown:?}");
}

/// Each value that was seen, as one that could not be had.
fn missing(facts: &Value) -> Vec<(String, Value)> {
    let mut seen = Vec::new();
    pointers_to_seen("", facts, &mut seen);
    let failed = json!({"failed": {"not_started": {"message": "gone"}}});
    seen.into_iter().map(|pointer| (pointer, failed.clone())).collect()
}

fn other_kinds() -> impl Iterator<Item = (String, Value)> {
    let docker = json!({"kind": "docker", "evidence": "/.dockerenv", "nvidia_visible_devices": "all"});
    let kinds = [
        ("/platform/seen/container", docker),
        ("/platform/seen/wsl", json!(true)),
        ("/platform/seen/cloud/provider", Value::Null),
        ("/platform/seen/hypervisor", Value::Null),
        ("/module/seen/version", Value::Null),
        ("/module/seen/nodes", json!([])),
        ("/module/seen/loaded", json!([])),
        ("/module/seen/dkms", json!([])),
        ("/pci/seen/functions", json!([])),
        ("/pci/seen/functions/0/driver", Value::Null),
        ("/pci/seen/functions/0/config", json!("all_ones")),
    ];
    kinds.into_iter().map(|(pointer, value)| (pointer.to_owned(), value))
}

fn pointers_to_seen(here: &str, value: &Value, pointers: &mut Vec<String>) {
    let below: Vec<(String, &Value)> = match value {
        Value::Object(fields) => fields.iter().map(|(key, value)| (key.clone(), value)).collect(),
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, item)| (index.to_string(), item)).collect()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    // An interrupted look has `by` beside it.
    if value.get("seen").is_some() && value.get("by").is_none() {
        pointers.push(here.to_owned());
    }
    for (key, value) in below {
        pointers_to_seen(&format!("{here}/{}", key.replace('/', "~1")), value, pointers);
    }
}

/// The variant that a check or a cause chooses has texts of its own: a misspelt one would show the usual ones.
#[test]
fn every_variant_that_is_chosen_says_something_different() {
    for machine in Machine::all() {
        for mut root in judge(&machine.facts).roots {
            let (chosen, variant) = (root.texts(Language::English), root.wording.variant.take());
            if let Some(variant) = variant {
                assert_ne!(chosen, root.texts(Language::English), "{}: {variant}", machine.name);
            }
        }
    }
}

#[test]
fn the_report_itself_is_english() {
    for machine in Machine::all() {
        let report = judge(&machine.facts);
        assert!(!render::json(&report).contains(is_hangul), "{}", machine.name);
        for root in &report.roots {
            let english = root.texts(Language::English);
            assert_eq!(
                (&root.title, &root.meaning, &root.fix.text),
                (&english.title, &english.meaning, &english.fix)
            );
        }
    }
}

#[test]
fn a_report_that_was_sent_reads_the_same_in_korean() {
    for machine in Machine::all() {
        let report = judge(&machine.facts);
        let sent: Report = serde_json::from_str(&render::json(&report)).unwrap();
        let style = render::Style { width: 80, color: false };
        let read = |report| text(report, style, Language::Korean);
        assert_eq!(read(&report), read(&sent), "{}", machine.name);
    }
}

#[test]
fn a_cause_that_is_not_known_keeps_the_words_it_came_with() {
    let mut report = judge(&Machine::load("nouveau-bound").facts);
    report.roots[0].cause = Some("of-a-newer-gpucheck".to_owned());
    assert_eq!(answer(&report, Language::Korean), "사용 불가: the nouveau driver holds the GPU");
}

#[test]
fn the_technical_words_are_the_same_in_every_language() {
    for machine in Machine::all() {
        let report = judge(&machine.facts);
        let style = render::Style { width: 100_000, color: false };
        let korean = text(&report, style, Language::Korean);
        for root in &report.roots {
            let technical = [&root.summary].into_iter().chain(&root.evidence).chain(&root.fix.commands);
            for words in technical.map(|words| words.replace(['\n', '\t'], " ")) {
                let words = words.trim();
                assert!(korean.contains(words), "{}: {words}\n{korean}", machine.name);
            }
        }
    }
}

/// A value may look like a placeholder: it is a value all the same.
#[test]
fn a_value_with_braces_stays_as_it_is() {
    let mut facts = Machine::load("cvd-hides-gpu").facts;
    let Observed::Seen(driver) = &mut facts.driver else { panic!("{:?}", facts.driver) };
    driver.visible_devices = Some("{subject}".to_owned());
    for language in Language::ALL {
        let meaning = judge(&facts).roots[0].texts(language).meaning;
        assert!(meaning.contains("\"{subject}\""), "{meaning}");
    }
}
