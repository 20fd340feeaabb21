//! Root and the Pythons of others: run as their owner, or not at all.

use crate::pythons::{ask, look, part};
use gpucheck_checks::fact::{Carrier, Observed, ProbeFailure, Python};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::Path,
    process::Command,
};
use tempfile::TempDir;

/// A shell script in a Python's place that says as whom it runs.
fn who_am_i() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::create_dir(folder.path().join("bin")).unwrap();
    let program = folder.path().join("bin/python");
    fs::write(&program, "#!/bin/sh\nexit $(( $(id -u) % 250 ))\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    folder
}

/// Root alone may become somebody else.
fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("skipped: needs root");
    }
    root
}

#[test]
fn root_runs_another_s_python_as_its_owner() {
    if !is_root() {
        return;
    }
    let folder = who_am_i();
    let python = look(&ask(folder.path()));
    assert_eq!((python.ran_as, exit_code(&python)), (None, Some(0)));
    for path in [folder.path(), &folder.path().join("bin"), &folder.path().join("bin/python")] {
        chown(path, Some(12_345), Some(12_345)).unwrap();
    }
    let python = look(&ask(folder.path()));
    assert_eq!((python.ran_as, exit_code(&python)), (Some(12_345), Some(12_345 % 250)));
}

/// The real thing: each carrier gets through the change of user.
#[test]
fn a_real_python_of_another_user_is_looked_at_by_every_carrier() {
    let system = Path::new("/usr/bin/python3");
    if !is_root() || !system.exists() {
        println!("skipped: needs root, and a Python at {}", system.display());
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    symlink(system, bin.join("python")).unwrap();
    fs::write(folder.path().join("pyvenv.cfg"), "home = /usr/bin\n").unwrap();
    for path in [folder.path(), &bin] {
        chown(path, Some(12_345), Some(12_345)).unwrap();
    }
    for carrier in [Carrier::Memory, Carrier::File, Carrier::PlainPython] {
        let mut ask = ask(folder.path());
        ask.carriers = vec![carrier];
        let python = look(&ask);
        assert_eq!(python.ran_as, Some(12_345));
        let interpreter = python.interpreter.seen().unwrap_or_else(|| panic!("{python:#?}"));
        assert_eq!(Path::new(&interpreter.prefix), folder.path());
        assert_eq!(python.tensorflow, Observed::Seen(None));
    }
}

fn exit_code(python: &Python) -> Option<i32> {
    match python.interpreter.failure() {
        Some(ProbeFailure::Exited { code, .. }) => Some(*code),
        _ => None,
    }
}

#[test]
fn root_does_not_run_what_others_can_write() {
    if !is_root() {
        return;
    }
    let folder = who_am_i();
    let bin = folder.path().join("bin");
    fs::set_permissions(&bin, fs::Permissions::from_mode(0o777)).unwrap();
    let python = look(&ask(folder.path()));
    let why = python.interpreter.why_not();
    assert!(why.ends_with("bin can be written by everyone"), "{why}");
    fs::set_permissions(&bin, fs::Permissions::from_mode(0o755)).unwrap();
    chown(&bin, Some(12_345), None).unwrap();
    chown(bin.join("python"), Some(23_456), None).unwrap();
    let python = look(&ask(folder.path()));
    let why = python.interpreter.why_not();
    assert!(why.contains("several users: 12345, 23456"), "{why}");
}

#[test]
fn a_working_directory_that_others_can_write_is_not_imported_from() {
    if !is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("tensorflow.py"), "").unwrap();
    let script = "import importlib.util as u; print(u.find_spec('tensorflow') is not None)";
    let boot = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("python/boot.py")).unwrap();
    let (first, _) = boot.split_once("import os\n").unwrap();
    for (trusted, seen) in [("1", "True"), ("0", "False")] {
        let output = Command::new(part("empty").join("bin/python"))
            .args(["-c", &format!("{first}{script}"), "bare", trusted])
            .current_dir(folder.path())
            .output()
            .unwrap();
        assert_eq!(String::from_utf8(output.stdout).unwrap().trim(), seen);
    }
}
