//! The whole program: what it plans, what it records, and how it ends.

use super::{PATIENCE, assert_nothing_is_left};
use crate::{
    simulated::{Simulated, t4},
    stage::{Machine, is_alive, within},
};
use gpucheck_checks::fact::{Facts, Level, Observed, Work};
use serde_json::{Value, json};
use std::{
    fs,
    io::Read,
    os::{fd::FromRawFd, unix::process::ExitStatusExt},
    process::{Command, Stdio},
    time::Duration,
};

/// gpucheck about to look at a machine with these GPUs.
fn program(simulated: &Simulated, machine: &Machine, args: &[&str]) -> Command {
    let mut command = Command::new(simulated.program());
    command
        .env_clear()
        .env("PATH", "/nowhere")
        .env("LD_LIBRARY_PATH", &simulated.libraries)
        .args(["--no-cloud-metadata", "--root"])
        .arg(machine.path())
        .args(args);
    command
}

fn recorded(simulated: &Simulated, args: &[&str]) -> Facts {
    let machine = simulated.machine();
    let output = program(simulated, &machine, &[&["record"], args].concat()).output().unwrap();
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn work(facts: &Facts) -> &Work {
    let Observed::Seen(work) = &facts.work else { panic!("{:#?}", facts.work) };
    work
}

#[test]
fn a_record_holds_the_work_and_each_steps_time() {
    let simulated = Simulated::new(&t4());
    let facts = recorded(&simulated, &["--small-work"]);
    let [device] = work(&facts).devices.as_slice() else { panic!("{:#?}", facts.work) };
    assert_eq!((work(&facts).level, device.rounds), (Level::Usual, 1));
    assert_eq!(device.pci, facts.cuda_devices().next().unwrap().pci.seen().cloned());
    assert!(device.steps.iter().any(|step| step.name == "memory" && step.wall_us > 0), "{:?}", device.steps);
    assert_nothing_is_left(&simulated.trace());
}

#[test]
fn a_gpu_is_watched_while_it_is_timed() {
    let simulated = Simulated::new(&t4());
    let facts = recorded(&simulated, &["--only", "performance"]);
    let load = facts.load.seen().unwrap_or_else(|| panic!("{:?}", facts.load));
    let [gpu] = load.gpus.as_slice() else { panic!("{load:?}") };
    assert!(
        gpu.samples.seen().is_some_and(|samples| samples.iter().any(|one| one.sm_mhz.is_some())),
        "{gpu:?}"
    );
    assert!(matches!(load.host, Observed::NotProbed { .. }), "{:?}", load.host);
    // What is not timed has nothing that samples could explain.
    let facts = recorded(&simulated, &["--small-work"]);
    assert!(matches!(facts.load, Observed::NotProbed { .. }), "{:?}", facts.load);
}

#[test]
fn the_random_words_are_others_in_every_run() {
    let simulated = Simulated::new(&t4());
    let seeds = || -> Vec<u32> {
        let facts = recorded(&simulated, &["--small-work"]);
        work(&facts).devices[0].memory.seen().unwrap().passes.iter().map(|pass| pass.seed).collect()
    };
    assert_ne!(seeds(), seeds());
}

#[test]
fn what_is_left_out_is_not_done() {
    let simulated = Simulated::new(&t4());
    for args in [&["--only", "pci"][..], &["--only", "nvml"]] {
        let facts = recorded(&simulated, args);
        assert!(matches!(facts.work, Observed::NotProbed { .. }), "{:?}", facts.work);
        assert!(!simulated.trace().iter().any(|call| call.starts_with("cuEventCreate")));
    }
}

#[test]
fn beside_a_program_at_work_it_steps_back_and_says_so() {
    let mut scenario = t4();
    // No Linux gives a process this id, so that it is nobody's that runs here.
    scenario["gpus"][0]["processes"] = json!([{"pid": 4_000_000, "memory": 1 << 30}]);
    scenario["gpus"][0]["nvml"]["utilization"] = json!([97, 40]);
    let facts = recorded(&Simulated::new(&scenario), &[]);
    let device = &work(&facts).devices[0];
    let why = "another program is at work on it, which is 97 % busy";
    assert_eq!(device.stepped_back.as_deref(), Some(why));
    assert_eq!(device.memory.seen().map(|memory| (memory.bytes, memory.wrong)), Some((16 << 20, 0)));
    assert_eq!(device.float_product.seen().map(|product| product.wrong), Some(0));
    for copy in [&device.copy, &device.upload, &device.download] {
        assert_eq!(copy, &Observed::not_probed(why));
    }
    assert_eq!(device.arithmetic, Observed::not_probed(why));
}

#[test]
fn where_little_is_free_little_is_taken() {
    let mut scenario = t4();
    let (total, free) = (16_106_127_360_u64, 40_u64 << 20);
    scenario["gpus"][0]["memory"] = json!({"total": total, "reserved": 0, "used": total - free});
    let facts = recorded(&Simulated::new(&scenario), &[]);
    let device = &work(&facts).devices[0];
    assert_eq!(device.stepped_back.as_deref(), Some("40 MiB of its memory are free"));
    assert_eq!(device.memory.seen().map(|memory| memory.bytes), Some(16 << 20));
    assert!(matches!(device.copy, Observed::NotProbed { .. }));
}

/// The children of a process, and theirs.
fn below(pid: u32) -> Vec<i32> {
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    let children: Vec<i32> = children.split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    let deeper = children.iter().flat_map(|pid| below(u32::try_from(*pid).unwrap()));
    children.iter().copied().chain(deeper).collect()
}

#[test]
fn a_signal_ends_work_that_goes_on_and_leaves_nothing() {
    use rustix::process::{Pid, Signal, kill_process};
    for (signal, args) in [(Signal::INT, ["--soak", "10m"].as_slice()), (Signal::TERM, &["--deep"])] {
        let mut scenario = t4();
        // The test of memory takes for ever.
        scenario["faults"] = json!([{"call": "cuEventSynchronize", "from": 4, "do": "hang"}]);
        let simulated = Simulated::new(&scenario);
        let machine = simulated.machine();
        let mut run = program(&simulated, &machine, &[args, &["--small-work"]].concat());
        let mut run = run.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let hangs = || simulated.trace().last().is_some_and(|call| call == "cuEventSynchronize");
        assert!(within(PATIENCE, hangs), "{:?}", simulated.trace().last());
        let below = below(run.id());
        assert!(!below.is_empty());
        kill_process(Pid::from_child(&run), signal).unwrap();
        let status = run.wait().unwrap();
        assert_eq!(status.signal(), Some(signal.as_raw()));
        assert!(within(Duration::from_secs(2), || below.iter().all(|pid| !is_alive(*pid))), "{signal:?}");
    }
}

#[test]
fn nothing_of_it_is_told_to_a_pipe() {
    let simulated = Simulated::new(&t4());
    let machine = simulated.machine();
    let output =
        program(&simulated, &machine, &["--deep", "--small-work", "--format", "json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["verdict"].is_string());
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}

#[test]
fn a_time_that_is_none_is_a_usage_error() {
    let output = Command::new(env!("CARGO_BIN_EXE_gpucheck")).args(["--soak", "5"]).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{error}");
    assert!(error.contains("90s, 10m, 2h"), "{error}");
}

/// A terminal: what is read from it, and what is written to.
fn terminal() -> (fs::File, fs::File) {
    let (mut ours, mut theirs) = (-1, -1);
    let none = std::ptr::null_mut();
    // SAFETY: two numbers are written, which live on this stack; name, settings and size are left to the system.
    let opened = unsafe { libc::openpty(&raw mut ours, &raw mut theirs, none, none.cast(), none.cast()) };
    assert_eq!(opened, 0);
    // SAFETY: the call has just opened both, and nobody else has them.
    unsafe { (fs::File::from_raw_fd(ours), fs::File::from_raw_fd(theirs)) }
}

#[test]
fn a_terminal_shows_how_far_work_is_that_takes_long_and_keeps_nothing_of_it() {
    let simulated = Simulated::new(&t4());
    let machine = simulated.machine();
    let (mut shown, terminal) = terminal();
    let mut run = program(&simulated, &machine, &["--soak", "2s", "--small-work"])
        .stdout(Stdio::null())
        .stderr(terminal)
        .spawn()
        .unwrap();
    let mut all = Vec::new();
    let mut some = [0; 4096];
    // The end of the last writer is an error of reading.
    while let Ok(length @ 1..) = shown.read(&mut some) {
        all.extend_from_slice(&some[..length]);
    }
    run.wait().unwrap();
    let all = String::from_utf8_lossy(&all);
    let line = all.split('\r').find(|line| line.contains("GB/s")).unwrap_or_else(|| panic!("{all:?}"));
    let start = "GPU 0001:00:00.0 at work: 0.";
    assert!(line.starts_with(start) && line.contains(" GB of memory written and read, "), "{line:?}");
    assert!(all.ends_with("\r\u{1b}[J"), "{all:?}");
}

#[test]
fn a_terminal_keeps_nothing_of_work_that_a_signal_ends() {
    let simulated = Simulated::new(&t4());
    let machine = simulated.machine();
    let (mut shown, terminal) = terminal();
    let mut run = program(&simulated, &machine, &["--soak", "10m", "--small-work"])
        .stdout(Stdio::null())
        .stderr(terminal)
        .spawn()
        .unwrap();
    let mut all = String::new();
    let mut some = [0; 4096];
    let mut told = false;
    while let Ok(length @ 1..) = shown.read(&mut some) {
        all += &String::from_utf8_lossy(&some[..length]);
        if !told && all.contains("GB/s") {
            rustix::process::kill_process(
                rustix::process::Pid::from_child(&run),
                rustix::process::Signal::INT,
            )
            .unwrap();
            told = true;
        }
    }
    assert_eq!(run.wait().unwrap().signal(), Some(libc::SIGINT));
    assert!(all.ends_with("\r\u{1b}[J"), "{all:?}");
}
