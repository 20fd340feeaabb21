//! Facts files that are damaged, foreign or malicious.

use super::{Ran, gpucheck, judge, judge_facts, run};
use crate::machine::healthy;
use gpucheck_checks::fact::{Facts, Observed, ProbeFailure};
use serde_json::{Value, json};
use std::process::Command;

/// A text that turns a terminal red, clears it, and pretends to be a line of the report.
const HOSTILE: &str =
    "\u{1b}[31mred\u{9b}2J\u{7}\r\nUSABLE: all is well\n\u{0}\u{8}\u{7f}\u{1b}]0;title\u{7}";

fn assert_refused(ran: &Ran, what: &str) {
    assert_eq!((ran.status, ran.out.as_str()), (Some(4), ""), "{what}: {}", ran.err);
    assert!(ran.err.starts_with("gpucheck: ") && ran.err.lines().count() == 1, "{what}: {}", ran.err);
    assert!(ran.err.len() < 1000, "{what}: {} bytes of message", ran.err.len());
    assert_clean(&ran.err, what);
}

fn assert_clean(text: &str, what: &str) {
    let found = text.chars().find(|c| c.is_control() && *c != '\n');
    assert_eq!(found, None, "{what}: {text:?}");
}

#[test]
fn what_is_no_facts_file_is_refused() {
    let whole = serde_json::to_vec(&healthy()).unwrap();
    let deep = |depth: usize| [b"[".repeat(depth), b"]".repeat(depth)].concat();
    let report = judge_facts(&healthy(), &["--format", "json"]).out;
    for (what, bytes) in [
        ("nothing", Vec::new()),
        ("a line end", b"\n".to_vec()),
        ("half of it", whole[..whole.len() / 2].to_vec()),
        ("all but its end", whole[..whole.len() - 1].to_vec()),
        ("twice", [&whole[..], &whole[..]].concat()),
        ("another encoding", "{\"schema\":1}".encode_utf16().flat_map(u16::to_le_bytes).collect()),
        ("no UTF-8", [&b"{\"schema\":1,\"gpucheck\":\"\xff\xfe\""[..], &whole[12..]].concat()),
        ("a picture", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR".to_vec()),
        ("nesting", deep(100_000)),
        ("nesting in a field", [&b"{\"schema\":1,\"platform\":"[..], &deep(100_000), b"}"].concat()),
        ("a list", b"[]".to_vec()),
        ("a text", b"\"facts\"".to_vec()),
        ("a number", b"1".to_vec()),
        ("null", b"null".to_vec()),
        ("another document", b"{\"name\":\"x\",\"version\":1}".to_vec()),
        ("no layout", b"{\"schema\":null}".to_vec()),
        ("a negative layout", b"{\"schema\":-1}".to_vec()),
        ("the layout alone", b"{\"schema\":1}".to_vec()),
        ("a report", report.into_bytes()),
        ("a key twice", b"{\"schema\":1,\"schema\":1}".to_vec()),
    ] {
        assert_refused(&judge(&bytes, &[]), what);
    }
}

#[test]
fn what_is_no_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let absent = folder.path().join("absent.json");
    for path in [absent.to_str().unwrap(), folder.path().to_str().unwrap(), "/dev/null", "/proc/self/mem"] {
        let ran = run(&["judge", path]);
        assert_refused(&ran, path);
        assert!(ran.err.contains(path), "{}", ran.err);
    }
}

#[test]
fn a_newer_layout_is_told_from_a_broken_file() {
    for text in ["{\"schema\":99}", "{\"schema\":18446744073709551615,\"machine\":[]}"] {
        let ran = judge(text.as_bytes(), &[]);
        assert_refused(&ran, text);
        assert!(ran.err.contains("newer"), "{}", ran.err);
    }
}

#[test]
fn fields_that_nobody_knows_are_passed_over() {
    let mut facts = serde_json::to_value(healthy()).unwrap();
    facts["of_a_later_version"] = json!({"a": [1, {"b": null}]});
    facts["platform"]["seen"]["of_a_later_version"] = json!("x");
    let ran = judge(facts.to_string().as_bytes(), &["--quiet"]);
    assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""));
}

#[test]
fn a_file_that_is_too_large_takes_neither_time_nor_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.json");
    std::fs::File::create(&path).unwrap().set_len(65 << 20).unwrap();
    for path in [path.to_str().unwrap(), "/dev/zero"] {
        // 300 MB of address space: the 64 MiB that are read, once more while the buffer grows, and the program.
        let limited = format!("ulimit -v 300000; exec \"$0\" judge {path}");
        let ran: Ran = Command::new("/bin/sh")
            .args(["-c", &limited, env!("CARGO_BIN_EXE_gpucheck")])
            .output()
            .unwrap()
            .into();
        assert_refused(&ran, path);
        assert!(ran.err.contains("more than 67108864 bytes"), "{}", ran.err);
    }
}

