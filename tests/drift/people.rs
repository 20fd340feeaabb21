//! What a student reads.

use super::*;
use gpucheck::render::{Style, text};
use gpucheck_checks::Language;

fn read(before: &Facts, now: &Facts, language: Language) -> String {
    text(&report(before, now), Style { width: 100, color: false }, language)
}

fn torch(version: &str, others: u32, events: &Value) -> (&'static str, Value) {
    let mut distributions: serde_json::Map<String, Value> =
        (0..50).map(|number| (format!("other-{number}"), json!(format!("1.{others}")))).collect();
    distributions.insert("torch".to_owned(), json!(version));
    inventory(&Value::Object(distributions), &json!({}), &json!({}), events)
}

#[test]
fn the_answer_comes_first_then_what_changed_and_the_rest_is_counted() {
    let before = with(
        "torch-with-cuda-wheels",
        &[torch("2.6.0+cu126", 1, &json!([])), ("/taken_at", json!("2026-11-20T09:00:00Z"))],
    );
    let run = json!({"at": "2026-11-24T10:12:00Z", "by": "pip", "log": "x", "environment": ENVIRONMENT,
        "asked_for": ["torch"], "changes": [{"package": "torch", "to": "2.6.0+cpu"}]});
    let now = with("torch-cpu-wheel", &[torch("2.6.0+cpu", 2, &json!([run]))]);
    let english = read(&before, &now, Language::English);
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("../goldens");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| {
        insta::assert_snapshot!("drift.txt", english);
        insta::assert_snapshot!("drift.ko.txt", read(&before, &now, Language::Korean));
    });
    let lines: Vec<&str> = english.lines().collect();
    assert!(lines[0].starts_with("NOT USABLE: PyTorch 2.6.0+cpu"), "{english}");
    assert_eq!(lines[2], "Since the template was saved (2026-11-20 09:00 UTC)");
    assert!(lines[3].contains("torch") && lines[3].contains("2.6.0+cu126 -> 2.6.0+cpu"), "{english}");
    assert!(english.contains("2026-11-24 10:12 UTC") && english.contains("pip"), "{english}");
    assert_eq!(english.matches("other-").count(), 0, "{english}");
    assert!(english.contains(&format!("{ENVIRONMENT}: 50 ")), "{english}");
}

#[test]
fn nothing_changed_is_said() {
    let before = with("template-t4", &[nothing(), ("/taken_at", json!("2026-11-20T09:00:00Z"))]);
    let told = read(&before, &before, Language::English);
    assert!(
        told.contains("Nothing has changed since the template was saved (2026-11-20 09:00 UTC)"),
        "{told}"
    );
    let broken = read(&before, &with("gpu-fallen-off-bus", &[nothing()]), Language::English);
    assert!(broken.contains("nothing that was compared explains it"), "{broken}");
    let already = with("torch-cpu-wheel", &[nothing()]);
    let told = read(&already, &already, Language::English);
    assert!(told.contains("It was so already when the template was saved"), "{told}");
}

#[test]
fn every_line_fits_and_is_of_its_language() {
    let before = with("t4-535", &[nothing()]);
    for machine in
        ["module-missing-new-kernel", "driver-library-mismatch", "kernel-hides-gpu", "torch-conda-cpu"]
    {
        let now = with(machine, &[nothing()]);
        for language in Language::ALL {
            let told = read(&before, &now, language);
            assert!(
                !told.contains("{subject}") && !told.contains("{title}") && !told.contains("{name}"),
                "{told}"
            );
            assert_eq!(told.contains("이후 바뀐 것"), language == Language::Korean, "{told}");
        }
    }
}
