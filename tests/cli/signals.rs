//! Signals, and what remains of a run: nothing.

use super::{listing, look};
use crate::stage::{Machine, is_alive, within};
use std::{
    fs,
    os::unix::{
        fs::{PermissionsExt, chown},
        process::ExitStatusExt,
    },
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

const SOON: Duration = Duration::from_secs(2);
/// Time for a run to come as far as its Python on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// A run of gpucheck that hangs in a Python with a child of its own.
struct Hanging {
    run: Child,
    /// The Python and its child.
    below: Vec<i32>,
    _environment: tempfile::TempDir,
}

/// A virtual environment whose interpreter is this shell script.
fn environment(script: &str) -> (tempfile::TempDir, PathBuf) {
    let environment = tempfile::tempdir().unwrap();
    let python = environment.path().join("bin/python");
    fs::create_dir(python.parent().unwrap()).unwrap();
    fs::write(&python, format!("#!/bin/sh\n{script}")).unwrap();
    fs::set_permissions(&python, fs::Permissions::from_mode(0o755)).unwrap();
    if rustix::process::geteuid().is_root() {
        // Root starts no script of its own whose Python it cannot tell, but this one as its owner.
        for path in [environment.path(), &environment.path().join("bin"), &python] {
            chown(path, Some(12_345), Some(12_345)).unwrap();
        }
    }
    let pids = environment.path().join("pids");
    (environment, pids)
}

impl Hanging {
    fn start(before: &str) -> Self {
        let (environment, pids) = environment(
            "trap '' TERM INT HUP\nsleep 1000 &\necho $$ $! > \"$VIRTUAL_ENV/pids.new\"\n\
             mv \"$VIRTUAL_ENV/pids.new\" \"$VIRTUAL_ENV/pids\"\nwait\n",
        );
        let mut command = Command::new("/bin/sh");
        let line = format!("{before} exec \"$0\" --root / --no-cloud-metadata --only frameworks");
        command.args(["-c", &line, env!("CARGO_BIN_EXE_gpucheck")]);
        command.env("VIRTUAL_ENV", environment.path()).env_remove("CONDA_PREFIX");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let run = command.spawn().unwrap();
        assert!(within(PATIENCE, || pids.exists()), "the interpreter was not started");
        let below = fs::read_to_string(&pids).unwrap();
        let below = below.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
        Self { run, below, _environment: environment }
    }

    fn send(&self, signal: rustix::process::Signal) {
        let run = rustix::process::Pid::from_child(&self.run);
        rustix::process::kill_process(run, signal).unwrap();
    }

    fn end(&mut self) -> ExitStatus {
        let mut status = None;
        assert!(
            within(SOON, || {
                status = self.run.try_wait().unwrap();
                status.is_some()
            }),
            "it does not end"
        );
        status.unwrap()
    }

    fn all_gone(&self) -> bool {
        within(SOON, || self.below.iter().all(|pid| !is_alive(*pid)))
    }
}

impl Drop for Hanging {
    fn drop(&mut self) {
        let _ = self.run.kill();
        let _ = self.run.wait();
        for pid in self.below.iter().filter_map(|pid| rustix::process::Pid::from_raw(*pid)) {
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

#[test]
fn a_signal_that_ends_gpucheck_ends_everything_below_it() {
    use rustix::process::Signal;
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let mut hanging = Hanging::start("");
        assert!(hanging.below.len() == 2 && hanging.below.iter().all(|pid| is_alive(*pid)));
        hanging.send(signal);
        assert_eq!(hanging.end().signal(), Some(signal.as_raw()));
        assert!(hanging.all_gone(), "{signal:?}");
    }
}

#[test]
fn a_python_does_not_outlive_a_gpucheck_that_was_killed() {
    let mut hanging = Hanging::start("");
    hanging.send(rustix::process::Signal::KILL);
    assert_eq!(hanging.end().signal(), Some(9));
    assert!(within(SOON, || !is_alive(hanging.below[0])));
}

#[test]
fn a_signal_that_was_ignored_before_stays_so() {
    let mut hanging = Hanging::start("trap '' HUP;");
    hanging.send(rustix::process::Signal::HUP);
    hanging.send(rustix::process::Signal::INT);
    // Had the first one counted, it would be the one to be reported.
    assert_eq!(hanging.end().signal(), Some(2));
    assert!(hanging.all_gone());
}

#[test]
fn a_caller_that_ignores_the_end_of_children_does_not_keep_gpucheck_from_seeing_it() {
    let (ends, _) = environment("exit 3\n");
    let dangling = tempfile::tempdir().unwrap();
    fs::create_dir(dangling.path().join("bin")).unwrap();
    std::os::unix::fs::symlink("/nowhere/python", dangling.path().join("bin/python")).unwrap();
    for (environment, told) in [(&ends, "ended with status 3"), (&dangling, "No such file or directory")] {
        let line = "trap '' CHLD; exec \"$0\" --no-cloud-metadata --only frameworks --format json";
        let started = Instant::now();
        let output = Command::new("/bin/bash")
            .args(["-c", line, env!("CARGO_BIN_EXE_gpucheck")])
            .env("VIRTUAL_ENV", environment.path())
            .output()
            .unwrap();
        let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
        assert!(out.contains(told) && err.is_empty(), "{told}: {out}{err}");
    }
}

#[test]
fn nothing_is_left_behind() {
    let folders: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let [home, temporary, working] = folders.as_slice() else { panic!() };
    let (environment, _) = environment("echo an interpreter that is none >&2\nexit 3\n");
    let nodes = || -> Vec<_> {
        let mut names: Vec<_> =
            fs::read_dir("/dev").unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.retain(|name| name.to_string_lossy().starts_with("nvidia"));
        names.sort();
        names
    };
    let before = (listing(environment.path()), nodes());
    for args in [&["--no-cloud-metadata"][..], &["--no-cloud-metadata", "record"], &["list"]] {
        let mut run = Command::new(env!("CARGO_BIN_EXE_gpucheck"))
            .args(args)
            .env("HOME", home.path())
            .env("TMPDIR", temporary.path())
            .env("VIRTUAL_ENV", environment.path())
            .env_remove("XDG_CACHE_HOME")
            .current_dir(working.path())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (number, status) = (run.id().to_string(), run.wait().unwrap());
        assert!(status.code().is_some(), "{args:?}: {status:?}");
        // Other tests leave and take theirs at the same time.
        let left = listed(Path::new("/tmp"), "gpucheck");
        assert!(!left.iter().any(|path| path.to_string_lossy().contains(&number)), "{left:?}");
    }
    for folder in &folders {
        assert_eq!(listing(folder.path()), [""; 0]);
    }
    assert_eq!((listing(environment.path()), nodes()), before);
}

fn listed(folder: &Path, part: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().filter_map(Result::ok).map(|entry| entry.path());
    let mut found: Vec<_> = entries.filter(|path| path.to_string_lossy().contains(part)).collect();
    found.sort();
    found
}

#[test]
fn a_look_does_not_touch_the_machine_in_the_folder() {
    let machine = Machine::linux().file("/etc/os-release", "ID=ubuntu\n");
    let before = listing(machine.path());
    look(&machine, &[]);
    assert_eq!(listing(machine.path()), before);
}
