//! `gpucheck class`: the reports of many machines as files and as a stream, whole ones and what is none.
//!
//! The reports are what the program says of machines under tests/machines, whose verdicts and causes stand there with their
//! sources.

mod answer;
mod files;
mod hostile;
mod stream;

use crate::{machine::Machine, stage::Ran};
use gpucheck_checks::{Knowledge, Profile, Selection};
use serde_json::{Value, json};
use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
    sync::LazyLock,
};

static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(|| Knowledge::built_in().unwrap());

/// What the program says of a machine.
fn report(machine: &str) -> Value {
    let facts = Machine::load(machine).facts;
    let report = Profile::of(&facts).judge(&facts, &KNOWLEDGE, &Selection::default());
    serde_json::to_value(report).unwrap()
}

/// A T4 on which all is well, at this minute of an hour.
fn healthy(minute: u32) -> Value {
    let mut report = report("t4-535");
    report["taken_at"] = json!(format!("2026-11-23T09:{minute:02}:00Z"));
    report
}

/// A T4 whose Linux has no driver.
fn broken() -> Value {
    report("module-missing-new-kernel")
}

/// A folder of reports by the names of their files.
fn folder(reports: &[(&str, &Value)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, report) in reports {
        write(folder.path(), name, report);
    }
    folder
}

fn write(folder: &Path, name: &str, report: &Value) {
    let path = folder.join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, serde_json::to_string_pretty(report).unwrap()).unwrap();
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {}{}", self.out, self.err))
    }
}

fn gpucheck() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpucheck"));
    command.env_clear().env("PATH", "/nowhere").arg("class").stdin(Stdio::null());
    command
}

/// Merges what lies at a path.
fn class(path: &Path, more: &[&str]) -> Ran {
    gpucheck().arg(path).args(more).output().unwrap().into()
}

/// Merges what comes on standard input.
fn stream(input: &[u8], more: &[&str]) -> Ran {
    let mut command = gpucheck();
    command.arg("-").args(more).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    output.into()
}

fn counts(answer: &Value) -> [u64; 7] {
    ["all", "ready", "in_part", "not_ready", "untold", "stale", "unread"]
        .map(|name| answer["seats"][name].as_u64().unwrap())
}
