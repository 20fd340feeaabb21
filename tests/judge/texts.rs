//! What people read of each machine, in every language.

use super::judge;
use crate::machine::Machine;
use gpucheck::render::{answer, json, text};
use gpucheck_checks::{Language, Report, fact::Observed};

fn is_hangul(c: char) -> bool {
    ('가'..='힣').contains(&c)
}

#[test]
fn no_text_is_left_unfilled() {
    for machine in Machine::all() {
        for root in judge(&machine.facts).roots {
            for language in Language::ALL {
                let texts = root.texts(language);
                for text in [&texts.title, &texts.meaning, &texts.fix] {
                    assert!(!text.contains(['{', '}']) && !text.is_empty(), "{}: {text}", machine.name);
                    let is_korean = text.contains(is_hangul);
                    assert_eq!(is_korean, language == Language::Korean, "{}: {text}", machine.name);
                }
            }
            assert!(!root.summary.is_empty(), "{}", machine.name);
        }
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
        assert!(!json(&report).contains(is_hangul), "{}", machine.name);
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
        let sent: Report = serde_json::from_str(&json(&report)).unwrap();
        let style = gpucheck::render::Style { width: 80, color: false };
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
        let style = gpucheck::render::Style { width: 100_000, color: false };
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