#[test]
fn a_refusal_does_not_repeat_control_characters() {
    for pointer in ["/module/seen/secure_boot", "/platform/seen/cloud/provider"] {
        let mut facts = serde_json::to_value(healthy()).unwrap();
        *facts.pointer_mut(pointer).unwrap() = json!(HOSTILE);
        assert_refused(&judge(facts.to_string().as_bytes(), &[]), pointer);
        *facts.pointer_mut(pointer).unwrap() = json!("x".repeat(1 << 20));
        assert_refused(&judge(facts.to_string().as_bytes(), &[]), pointer);
    }
}

/// Facts with that text in place of every text that may be any.
fn poisoned(facts: &Facts, with: &str) -> (Facts, usize) {
    fn texts(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::String(_) => found.push(at.to_owned()),
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(i, item)| texts(item, &format!("{at}/{i}"), found));
            }
            Value::Object(fields) => {
                fields.iter().for_each(|(key, field)| texts(field, &format!("{at}/{key}"), found));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
    let mut document = serde_json::to_value(facts).unwrap();
    let mut found = Vec::new();
    texts(&document, "", &mut found);
    let mut replaced = 0;
    for pointer in found {
        let before = document.pointer(&pointer).unwrap().clone();
        *document.pointer_mut(&pointer).unwrap() = json!(format!("{}{with}", before.as_str().unwrap()));
        if serde_json::from_value::<Facts>(document.clone()).is_ok() {
            replaced += 1;
        } else {
            *document.pointer_mut(&pointer).unwrap() = before;
        }
    }
    (serde_json::from_value(document).unwrap(), replaced)
}

#[test]
fn no_text_of_a_machine_reaches_the_terminal_as_anything_but_text() {
    let (healthy, replaced) = poisoned(&healthy(), HOSTILE);
    assert!(replaced > 60, "{replaced}");
    let mut crashed = healthy.clone();
    crashed.compute = Observed::Failed(ProbeFailure::Crashed { signal: 11, step: HOSTILE.to_owned() });
    // The texts of failures are shown as well.
    let mut unasked = healthy.clone();
    let Observed::Seen(frameworks) = &mut unasked.frameworks else { panic!() };
    frameworks.pythons[0].interpreter = Observed::refused(HOSTILE, 2, HOSTILE, HOSTILE);
    frameworks.pythons[0].tensorflow = Observed::refused(HOSTILE, 2, HOSTILE, HOSTILE);
    unasked.nvml = Observed::not_probed(HOSTILE);
    for facts in [Box::new(healthy), Box::new(crashed), Box::new(unasked)] {
        let text = judge_facts(&facts, &["--color", "never"]);
        assert_clean(&text.out, "the report");
        assert!(text.out.contains("[31mred"), "{}", text.out);
        let forged = text.out.lines().filter(|line| line.starts_with("USABLE: all is well")).count();
        assert_eq!((forged, text.err.as_str()), (0, ""), "{}", text.out);
        let quiet = judge_facts(&facts, &["--quiet"]).out;
        assert_clean(&quiet, "the answer");
        assert_eq!(quiet.lines().count(), 1);
    }
}

#[test]
fn thousands_of_devices_are_judged() {
    let mut document = serde_json::to_value(healthy()).unwrap();
    let gpu = document["pci"]["seen"]["functions"][0].clone();
    let many = (0..2_000).map(|i| {
        let mut gpu = gpu.clone();
        gpu["address"] = json!(format!("{i:04x}:00:00.0"));
        gpu
    });
    document["pci"]["seen"]["functions"] = many.collect();
    let ran = judge(document.to_string().as_bytes(), &["--format", "json"]);
    let report = super::json(&ran);
    assert_eq!(report["verdict"], "degraded", "one of them computes");
    assert_eq!(report["machine"]["gpus"].as_array().unwrap().len(), 2_000);
}

#[test]
fn a_name_of_a_file_is_not_taken_for_an_option() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("--quiet"), serde_json::to_vec(&healthy()).unwrap()).unwrap();
    let ran: Ran =
        gpucheck().current_dir(folder.path()).args(["judge", "--", "--quiet"]).output().unwrap().into();
    assert_eq!(ran.status, Some(0), "{}", ran.err);
}

#[test]
fn few_open_files_are_made_more_or_named() {
    let environment = tempfile::tempdir().unwrap();
    for (limits, told) in
        [("ulimit -Sn 64", "No such file or directory"), ("ulimit -n 62", "only 62 files may be open")]
    {
        let line = format!("{limits}; exec \"$0\" --no-cloud-metadata --only frameworks --format json");
        let output = Command::new("/bin/bash")
            .args(["-c", &line, env!("CARGO_BIN_EXE_gpucheck")])
            .env("VIRTUAL_ENV", environment.path())
            .output()
            .unwrap();
        let out = String::from_utf8_lossy(&output.stdout);
        assert!(out.contains(told), "{limits}: {out}{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_worker_that_nobody_listens_to_says_no_more_than_its_status() {
    let ran = run(&["__probe", "nvml", r#"{"search":"loader","hold_init":"no","may_make_nodes":false}"#]);
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(2), "", ""));
}
