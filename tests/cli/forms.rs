//! What the report looks like: text, one line, JSON, colour, width.

use super::{Ran, broken_facts, gpucheck, json, judge_facts, look, run};
use crate::{machine::healthy, stage::Machine};
use gpucheck_checks::fact::Facts;
use serde_json::Value;
use std::{collections::BTreeSet, process::Command};

fn keys(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap_or_else(|| panic!("{value}")).keys().map(String::as_str).collect()
}

fn has(value: &Value, wanted: &str) {
    for key in wanted.split(' ') {
        assert!(keys(value).contains(key), "no {key} in {value}");
    }
}

/// The contract with everyone who reads the JSON.
fn assert_contract(report: &Value) {
    has(report, "schema gpucheck taken_at profile verdict roots outcomes machine");
    assert_eq!(report["schema"], 1);
    let one_of = |value: &Value, words: &str| {
        assert!(words.split(' ').any(|word| value == word), "{value} is none of {words}");
    };
    one_of(&report["verdict"], "usable degraded unusable incomplete");
    one_of(&report["profile"], "check publish bake");
    has(&report["machine"], "gpus driver pythons notebooks");
    let outcomes = report["outcomes"].as_array().unwrap();
    let subject = |value: &Value| {
        has(&value["subject"], "kind name");
        one_of(&value["subject"]["kind"], "host gpu python notebook");
    };
    for outcome in outcomes {
        has(outcome, "id subject verdict summary evidence root");
        one_of(&outcome["verdict"], "pass warn fail unknown not_applicable");
        subject(outcome);
    }
    for root in report["roots"].as_array().unwrap() {
        has(root, "id cause subject severity who summary evidence fix explains");
        has(&root["fix"], "text commands url");
        one_of(&root["severity"], "unusable degraded breaks_later");
        one_of(&root["who"], "student instructor image_baker platform");
        subject(root);
        assert!(outcomes.iter().any(|outcome| outcome["id"] == root["id"]), "{root}");
    }
}

#[test]
fn json_keeps_its_contract() {
    for facts in [healthy(), broken_facts()] {
        assert_contract(&json(&judge_facts(&facts, &["--format", "json"])));
    }
    for machine in [Machine::linux(), Machine::empty()] {
        let ran = look(&machine, &["--format", "json"]);
        assert_contract(&json(&ran));
        assert_eq!(ran.err, "");
    }
    assert_eq!(json(&judge_facts(&healthy(), &["--format", "json"]))["roots"], serde_json::json!([]));
}

#[test]
fn the_status_is_that_of_the_verdict() {
    for (facts, args) in [
        (Box::new(healthy()), &[][..]),
        (Box::new(broken_facts()), &[]),
        (Box::new(healthy()), &["--only", "nvml"]),
    ] {
        let ran = judge_facts(&facts, &[args, &["--format", "json"]].concat());
        let expected = match json(&ran)["verdict"].as_str().unwrap() {
            "usable" | "degraded" => 0,
            "unusable" => 1,
            _ => 3,
        };
        assert_eq!(ran.status, Some(expected));
        assert_eq!(judge_facts(&facts, args).status, Some(expected));
        assert_eq!(judge_facts(&facts, &[args, &["--quiet"]].concat()).status, Some(expected));
    }
}

#[test]
fn quiet_is_the_first_line_of_the_text() {
    for facts in [healthy(), broken_facts()] {
        let (text, quiet) = (judge_facts(&facts, &[]), judge_facts(&facts, &["--quiet"]));
        assert!(text.out.lines().count() > 10, "{}", text.out);
        assert_eq!(quiet.out, format!("{}\n", text.out.lines().next().unwrap()));
    }
}

#[test]
fn the_same_facts_give_the_same_bytes() {
    for args in [&["--format", "json"][..], &[]] {
        assert_eq!(judge_facts(&broken_facts(), args).out, judge_facts(&broken_facts(), args).out);
    }
}

