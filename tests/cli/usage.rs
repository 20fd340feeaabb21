//! Command lines that make no sense, and the pages that help.

use super::{Ran, gpucheck, run};
use crate::stage::{Machine, without_call};

#[test]
fn a_command_line_without_sense_ends_with_2_and_says_why() {
    for (args, said) in [
        (&["--nonsense"][..], "--nonsense"),
        (&["nonsense"], "nonsense"),
        (&["--format", "yaml"], "yaml"),
        (&["--color", "red"], "red"),
        (&["judge"], "FACTS"),
        (&["explain"], "ID"),
        (&["--only", "driver.initialises"], "did you mean driver.initializes?"),
        (&["--skip", "drivers"], "did you mean driver?"),
        (&["--only", "pci,drivre"], "did you mean driver?"),
        (&["--only", ""], "there is no check"),
        (&["--skip", "no_such_thing_at_all"], "no_such_thing_at_all"),
        (&["explain", "nvml.initialises"], "did you mean nvml.initializes"),
        (&["explain", "gpu-fallen-of-bus"], "did you mean gpu-fallen-off-bus"),
        (&["--root", "/no/such/folder"], "/no/such/folder"),
        (&["--root", "/proc/version"], "/proc/version"),
        (&["record", "--root", "/no/such/folder"], "/no/such/folder"),
        (&["judge", "-", "--only", "nvlm"], "did you mean nvml?"),
        (&["bake", "--target", "T4", "--needs-memory", "8"], "memory is a number and its unit"),
        (&["bake", "--needs-memory", "8GiB"], "--target"),
        (&["publish", "--needs-memory", "0GiB"], "no memory at all"),
    ] {
        let ran = run(args);
        assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""), "{args:?}: {}", ran.err);
        assert!(ran.err.contains(said), "{args:?}: {}", ran.err);
        assert!(!ran.err.contains("panicked"), "{args:?}: {}", ran.err);
    }
}

#[test]
fn another_root_on_an_old_linux_is_refused_and_not_seen_as_empty() {
    let machine = Machine::linux();
    let mut command = gpucheck();
    command.arg("--root").arg(machine.path());
    without_call(&mut command, libc::SYS_openat2);
    let ran: Ran = command.output().unwrap().into();
    assert_eq!((ran.status, ran.out.as_str()), (Some(2), ""));
    assert!(ran.err.contains("--root needs Linux 5.6 or newer"), "{}", ran.err);
}

#[test]
fn a_name_that_resembles_nothing_gets_no_suggestion() {
    let ran = run(&["explain", "xyzzyxyzzyxyzzy"]);
    assert_eq!(ran.status, Some(2));
    assert!(!ran.err.contains("did you mean") && ran.err.contains("gpucheck list"), "{}", ran.err);
}

#[test]
fn a_name_of_no_text_at_all_is_refused() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    let output = gpucheck().arg("explain").arg(OsStr::from_bytes(b"\xff\xfe")).output().unwrap();
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn help_and_version_are_no_errors() {
    for args in [["--help"], ["--version"]] {
        let ran = run(&args);
        assert_eq!((ran.status, ran.err.as_str()), (Some(0), ""), "{args:?}");
        assert!(ran.out.contains("gpucheck"), "{}", ran.out);
    }
}

#[test]
fn every_id_that_is_listed_has_its_page() {
    let list = run(&["list"]);
    assert_eq!((list.status, list.err.as_str()), (Some(0), ""));
    let ids: Vec<&str> =
        list.out.lines().filter_map(|line| line.strip_prefix("  ")?.split(' ').next()).collect();
    let (checks, causes): (Vec<&str>, Vec<&str>) = ids.iter().partition(|id| id.contains('.'));
    assert!(checks.len() >= 15 && causes.len() >= 15, "{} checks, {} causes", checks.len(), causes.len());
    for id in ids {
        let page = run(&["explain", id]);
        assert_eq!((page.status, page.err.as_str()), (Some(0), ""), "{id}");
        let mut lines = page.out.lines();
        assert_eq!(lines.next(), Some(id));
        for heading in ["Meaning", "Detection", "Fix", "Source"] {
            assert!(lines.clone().any(|line| line == heading), "{id}: no {heading}");
        }
    }
}

#[test]
fn a_worker_that_is_asked_nonsense_ends_with_2() {
    for args in
        [&["__probe"][..], &["__probe", "nvml"], &["__probe", "nvml", "{}"], &["__probe", "x", "y", "z"]]
    {
        assert_eq!(run(args).status, Some(2), "{args:?}");
    }
}

#[test]
fn a_folder_with_nothing_in_it_is_a_machine_too() {
    let ran = super::look(&Machine::empty(), &[]);
    assert!(matches!(ran.status, Some(1 | 3)), "{:?}: {}", ran.status, ran.err);
    assert!(!ran.out.starts_with("USABLE"), "{}", ran.out);
    assert_eq!(ran.err, "");
}
