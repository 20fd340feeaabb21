//! As a service: what systemd is told, signals, the configuration, the unit.

use super::{PATIENCE, Start, notified};
use crate::stage::within;
use std::{
    fs,
    os::unix::net::UnixDatagram,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

/// The next message, or nothing in this time.
fn next(socket: &UnixDatagram, time: Duration) -> Option<String> {
    socket.set_read_timeout(Some(time)).unwrap();
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).ok()?;
    Some(String::from_utf8_lossy(&buffer[..length]).into_owned())
}

/// Waits for a message with this line.
fn told(socket: &UnixDatagram, line: &str) {
    let start = Instant::now();
    let mut seen = Vec::new();
    while start.elapsed() < PATIENCE {
        let Some(message) = next(socket, PATIENCE) else { break };
        if message.lines().any(|told| told == line) {
            return;
        }
        seen.push(message);
    }
    panic!("{line} was not told: {seen:?}");
}

#[test]
fn systemd_is_told_what_the_daemon_does() {
    let start = Start::with_looks("SAY 'USABLE: all of it'");
    let socket = notified(start.folder.path());
    let path = start.folder.path().join("notify");
    let daemon = start.env("NOTIFY_SOCKET", path).env("WATCHDOG_USEC", "400000").run();
    told(&socket, "READY=1");
    told(&socket, "STATUS=USABLE: all of it");
    let start = Instant::now();
    // What was told before this does not count.
    while next(&socket, Duration::from_millis(1)).is_some() {}
    for _ in 0..3 {
        told(&socket, "WATCHDOG=1");
    }
    assert!(start.elapsed() > Duration::from_millis(300), "{:?}", start.elapsed());
    // One that is stopped gives no sign of life: systemd starts it anew.
    daemon.signal(libc::SIGSTOP);
    while next(&socket, Duration::from_millis(100)).is_some() {}
    assert_eq!(next(&socket, Duration::from_millis(700)), None);
    daemon.signal(libc::SIGCONT);
    told(&socket, "WATCHDOG=1");
    daemon.signal(libc::SIGHUP);
    told(&socket, "RELOADING=1");
    told(&socket, "READY=1");
    let place = daemon.at("socket");
    assert_eq!(daemon.end().code(), Some(0));
    told(&socket, "STOPPING=1");
    assert!(!place.exists());
}

#[test]
fn a_wrong_configuration_is_told_and_changes_nothing() {
    let start = Start::with_looks("SAY 'USABLE: x'").config("interval = \"2h\"\nintervall = \"3h\"\n");
    let daemon = start.run();
    daemon.logs("gpucheckd.toml:2: unknown field `intervall`");
    daemon.logs("going on with the defaults");
    let next = |least: u64, most: u64| {
        let status = daemon.look();
        let left = status["next_s"].as_u64().unwrap();
        assert!((least..=most).contains(&left), "{status}");
    };
    next(3200, 3960);
    fs::write(daemon.at("gpucheckd.toml"), "interval = \"2h\"\n").unwrap();
    daemon.signal(libc::SIGHUP);
    daemon.logs("gpucheckd.toml is read again");
    // At once, and not from the next look on.
    let left = daemon.ask("status")["next_s"].as_u64().unwrap();
    assert!((6400..=7920).contains(&left), "{left}");
    next(6400, 7920);
    fs::write(daemon.at("gpucheckd.toml"), "metrics = \"0.0.0.0:1\"\n").unwrap();
    daemon.signal(libc::SIGHUP);
    daemon.logs("gpucheckd.toml:1: 0.0.0.0:1 is reached from outside");
    daemon.logs("going on with what was read before");
    next(6400, 7920);
}

