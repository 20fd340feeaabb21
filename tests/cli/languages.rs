//! Which language the program speaks, and what stays English.

use super::{Ran, broken_facts, gpucheck, json, judge_facts, run};
use crate::machine::Machine;
use std::path::Path;

/// Judges facts in this environment.
fn judge_in(environment: &[(&str, &str)], facts: &Path, args: &[&str]) -> Ran {
    gpucheck().envs(environment.iter().copied()).arg("judge").arg(facts).args(args).output().unwrap().into()
}

fn file_of(machine: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), serde_json::to_vec(&Machine::load(machine).facts).unwrap()).unwrap();
    file
}

const KOREAN: &str = "사용 불가: nouveau 드라이버가 GPU를 점유하고 있음\n";
const ENGLISH: &str = "NOT USABLE: the nouveau driver holds the GPU\n";

#[test]
fn the_option_decides_and_else_the_locale() {
    let facts = file_of("nouveau-bound");
    for (environment, args, answer) in [
        (&[][..], &[][..], ENGLISH),
        (&[], &["--lang", "ko"], KOREAN),
        (&[("LC_ALL", "en_US.UTF-8")], &["--lang", "ko"], KOREAN),
        (&[("LC_ALL", "C")], &["--lang", "ko"], KOREAN),
        (&[("LC_ALL", "ko_KR.UTF-8")], &["--lang", "en"], ENGLISH),
        (&[("LANG", "ko_KR.UTF-8")], &[], KOREAN),
        (&[("LANG", "ko_KR.UTF-8"), ("LC_MESSAGES", "en_US.UTF-8")], &[], ENGLISH),
        (&[("LANG", "en_US.UTF-8"), ("LC_MESSAGES", "ko_KR.UTF-8")], &[], KOREAN),
        (&[("LANG", "ko_KR.UTF-8"), ("LC_ALL", "C")], &[], ENGLISH),
        (&[("LANG", "en_US.UTF-8"), ("LC_ALL", "ko_KR.UTF-8")], &[], KOREAN),
        (&[("LANG", "en_US.UTF-8"), ("LANGUAGE", "ko:en")], &[], KOREAN),
        (&[("LANG", "ko_KR.eucKR")], &[], ENGLISH),
        (&[("LANG", "fr_FR.UTF-8")], &[], ENGLISH),
    ] {
        let ran = judge_in(environment, facts.path(), &[args, &["--quiet"]].concat());
        assert_eq!(
            (ran.status, ran.out.as_str(), ran.err.as_str()),
            (Some(1), answer, ""),
            "{environment:?} {args:?}"
        );
        let whole = judge_in(environment, facts.path(), args);
        assert!(whole.out.starts_with(answer), "{environment:?} {args:?}: {}", whole.out);
    }
}

#[test]
fn a_locale_of_no_text_is_no_trouble() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let facts = file_of("nouveau-bound");
    let mut command = gpucheck();
    command.env("LANG", OsStr::from_bytes(b"ko\xff\xfe")).env("LANGUAGE", OsStr::from_bytes(b"\xff"));
    let ran: Ran = command.arg("judge").arg(facts.path()).arg("--quiet").output().unwrap().into();
    assert_eq!((ran.status, ran.out.as_str(), ran.err.as_str()), (Some(1), ENGLISH, ""));
}

#[test]
fn json_and_facts_are_the_same_in_every_language() {
    let facts = broken_facts();
    let plain = judge_facts(&facts, &["--format", "json"]);
    let korean = judge_facts(&facts, &["--format", "json", "--lang", "ko"]);
    assert_eq!(plain.out, korean.out);
    assert_eq!(json(&korean)["roots"][0]["id"], "compute.adds_vectors");
}

#[test]
fn troubles_with_the_command_line_are_english() {
    let ran = run(&["--lang", "ko", "--only", "driver.initialises"]);
    assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("did you mean driver.initializes?"), "{}", ran.err);
}

#[test]
fn a_language_that_there_is_not_is_refused() {
    for lang in ["de", "KO", "", "ko_KR.UTF-8"] {
        let ran = run(&["--lang", lang]);
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{lang}");
        assert!(ran.err.contains("en, ko"), "{}", ran.err);
    }
}

#[test]
fn a_manual_page_begins_with_the_texts_of_the_language() {
    for (id, title) in [
        ("nouveau-bound", "nouveau 드라이버가 GPU를 점유하고 있음"),
        ("nvml.loads", "드라이버의 관리 라이브러리(NVML)를 불러올 수 없음"),
        ("gpu-fallen-off-bus", "GPU(…)가 버스에서 떨어져 나감"),
    ] {
        let (english, korean) = (run(&["explain", id]), run(&["--lang", "ko", "explain", id]));
        assert_eq!((korean.status, korean.err.as_str()), (Some(0), ""));
        let lines: Vec<&str> = korean.out.lines().collect();
        assert_eq!(lines[..2], [id, &format!("  {title}")]);
        let page = english.out.strip_prefix(id).unwrap();
        assert!(korean.out.ends_with(page), "{}", korean.out);
    }
    assert_eq!(run(&["--lang", "ko", "list"]).out, run(&["list"]).out);
}
