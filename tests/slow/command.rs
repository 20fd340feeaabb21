//! The command: what it takes, whom it finds, what its facts are worth elsewhere.

use crate::{
    simulated::{Simulated, t4},
    stage::Machine,
};
use serde_json::{Value, json};
use std::{
    path::Path,
    process::{Command, Output, Stdio},
};

/// gpucheck, for a machine in a folder.
fn gpucheck(program: &Path, root: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/nowhere").stdin(Stdio::null());
    command.args(args).args(["--no-cloud-metadata", "--root"]).arg(root).output().unwrap()
}

fn slow(machine: &Machine, args: &[&str]) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_gpucheck"));
    gpucheck(program, machine.path(), &[&["slow", "--seconds", "1"], args].concat())
}

fn err(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A machine on which one kernel runs, and what it forked.
fn with_kernel() -> Machine {
    let id = "1b2c3d4e-0000-4000-8000-000000000001";
    let mut machine = Machine::linux().file("/proc/stat", "cpu 1 1 1 1 1\ncpu0 1 1 1 1 1\n");
    for (pid, parent) in [(77, 5), (78, 77)] {
        let arguments = format!("python\0-m\0ipykernel_launcher\0-f\0/run/kernel-{id}.json\0");
        machine = machine
            .file(&format!("/proc/{pid}/cmdline"), arguments)
            .file(
                &format!("/proc/{pid}/environ"),
                "HOME=/home/kim\0JPY_SESSION_NAME=/home/kim/week3/lab.ipynb\0",
            )
            .file(&format!("/proc/{pid}/status"), format!("PPid:\t{parent}\nUid:\t1000\t1000\t1000\t1000\n"))
            .file(
                &format!("/proc/{pid}/stat"),
                format!("{pid} (python) S {parent} 1 1 0 -1 0 0 0 0 0 0 5 0 0 0 0 0 0 0 9 4096 10 0\n"),
            );
    }
    machine
}

#[test]
fn who_is_not_there_is_an_error_that_says_what_there_is() {
    let machine = with_kernel();
    for (args, told) in [
        (&["--pid", "4"][..], "there is no process 4"),
        (&["--pid", "0"], "there is no process 0"),
        (
            &["--notebook", "other"],
            "--notebook other: no kernel of yours runs for it; these have a kernel that runs: /home/kim/week3/lab.ipynb",
        ),
        (&["--pid", "77", "--notebook", "lab"], "cannot be used with"),
        (&["--seconds", "0"], "--seconds"),
        (&["--seconds", "601"], "--seconds"),
        (&["--pid", "x"], "--pid"),
        (&["--only", "nvml"], "--only is not for `gpucheck slow`"),
        (&["--soak", "10m"], "--soak is not for `gpucheck slow`"),
    ] {
        let output = slow(&machine, args);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{args:?}: {}", err(&output));
        assert!(err(&output).contains(told), "{args:?}: {}", err(&output));
    }
}

#[test]
fn a_notebook_is_found_by_its_name_and_its_kernel() {
    let machine = with_kernel();
    for name in ["lab", "lab.ipynb", "week3/lab.ipynb", "1b2c3d4e"] {
        let output = slow(&machine, &["--notebook", name, "--format", "json"]);
        assert_ne!(output.status.code(), Some(2), "{name}: {}", err(&output));
        assert!(serde_json::from_slice::<Value>(&output.stdout).is_ok(), "{name}: {}", err(&output));
        assert_eq!(err(&output), "", "{name}");
    }
}

#[test]
fn what_was_watched_is_recorded_and_judged_elsewhere() {
    let mut scenario = t4();
    scenario["gpus"][0]["nvml"]["utilization"] = json!([97, 61]);
    let simulated = Simulated::new(&scenario);
    let machine = simulated.machine().file("/proc/stat", "cpu 1 1 1 1 1\ncpu0 1 1 1 1 1\n");
    let run = |args: &[&str]| {
        let mut command = Command::new(simulated.program());
        command.env_clear().env("PATH", "/nowhere").env("LD_LIBRARY_PATH", &simulated.libraries);
        command.args(args).args(["--no-cloud-metadata", "--root"]).arg(machine.path()).output().unwrap()
    };
    let recorded = run(&["record", "--seconds", "1", "--skip", "frameworks"]);
    let facts: Value = serde_json::from_slice(&recorded.stdout).unwrap();
    let samples = &facts["load"]["seen"]["gpus"][0]["samples"]["seen"];
    assert!(samples.as_array().unwrap().iter().all(|sample| sample["activity"] == 97), "{samples}");
    assert!(facts["load"]["seen"]["host"]["seen"]["samples"].as_array().is_some_and(|all| !all.is_empty()));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &recorded.stdout).unwrap();
    let judged = run(&["judge", "--format", "json", file.path().to_str().unwrap()]);
    let watched = run(&["slow", "--seconds", "1", "--format", "json"]);
    assert!(!judged.stdout.is_empty(), "{}", err(&judged));
    let [judged, watched] = [judged, watched].map(|output| {
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        (report["profile"].clone(), report["verdict"].clone(), output.status.code())
    });
    assert_eq!(judged, watched);
    assert_eq!(judged.0, "slow");
    // Nothing on this machine computes but the GPU, and what it computes for is not told.
    let trace = simulated.trace();
    let disturbs = |call: &&String| call.starts_with("cuCtx") || call.starts_with("cuDevicePrimaryCtxRetain");
    let before_record = trace.iter().filter(disturbs).count();
    run(&["slow", "--seconds", "1", "--quiet"]);
    assert_eq!(simulated.trace().iter().filter(disturbs).count(), before_record, "slow makes no context");
}
