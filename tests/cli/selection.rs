//! `--only`, `--skip`, `--strict`: less is looked at, and less is claimed.

use super::{broken_facts, gpucheck, json, judge_facts, look, run};
use crate::{machine::healthy, stage::Machine};
use gpucheck_checks::fact::{Facts, Observed};
use serde_json::Value;
use std::{
    os::unix::process::CommandExt,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

fn ids(report: &Value) -> Vec<&str> {
    report["outcomes"].as_array().unwrap().iter().map(|outcome| outcome["id"].as_str().unwrap()).collect()
}

/// Two Pythons, of which one does not start.
fn half_broken() -> Facts {
    let mut facts = healthy();
    let Observed::Seen(frameworks) = &mut facts.frameworks else { panic!() };
    let mut broken = frameworks.pythons[0].clone();
    "/opt/broken/bin/python".clone_into(&mut broken.path);
    broken.interpreter = Observed::refused("exec", 8, "ENOEXEC", "Exec format error");
    broken.tensorflow = Observed::refused("exec", 8, "ENOEXEC", "Exec format error");
    frameworks.pythons.push(broken);
    facts
}

#[test]
fn without_the_proof_nothing_is_called_usable() {
    assert_eq!(judge_facts(&healthy(), &[]).status, Some(0));
    for args in [
        &["--only", "nvml"][..],
        &["--only", "pci,module,nvml"],
        &["--only", "driver"],
        &["--skip", "compute"],
        &["--skip", "compute.adds_vectors"],
        &["--only", "compute", "--skip", "compute"],
    ] {
        let ran = judge_facts(&healthy(), args);
        assert_eq!(ran.status, Some(3), "{args:?}: {}", ran.out);
        assert!(ran.out.starts_with("NOT VERIFIED"), "{args:?}: {}", ran.out);
    }
}

#[test]
fn only_brings_what_is_needed_and_nothing_else() {
    let report = json(&judge_facts(&healthy(), &["--only", "pci.gpu_present", "--format", "json"]));
    assert_eq!(ids(&report), ["pci.gpu_present"]);
    let report = json(&judge_facts(&healthy(), &["--only", "driver.initializes", "--format", "json"]));
    assert!(ids(&report).contains(&"pci.gpu_present") && ids(&report).contains(&"driver.initializes"));
    assert!(!ids(&report).iter().any(|id| id.starts_with("nvml.") || id.starts_with("frameworks.")));
}

#[test]
fn skip_leaves_out_a_check_or_a_layer() {
    let report = json(&judge_facts(&healthy(), &["--skip", "nvml,pci.gpu_answers", "--format", "json"]));
    assert!(!ids(&report).iter().any(|id| id.starts_with("nvml.") || *id == "pci.gpu_answers"));
    assert!(ids(&report).contains(&"pci.gpu_present") && ids(&report).contains(&"compute.adds_vectors"));
}

#[test]
fn what_is_not_asked_for_is_not_looked_at() {
    let record = |only| -> Facts {
        serde_json::from_str(&look(&Machine::linux(), &["record", "--only", only]).out).unwrap()
    };
    let unasked = "not probed: no check that was asked for reads it";
    let python = record("frameworks.python_starts");
    for why in [python.nvml.why_not(), python.driver.why_not(), python.compute.why_not()] {
        assert_eq!(why, unasked);
    }
    // Whether there is a GPU is asked of the driver too: some containers hide the bus.
    let bus = record("pci");
    assert!(bus.pci.seen().is_some() && bus.nvml.why_not() != unasked);
    assert_eq!(bus.frameworks.why_not(), unasked);
}

#[test]
fn strict_makes_a_warning_a_failure_and_nothing_else() {
    for (facts, lenient, strict) in
        [(Box::new(healthy()), 0, 0), (Box::new(half_broken()), 0, 1), (Box::new(broken_facts()), 1, 1)]
    {
        let ran = judge_facts(&facts, &[]);
        assert_eq!(ran.status, Some(lenient), "{}", ran.out);
        assert_eq!(judge_facts(&facts, &["--strict"]).status, Some(strict), "{}", ran.out);
    }
    assert_eq!(judge_facts(&healthy(), &["--only", "nvml", "--strict"]).status, Some(3));
}

#[test]
fn this_machines_pythons_are_not_taken_for_another_roots() {
    let machine = Machine::linux();
    let root = machine.path().to_str().unwrap();
    let facts = json(&run(&["record", "--root", root, "--no-cloud-metadata"]));
    assert_eq!(facts["frameworks"]["not_probed"]["why"], "Pythons of another root are not run");
}

/// A file system without anybody who serves it, in a mount namespace of the program's own.
fn with_dead_mount(command: &mut Command, place: &Path) {
    use std::{ffi::CString, os::unix::ffi::OsStrExt};
    let place = CString::new(place.as_os_str().as_bytes()).unwrap();
    let mount = move || {
        // SAFETY: system calls on texts that live as long as the closure.
        let done = unsafe {
            let private = libc::MS_REC | libc::MS_PRIVATE;
            let none = std::ptr::null();
            let server = libc::open(c"/dev/fuse".as_ptr(), libc::O_RDWR);
            // The options name the number, which is the first that is free here.
            let options = format!("fd={server},rootmode=40000,user_id=0,group_id=0\0");
            server >= 0
                && libc::unshare(libc::CLONE_NEWNS) == 0
                && libc::mount(none, c"/".as_ptr(), none, private, none.cast()) == 0
                && libc::mount(
                    c"/dev/dead".as_ptr(),
                    place.as_ptr(),
                    c"fuse".as_ptr(),
                    0,
                    options.as_ptr().cast(),
                ) == 0
        };
        if done { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: between fork and exec the closure makes system calls; its one allocation is the C library's to allow.
    unsafe { command.pre_exec(mount) };
}

#[test]
fn a_file_system_that_nobody_serves_does_not_hold_up_the_report() {
    let place = tempfile::tempdir().unwrap();
    let mut command = gpucheck();
    command.args(["record", "--no-cloud-metadata", "--only", "pci"]);
    with_dead_mount(&mut command, place.path());
    let start = Instant::now();
    let Ok(output) = command.output() else {
        println!("skipped: only root can mount");
        return;
    };
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    let facts = json(&output.into());
    assert!(facts["platform"]["seen"]["disks"]["seen"].is_array(), "{facts:#}");
}

#[test]
fn what_fails_alone_is_a_failure() {
    let facts = crate::machine::Machine::load("numpy-2-under-tf").facts;
    let ran = judge_facts(&facts, &["--only", "frameworks.tensorflow_imports"]);
    assert!(ran.out.starts_with("NOT USABLE: TensorFlow cannot be imported"), "{}", ran.out);
    assert_eq!(ran.status, Some(1));
    let healthy = judge_facts(&healthy(), &["--only", "frameworks.tensorflow_imports"]);
    assert_eq!(healthy.status, Some(3), "{}", healthy.out);
}
