//! The program itself: what a person or a script meets who runs it.

mod forms;
mod hostile;
mod knowledge;
mod languages;
mod output;
mod reports;
mod selection;
mod signals;
mod usage;

use crate::{
    machine::healthy,
    stage::{Machine, Ran},
};
use gpucheck_checks::fact::{Facts, Observed, ProbeFailure};
use serde_json::Value;
use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

/// The program, in an environment that leads to no Python.
fn gpucheck() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gpucheck"));
    command.env_clear().env("PATH", "/nowhere").stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Ran {
    gpucheck().args(args).output().unwrap().into()
}

/// Looks at a machine in a folder.
fn look(machine: &Machine, args: &[&str]) -> Ran {
    let root = machine.path().to_str().unwrap();
    run(&[&["--root", root, "--no-cloud-metadata"], args].concat())
}

/// Judges what it gets on standard input.
fn judge(input: &[u8], args: &[&str]) -> Ran {
    let mut command = gpucheck();
    command.args(["judge", "-"]).args(args);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A reader that has seen enough is no error here.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap().into()
}

fn judge_facts(facts: &Facts, args: &[&str]) -> Ran {
    judge(&serde_json::to_vec(facts).unwrap(), args)
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.out).unwrap_or_else(|error| panic!("{error}: {}{}", ran.out, ran.err))
}

/// A machine whose one kernel on the GPU crashed.
fn broken_facts() -> Facts {
    let mut facts = healthy();
    facts.compute = Observed::Failed(ProbeFailure::Crashed { signal: 11, step: "cuLaunchKernel".to_owned() });
    facts
}

/// What is in a folder and below it, with sizes.
fn listing(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let data = entry.metadata().unwrap();
        found.push(format!("{} {}", entry.path().display(), if data.is_file() { data.len() } else { 0 }));
        if data.is_dir() {
            found.extend(listing(&entry.path()));
        }
    }
    found.sort();
    found
}