#[test]
fn the_journal_gets_priorities_and_only_changes_are_grave() {
    let start = Start::with_looks("SAY 'USABLE: x'").env("JOURNAL_STREAM", "8:1");
    let daemon = start.run();
    daemon.knows("USABLE: x");
    daemon.look();
    super::write_act(daemon.folder.path(), "SAY 'USABLE: y' | sed 's/\"usable\"/\"unusable\"/'");
    daemon.look();
    let log = daemon.log();
    let grave: Vec<&str> = log.lines().filter(|line| !line.starts_with("<6>")).collect();
    assert_eq!(grave, ["<5>USABLE: x", "<4>usable -> USABLE: y"], "{log}");
    assert_eq!(log.matches("<6>looking: ").count(), 3, "{log}");
}

#[test]
fn a_second_daemon_leaves_the_first_one_its_socket() {
    let daemon = Start::with_looks("SAY 'USABLE: x'").run();
    let second = Command::new(env!("CARGO_BIN_EXE_gpucheck"))
        .args(["daemon", "--state"])
        .arg(daemon.at("other"))
        .arg("--socket")
        .arg(daemon.at("socket"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert_eq!(second.status.code(), Some(4), "{told}");
    assert!(told.contains("another daemon listens there"), "{told}");
    daemon.knows("USABLE: x");
    // One that was killed leaves its socket, which is nobody's.
    daemon.signal(libc::SIGKILL);
    let folder = daemon.folder.path().to_owned();
    assert!(within(PATIENCE, || std::os::unix::net::UnixStream::connect(folder.join("socket")).is_err()));
    let again = Command::new(env!("CARGO_BIN_EXE_gpucheck"))
        .args(["daemon", "status", "--socket"])
        .arg(folder.join("socket"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&again.stderr).into_owned();
    assert_eq!(again.status.code(), Some(4));
    assert!(told.contains("systemctl status gpucheckd"), "{told}");
}

fn packaged(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(name)
}

#[test]
fn systemd_takes_the_unit_and_finds_it_confined() {
    let run = |args: &[&str]| {
        let output = Command::new("systemd-analyze").args(args).output().ok()?;
        let text = [output.stdout, output.stderr].concat();
        Some((output.status.success(), String::from_utf8_lossy(&text).into_owned()))
    };
    let folder = tempfile::tempdir().unwrap();
    let unit = folder.path().join("gpucheckd.service");
    let text = fs::read_to_string(packaged("systemd/gpucheckd.service")).unwrap();
    // What it starts is not installed here, and so is not its manual.
    let text = text.replace("/usr/bin/gpucheck", env!("CARGO_BIN_EXE_gpucheck"));
    let lines: Vec<&str> = text.lines().filter(|line| !line.starts_with("Documentation=")).collect();
    let text = lines.join("\n") + "\n";
    fs::write(&unit, text).unwrap();
    let unit = unit.to_str().unwrap();
    let Some((is_well, said)) = run(&["verify", unit]) else {
        println!("skipped: no systemd-analyze here");
        return;
    };
    assert!(is_well && !said.contains("gpucheckd.service:"), "{said}");
    // 0 is the most confined; a unit that says nothing has 9.6.
    let (is_well, said) = run(&["security", "--offline=true", "--threshold=30", unit]).unwrap();
    assert!(is_well, "{said}");
}

#[test]
fn the_service_has_a_user_that_may_be_where_the_devices_are() {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("etc")).unwrap();
    let made = Command::new("systemd-sysusers")
        .arg(format!("--root={}", root.path().display()))
        .arg(packaged("sysusers.d/gpucheck.conf"))
        .output();
    let Ok(made) = made else {
        println!("skipped: no systemd-sysusers here");
        return;
    };
    assert!(made.status.success(), "{made:?}");
    let read = |name: &str| fs::read_to_string(root.path().join("etc").join(name)).unwrap();
    let user = read("passwd");
    assert!(user.contains("gpucheck:x:") && user.contains(":/var/cache/gpucheckd:"), "{user}");
    let group = read("group");
    assert!(group.lines().any(|line| line.starts_with("video:") && line.ends_with(":gpucheck")), "{group}");
}
