//! Reports one after another on standard input: as lines, as `cat` puts them, and with something else among them.

use super::{broken, counts, healthy, stream};
use serde_json::{Value, json};

/// Reports that fill several parts of what is read at a time.
fn many() -> Vec<Value> {
    let named = |number: u32| {
        let mut report = if number.is_multiple_of(10) { broken() } else { healthy(number % 60) };
        report["seat"] = json!(format!("seat-{number:03}"));
        report
    };
    (0..200).map(named).collect()
}

#[test]
fn lines_and_whole_documents_give_the_same_answer() {
    let reports = many();
    let joined = |text: fn(&Value) -> String, between: &str| {
        reports.iter().map(text).collect::<Vec<_>>().join(between)
    };
    let pretty: fn(&Value) -> String = |report| serde_json::to_string_pretty(report).unwrap();
    let lines = stream(joined(Value::to_string, "\n").as_bytes(), &["--format", "json"]);
    assert_eq!((lines.status, counts(&lines.json())), (Some(1), [200, 180, 0, 20, 0, 0, 0]), "{}", lines.err);
    for (text, between) in
        [(pretty, "\n"), (pretty, ""), (pretty, "\r\n"), (Value::to_string, ""), (Value::to_string, "\n\n ")]
    {
        let other = stream(joined(text, between).as_bytes(), &["--format", "json"]);
        assert_eq!(other.out, lines.out, "{between:?}");
    }
}

#[test]
fn any_order_gives_the_same_bytes() {
    let mut reports = many();
    let input = |reports: &[Value]| reports.iter().map(Value::to_string).collect::<Vec<_>>().join("\n");
    let forward = stream(input(&reports).as_bytes(), &["--format", "json"]);
    reports.reverse();
    let backward = stream(input(&reports).as_bytes(), &["--format", "json"]);
    reports.sort_by_key(|report| report["seat"].as_str().unwrap()[7..].to_owned());
    let sorted = stream(input(&reports).as_bytes(), &["--format", "json"]);
    assert!(forward.out == backward.out && forward.out == sorted.out);
}

#[test]
fn reports_without_a_name_are_numbered_as_they_come() {
    let input = format!("{}\n{}\n{}", healthy(0), broken(), healthy(1));
    let answer = stream(input.as_bytes(), &["--format", "json"]).json();
    assert_eq!(answer["causes"][0]["seats"]["names"], json!(["#2"]));
}

#[test]
fn after_what_is_no_report_it_goes_on_with_the_next() {
    let whole = serde_json::to_string_pretty(&healthy(0)).unwrap();
    let cut = &whole[..whole.len() / 2];
    for (what, unread) in [
        (cut, 1),
        ("{\"schema\": 1}", 1),
        ("[1, 2]\n\"text\"", 1),
        ("Connection closed by 10.0.0.7 port 22", 1),
        ("{\"a\": \"}\n{", 1),
        ("\u{0}\u{1}", 1),
        ("1\n".repeat(10_000).as_str(), 1),
        ("{\n".repeat(10_000).as_str(), 1),
    ] {
        let input = format!("{whole}\n{what}\n{whole}\n");
        let ran = stream(input.as_bytes(), &["--format", "json"]);
        let answer = ran.json();
        assert_eq!(ran.status, Some(3), "{what}");
        assert_eq!(counts(&answer), [2 + unread, 2, 0, 0, 0, 0, unread], "{what}: {answer:#}");
        assert_eq!(answer["unread"][0]["name"], "#2");
    }
}

#[test]
fn what_is_longer_than_any_report_is_passed_over() {
    let endless = "0".repeat(40 << 20);
    let input = format!("{0}\n{{\"schema\": [{endless}]}}\n{0}\n", healthy(0));
    let ran = stream(input.as_bytes(), &["--format", "json"]);
    assert_eq!((ran.status, counts(&ran.json())), (Some(3), [3, 2, 0, 0, 0, 0, 1]));
    assert!(ran.json()["unread"][0]["why"].as_str().unwrap().contains("more than 16 MiB"));
}
