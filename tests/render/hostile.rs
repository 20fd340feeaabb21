//! Texts that would be markup, commands to a terminal or gigabytes, wherever a machine can put one.

use super::{all, asked, html, junit, markdown, prometheus};
use gpucheck::render::{self, Style};
use gpucheck_checks::{Language, Profile, Report};
use serde_json::Value;

/// What a file, a folder or a program may be called.
pub(super) const TEXTS: [&str; 9] = [
    "</script><script>alert(1)</script>",
    "\"><img src=x onerror=alert(1)>",
    "]]></failure></testcase>",
    "```\n</details>\n# heading | cell | @everyone #1",
    "\u{0}\u{1}\u{8}\u{1b}[31m\u{7f}\u{9b}\u{85}",
    "\u{202e}gnp.exe\u{2066}\u{200f}",
    "\u{fffe}\u{ffff}\u{fdd0}\u{10ffff}\u{1fffe}",
    "javascript:alert(1)",
    "--&gt; <!-- {subject} ${HOME} %s",
];
/// What a machine has no word in.
const FIXED: [&str; 11] = [
    "id",
    "cause",
    "profile",
    "verdict",
    "severity",
    "who",
    "usable",
    "kind",
    "root",
    "readiness",
    "nothing",
];

/// The report with this text in the place of every other one.
pub(super) fn said(report: &Report, text: &str) -> Report {
    let mut value = serde_json::to_value(report).unwrap();
    replace(&mut value, text);
    serde_json::from_value(value).unwrap()
}

fn replace(value: &mut Value, text: &str) {
    match value {
        Value::String(own) => text.clone_into(own),
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, text)),
        Value::Object(fields) => fields
            .iter_mut()
            .filter(|(key, _)| !FIXED.contains(&key.as_str()))
            .for_each(|(_, field)| replace(field, text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn assert_sound(name: &str, report: &Report) {
    junit::assert_sound(name, report);
    prometheus::assert_sound(name, report);
    for language in Language::ALL {
        html::assert_sound(name, report, language);
        markdown::assert_sound(name, report, language);
        render::text(report, Style { width: 80, color: false }, language);
    }
}

#[test]
fn no_text_of_a_machine_is_taken_for_anything_else() {
    for sample in ["two-diseases", "t4-535", "persistence-mode-off"] {
        let report = asked(Profile::Check, sample);
        for text in TEXTS {
            let said = said(&report, text);
            assert_sound(text, &said);
            let page = render::html(&said, Language::English);
            let page = page + &render::fragment(&said, Language::English);
            assert!(!text.contains('<') || !page.contains(text), "{text}");
        }
    }
}

#[test]
fn a_text_of_a_megabyte_is_cut_and_the_rest_counted() {
    let mut report = asked(Profile::Check, "two-diseases");
    let long = "한<&`|".repeat(200_000);
    for root in &mut report.roots {
        root.evidence = vec![long.clone()];
        root.summary.clone_from(&long);
    }
    for outcome in &mut report.outcomes {
        outcome.summary.clone_from(&long);
    }
    assert_sound("a megabyte", &report);
    for form in [render::junit(&report), render::html(&report, Language::English)] {
        assert!(form.len() < 4 << 20 && form.contains("[... +"), "{} bytes", form.len());
    }
}

#[test]
fn a_summary_of_marks_alone_is_not_too_long_either() {
    let mut report = said(&asked(Profile::Check, "two-diseases"), &"@#<".repeat(1_000));
    for _ in 0..5 {
        report.roots.extend(report.roots.clone());
        report.unverified.extend(report.unverified.clone());
    }
    for language in Language::ALL {
        markdown::assert_sound("marks", &report, language);
    }
}

#[test]
fn a_command_is_never_cut() {
    let mut report = asked(Profile::Check, "two-diseases");
    let command = format!("rm -f {}", "x".repeat(20_000));
    for root in &mut report.roots {
        root.fix.commands = vec![command.clone()];
    }
    assert!(render::html(&report, Language::English).contains(&command));
    let summary = render::markdown(&report, Language::English);
    assert!(!summary.contains("rm -f"), "a part of a command is no command");
}

#[test]
fn a_report_without_anything_in_it_is_shown_too() {
    let (_, mut report) = all().swap_remove(0);
    report.roots.clear();
    report.outcomes.clear();
    report.usable_from.clear();
    report.unverified.clear();
    report.taken_at.clear();
    report.profile.clear();
    assert_sound("nothing", &report);
}
