//! Notebooks of a class, run in real kernels.

use super::{Classroom, names, outcome, verdict};
use gpucheck_checks::{NotebookRow, Ran, Report, Verdict};
use rustix::process::{Pid, Signal};
use std::{
    fs,
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

/// A notebook of format 3 as IPython 2 wrote it.
const OLD: &str = r#"{"metadata": {"name": ""}, "nbformat": 3, "nbformat_minor": 0, "worksheets": [{"cells": [
    {"cell_type": "heading", "level": 1, "metadata": {}, "source": ["Old"]},
    {"cell_type": "code", "collapsed": false, "input": ["x = 1\n", "assert x == 1"], "language": "python", "metadata": {}, "outputs": []}],
    "metadata": {}}]}"#;
pub(super) const RUN: [&str; 3] = ["--notebooks", "class", "--run-notebooks"];

pub(super) fn row<'a>(report: &'a Report, path: &str) -> &'a NotebookRow {
    let rows = &report.class.as_ref().unwrap().notebooks;
    rows.iter().find(|row| row.path == path).unwrap_or_else(|| panic!("{path}: {rows:#?}"))
}

/// Whether a process runs whose command line holds this.
fn runs(words: &str) -> bool {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let lines = entries.filter_map(|entry| fs::read(entry.path().join("cmdline")).ok());
    lines.map(|line| String::from_utf8_lossy(&line).replace('\0', " ")).any(|line| line.contains(words))
}

fn until(mut holds: impl FnMut() -> bool) -> bool {
    let until = Instant::now() + Duration::from_mins(2);
    while Instant::now() < until {
        if holds() {
            return true;
        }
        thread::sleep(Duration::from_millis(100));
    }
    false
}

#[test]
fn each_notebook_ends_as_it_does_for_a_student() {
    let classroom = Classroom::new()
        .notebook("good.ipynb", "python3", &["x = 1", "assert x == 1\nopen('seen', 'w').write('yes')"])
        .notebook(
            "raises.ipynb",
            "python3",
            &["x = 1", "def f():\n    raise ValueError('boom')\nf()", "y = 2"],
        )
        .notebook("dies.ipynb", "python3", &["import os\nos._exit(3)"])
        .notebook("gone.ipynb", "no-such-kernel", &["1"])
        .notebook("two\nlines.ipynb", "python3", &["1"]);
    fs::write(classroom.path("class/old.ipynb"), OLD).unwrap();
    fs::write(classroom.path("class/garbage.ipynb"), "{nope").unwrap();
    fs::create_dir(classroom.path("class/.ipynb_checkpoints")).unwrap();
    fs::write(classroom.path("class/.ipynb_checkpoints/good-checkpoint.ipynb"), "{").unwrap();
    let before = fs::read(classroom.path("class/good.ipynb")).unwrap();
    let report = classroom.report(&RUN);
    for (path, ran) in [
        ("good.ipynb", Ran::Ran),
        ("two\nlines.ipynb", Ran::Ran),
        ("old.ipynb", Ran::Ran),
        ("raises.ipynb", Ran::Failed),
        ("dies.ipynb", Ran::KernelDied),
        ("gone.ipynb", Ran::NoKernel),
        ("garbage.ipynb", Ran::Unreadable),
    ] {
        assert_eq!(row(&report, path).ran, ran, "{path}: {:#?}", report.class);
    }
    assert_eq!(report.class.as_ref().unwrap().notebooks.len(), 7);
    assert_eq!(row(&report, "raises.ipynb").why.as_deref(), Some("ValueError in cell 2: boom"));
    assert_eq!(row(&report, "dies.ipynb").why.as_deref(), Some("its kernel ended in cell 1"));
    assert_eq!(fs::read(classroom.path("class/good.ipynb")).unwrap(), before, "the notebook was written");
    assert!(classroom.path("class/seen").is_file(), "it ran in another folder");
    let proof = outcome(&report, "classroom.notebooks_run").evidence.join("\n");
    assert!(proof.contains("raise ValueError('boom')"), "{proof}");
    for id in ["notebooks_run", "notebooks_name_kernels_that_exist"] {
        assert_eq!(verdict(&report, &format!("classroom.{id}")), Verdict::Fail, "{id}");
    }
    assert_eq!(names(&classroom.path("home")), [""; 0], "something is left in the home");
}

#[test]
fn what_hangs_ends_in_time_with_all_that_it_started() {
    let cell = "import subprocess, time\nsubprocess.Popen(['sleep', '7771777'], start_new_session=True)\ntime.sleep(999)";
    let classroom = Classroom::new().notebook("hangs.ipynb", "python3", &["1", cell]);
    let report = classroom.report(&[&RUN[..], &["--notebook-timeout", "45s"]].concat());
    let row = row(&report, "hangs.ipynb");
    assert_eq!(row.ran, Ran::TimedOut, "{row:#?}");
    // A busy machine may not have come to the second cell by then.
    assert!(row.why.as_ref().is_some_and(|why| why.starts_with("not done after 45 s")), "{row:#?}");
    assert!(!runs("sleep 7771777"), "a process of the notebook is left");
}

#[test]
fn a_signal_ends_the_notebook_and_all_that_it_started() {
    let cell = "import subprocess, time\nsubprocess.Popen(['sleep', '7771778'], start_new_session=True)\ntime.sleep(999)";
    let classroom = Classroom::new().notebook("hangs.ipynb", "python3", &[cell]);
    let mut gpucheck =
        classroom.gpucheck().args(RUN).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    assert!(until(|| runs("sleep 7771778")), "the notebook never ran");
    rustix::process::kill_process(Pid::from_child(&gpucheck), Signal::INT).unwrap();
    gpucheck.wait().unwrap();
    assert!(until(|| !runs("sleep 7771778")), "a process of the notebook is left");
    assert!(until(|| names(&classroom.path("tmp")).is_empty()), "a folder is left");
}

#[test]
fn a_python_without_nbclient_says_so() {
    let classroom = Classroom::new().notebook("good.ipynb", "python3", &["1"]);
    // A module of that name that cannot be imported stands for one that is not there.
    let report = {
        fs::create_dir(classroom.path("lib")).unwrap();
        fs::write(classroom.path("lib/nbclient.py"), "raise ImportError('No module named nbclient')\n")
            .unwrap();
        let mut command = classroom.gpucheck();
        let output = command.args(RUN).env("PYTHONPATH", classroom.path("lib")).output().unwrap();
        serde_json::from_slice::<Report>(&output.stdout).unwrap()
    };
    let ran = outcome(&report, "classroom.notebooks_run");
    assert_eq!(ran.verdict, Verdict::Unknown, "{ran:#?}");
    assert!(ran.summary.contains("python -m pip install nbclient"), "{}", ran.summary);
}

#[test]
fn notebooks_of_another_root_are_read_and_not_run() {
    let classroom = Classroom::new().notebook("good.ipynb", "python3", &["open('/tmp/x-gpucheck-ran', 'w')"]);
    let root = classroom.folder.path().to_str().unwrap();
    let report = classroom.report(&["--root", root, "--notebooks", "/class", "--run-notebooks"]);
    let row = row(&report, "good.ipynb");
    assert_eq!((row.ran, row.why.as_deref()), (Ran::NotRun, Some("notebooks of another root are not run")));
    assert_eq!(verdict(&report, "classroom.jupyter_starts"), Verdict::Unknown);
}

#[test]
fn a_folder_that_is_not_there_is_a_mistake_of_whoever_asks() {
    let classroom = Classroom::new();
    let output = classroom.gpucheck().args(["--notebooks", "nowhere"]).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--notebooks nowhere"));
}