#[test]
fn what_is_recorded_gets_the_verdict_of_the_look() {
    for machine in [Machine::linux(), Machine::empty()] {
        let recorded = look(&machine, &["record"]);
        assert_eq!((recorded.status, recorded.err.as_str()), (Some(0), ""));
        let facts: Facts = serde_json::from_str(&recorded.out).unwrap();
        let mut judged = json(&judge_facts(&facts, &["--format", "json"]));
        let mut looked = json(&look(&machine, &["--format", "json"]));
        judged["taken_at"] = Value::Null;
        looked["taken_at"] = Value::Null;
        assert_eq!(judged, looked);
    }
}

/// The text without what colours it.
fn bare(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut out = parts.next().unwrap().to_owned();
    for part in parts {
        out.push_str(part.split_once('m').unwrap().1);
    }
    out
}

#[test]
fn colour_is_for_those_who_ask_and_says_nothing_of_its_own() {
    let plain = judge_facts(&broken_facts(), &[]).out;
    assert!(!plain.contains('\u{1b}'));
    let coloured = judge_facts(&broken_facts(), &["--color", "always"]).out;
    assert!(coloured.contains('\u{1b}'));
    assert_eq!(bare(&coloured), plain);
    assert_eq!(judge_facts(&broken_facts(), &["--color", "never"]).out, plain);
}

#[test]
fn colour_shows_on_a_terminal_unless_told_otherwise() {
    let facts = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(facts.path(), serde_json::to_vec(&broken_facts()).unwrap()).unwrap();
    let on_terminal = |set: &str, args: &str| {
        let line =
            format!("env {set} {} judge {} {args}", env!("CARGO_BIN_EXE_gpucheck"), facts.path().display());
        let output = Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            // A continuous integration is taken for a terminal that shows colour, whatever TERM says.
            .env_remove("CI")
            .env_remove("CLICOLOR")
            .env_remove("CLICOLOR_FORCE")
            .env_remove("NO_COLOR")
            .env("TERM", "xterm-256color")
            .stdin(std::process::Stdio::null())
            .output();
        output.ok().map(|output| String::from_utf8_lossy(&output.stdout).contains('\u{1b}'))
    };
    let Some(coloured) = on_terminal("A=b", "") else {
        println!("skipped: no `script` here to make a terminal");
        return;
    };
    assert!(coloured);
    assert_eq!(on_terminal("NO_COLOR=1", ""), Some(false));
    assert_eq!(on_terminal("TERM=dumb", ""), Some(false));
    assert_eq!(on_terminal("A=b", "--color never"), Some(false));
    assert_eq!(on_terminal("NO_COLOR=1", "--color always"), Some(true));
}

#[test]
fn logs_go_to_standard_error_alone() {
    let machine = Machine::linux();
    let quiet = look(&machine, &["--format", "json"]);
    let loud = look(&machine, &["--format", "json", "-vvv"]);
    let (mut quiet_report, mut loud_report) = (json(&quiet), json(&loud));
    quiet_report["taken_at"] = Value::Null;
    loud_report["taken_at"] = Value::Null;
    assert_eq!(quiet_report, loud_report);
    assert_eq!(quiet.err, "");
    assert!(loud.err.contains("worker ended"), "{}", loud.err);
}

#[test]
fn a_narrow_terminal_gets_narrow_lines() {
    let facts = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(facts.path(), serde_json::to_vec(&broken_facts()).unwrap()).unwrap();
    let ran: Ran = gpucheck().env("COLUMNS", "60").arg("judge").arg(facts.path()).output().unwrap().into();
    let mut wrapped = 0;
    // Commands stay whole, and so do paths.
    let is_whole = |line: &str| line.starts_with("      ") || !line.trim().contains(' ');
    for line in ran.out.lines().skip(1).filter(|line| !is_whole(line)) {
        assert!(line.chars().count() <= 60, "{line}");
        wrapped += usize::from(line.len() > 40);
    }
    assert!(wrapped > 3, "{}", ran.out);
}

#[test]
fn widths_without_sense_are_no_trouble() {
    for columns in ["0", "1", "-5", "18446744073709551616", "x", ""] {
        let ran: Ran = gpucheck().env("COLUMNS", columns).arg("list").output().unwrap().into();
        assert_eq!(ran.status, Some(0), "{columns}");
    }
    assert_eq!(run(&["list"]).status, Some(0));
}
