//! `gpucheck motd`: what the daemon's last report says, for whoever logs in.
//!
//! Invariants: it looks at nothing but that report, writes to nobody's standard error, and ends with 0, or of `SIGALRM` after a
//! second, so that no login waits longer; a report that somebody else than root or the daemon could have written, that is older
//! than this boot or a week, or that this gpucheck does not know the layout of, is none.

use crate::{daemon::REPORT, probe::processes::uptime, render, root::Root};
use gpucheck_checks::{Language, REPORT_SCHEMA, Report};
use rustix::fs::{Mode, OFlags, Stat, fstat, open, openat};
use std::{
    fs::File,
    io::Read,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

/// The folder in which the daemon's lies.
const STATE: &str = "var/lib/gpucheck";
/// The daemon's folder in it.
const DAEMON: &str = "daemon";
/// Largest report that is read, in bytes.
const LARGEST: u64 = 4 << 20;
/// Longest time for which a report is worth saying, in seconds.
const WEEK: u64 = 7 * 24 * 60 * 60;
/// How far a clock may be set back without making a report one of the future, in seconds.
const SET_BACK: i64 = 300;

/// Longest time for it all, in seconds.
const DEADLINE: u32 = 1;

/// What to say at a login to the machine under this folder; nothing where nothing is known.
pub fn message(root: &Path, language: Language) -> String {
    end_after(DEADLINE);
    let told = || {
        let report = last_report(root)?;
        let age_s = age(&report, &Root::new(root), jiff::Timestamp::now())?;
        let is_ours = report.schema == REPORT_SCHEMA && report.profile == "check";
        is_ours.then(|| render::motd(&report, age_s, language))
    };
    told().unwrap_or_default()
}

/// Has Linux end this process after so many seconds: a disk that hangs must not keep a login waiting. Who started it may
/// have left it the signal ignored or blocked.
fn end_after(seconds: u32) {
    // SAFETY: system calls on a set of this stack; the default action is set, and no handler is involved.
    unsafe {
        let mut alarm = std::mem::zeroed();
        libc::sigemptyset(&raw mut alarm);
        libc::sigaddset(&raw mut alarm, libc::SIGALRM);
        libc::signal(libc::SIGALRM, libc::SIG_DFL);
        libc::pthread_sigmask(libc::SIG_UNBLOCK, &raw const alarm, std::ptr::null_mut());
        libc::alarm(seconds);
    }
}

/// The daemon's report, as far as nobody else could have written it.
///
/// Root made the state's folder, so whoever owns the daemon's is who root gave it to.
fn last_report(root: &Path) -> Option<Report> {
    let folder = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let state = open(root.join(STATE), folder, Mode::empty()).ok()?;
    let made_by = closed_to_others(&state)?.st_uid;
    if made_by != 0 && made_by != rustix::process::geteuid().as_raw() {
        return None;
    }
    let daemon = openat(&state, DAEMON, folder, Mode::empty()).ok()?;
    let given_to = closed_to_others(&daemon)?.st_uid;
    // NONBLOCK: a named pipe must not hold a login up.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = openat(&daemon, REPORT, flags, Mode::empty()).ok()?;
    let found = closed_to_others(&file)?;
    let size = u64::try_from(found.st_size).ok()?;
    let is_regular = rustix::fs::FileType::from_raw_mode(found.st_mode).is_file();
    if !is_regular || size > LARGEST || (found.st_uid != 0 && found.st_uid != given_to) {
        return None;
    }
    let mut bytes = Vec::with_capacity(usize::try_from(size).ok()?);
    File::from(file).take(LARGEST).read_to_end(&mut bytes).ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// What a file is, where its owner alone can write to it.
fn closed_to_others(file: &OwnedFd) -> Option<Stat> {
    let found = fstat(file.as_fd()).ok()?;
    let others = Mode::WGRP | Mode::WOTH;
    (!Mode::from_raw_mode(found.st_mode).intersects(others)).then_some(found)
}

/// How old a report is, in seconds; none where it says nothing about the machine as it runs now.
fn age(report: &Report, root: &Root, now: jiff::Timestamp) -> Option<u64> {
    let taken = report.taken_at.parse::<jiff::Timestamp>().ok()?;
    let age = now.as_second().checked_sub(taken.as_second()).filter(|age| *age >= -SET_BACK)?;
    let age = u64::try_from(age).unwrap_or(0);
    // Not the time of the boot: the clock may have been wrong then, and set since.
    (age <= uptime(root)? && age <= WEEK).then_some(age)
}
