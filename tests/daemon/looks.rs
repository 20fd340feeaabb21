//! Looks that go wrong: each is told, and none costs the last report.

use super::{PATIENCE, Start, write_act};
use crate::{
    simulated::{Simulated, t4},
    stage::{is_alive, within},
};
use serde_json::json;
use std::fs;

#[test]
fn a_look_that_fails_is_told_and_the_last_report_stays() {
    let daemon = Start::with_looks("SAY 'USABLE: the first'").run();
    daemon.knows("USABLE: the first");
    for (act, told) in [
        ("exit 3", "it ended with status 3"),
        ("kill -SEGV $$", "it was ended by signal 11"),
        ("echo rubbish", "what it said cannot be read"),
        (":", "what it said cannot be read"),
        ("head -c 300000 /dev/zero", "it ended with status 141"),
        ("SAY x | sed 's/\"gpucheck\":\"[^\"]*\"/\"gpucheck\":\"9\"/'", "it was taken by gpucheck 9"),
        ("SAY x; rm \"$here/state/report.json.new\"", "No such file"),
        ("SAY x; : > \"$here/state/report.json.new\"", "it left a report of 0 bytes"),
        (
            "SAY x; rm \"$here/state/report.json.new\"; mkfifo \"$here/state/report.json.new\"",
            "not a regular file",
        ),
    ] {
        write_act(daemon.folder.path(), act);
        let before = daemon.log().len();
        let status = daemon.look();
        let log = daemon.log()[before..].to_owned();
        assert!(log.contains(told) && log.contains("the last report stays"), "{act}: {log}");
        assert_eq!(status["known"]["answer"], "USABLE: the first", "{act}");
        assert_eq!(fs::read_to_string(daemon.at("state/report.json")).unwrap(), "{}", "{act}");
        let _ = fs::remove_file(daemon.at("state/report.json.new"));
    }
    write_act(daemon.folder.path(), "SAY 'USABLE: the last'");
    assert_eq!(daemon.look()["known"]["answer"], "USABLE: the last");
}

/// The driver's nodes come after the service, or a program computes at boot: that is not left for an hour.
#[test]
fn after_a_look_that_touched_no_gpu_it_is_soon_looked_again() {
    let held = r#"SAY 'UNKNOWN: x' | sed 's/"full":true/"full":false/; s/"held_back":null/"held_back":"a program computes"/'"#;
    let daemon = Start::with_looks(held).run();
    let next = |status: &serde_json::Value| status["next_s"].as_u64().unwrap();
    let status = daemon.knows("UNKNOWN: x");
    assert!(next(&status) <= 30, "{status}");
    write_act(daemon.folder.path(), "SAY 'USABLE: x'");
    daemon.look();
    let status = daemon.knows("USABLE: x");
    assert!(next(&status) > 3000, "{status}");
    // Nothing is in doubt: that somebody computes now is no hurry.
    write_act(daemon.folder.path(), held);
    let status = daemon.look();
    assert!(next(&status) > 3000, "{status}");
}

#[test]
fn a_look_that_does_not_end_is_ended() {
    let daemon =
        Start::with_looks("trap '' TERM; sleep 1000 & wait").args(&["--look-deadline-ms", "800"]).run();
    daemon.logs("it did not end in 800ms, and was ended; the last report stays");
    assert_eq!(daemon.ask("status")["known"], json!(null));
}

#[test]
fn who_ends_the_daemon_ends_its_look() {
    let act = "trap '' TERM HUP INT; sleep 1000 & echo $! > \"$here/pids.new\"; echo $$ >> \"$here/pids.new\"\n\
               mv \"$here/pids.new\" \"$here/pids\"; wait";
    let daemon = Start::with_looks(act).run();
    let pids = daemon.at("pids");
    assert!(within(PATIENCE, || pids.exists()), "{}", daemon.log());
    let pids: Vec<i32> =
        fs::read_to_string(pids).unwrap().split_whitespace().map(|pid| pid.parse().unwrap()).collect();
    assert_eq!(daemon.end().code(), Some(0));
    assert!(within(PATIENCE, || !pids.iter().any(|pid| is_alive(*pid))));
}

/// The real look, in a driver that never answers.
#[test]
fn a_look_does_not_outlive_a_daemon_that_is_killed() {
    let simulated = Simulated::with(&t4(), "nvmlInit_v2", &json!("hang"));
    let daemon = real(&simulated, &["--driver-deadline-ms", "60000"]).run();
    let look = || child_of(daemon.pid());
    assert!(within(PATIENCE, || look().and_then(child_of).is_some()), "{}", daemon.log());
    let look = look().unwrap();
    let worker = child_of(look).unwrap();
    daemon.signal(libc::SIGKILL);
    assert!(within(PATIENCE, || !is_alive(look) && !is_alive(worker)));
}

/// A process that this one has started.
fn child_of(parent: i32) -> Option<i32> {
    let pids = fs::read_dir("/proc").unwrap().flatten();
    let mut pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.find(|pid| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        let after = stat.rsplit_once(") ").map_or("", |(_, after)| after);
        after.split(' ').nth(1).and_then(|pid| pid.parse().ok()) == Some(parent)
    })
}

/// A daemon whose looks are real ones, at a simulated machine.
pub(super) fn real(simulated: &Simulated, args: &[&str]) -> Start {
    let machine = simulated.machine();
    let root = machine.path().to_owned();
    let mut start = Start::new().env("PATH", "/nowhere").env("LD_LIBRARY_PATH", &simulated.libraries);
    for (name, value) in simulated.environment() {
        start = start.env(name, value);
    }
    // It goes with the folder of the daemon.
    let kept = start.folder.path().join("machine");
    assert!(std::process::Command::new("cp").arg("-a").arg(&root).arg(&kept).status().unwrap().success());
    start.args(&["--small-work", "--this-pythons", "--root", kept.to_str().unwrap()]).args(args)
}
