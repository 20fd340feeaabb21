//! `gpucheck motd` and the scripts that show it at a login: what is said, that it is short, and that no report and no machine
//! can make a login fail, or wait for more than a second.

mod said;
mod scripts;
mod trusted;

use crate::machine::Machine;
use gpucheck_checks::{Knowledge, Profile, Report, Selection};
use rustix::{
    fs::{OFlags, fcntl_setfl},
    io::Errno,
    pipe::{PipeFlags, pipe_with},
};
use std::{
    fs,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

/// How often a login asks again where a busy machine let the second of `gpucheck motd` go by.
const AGAIN: usize = 10;

/// A machine that a daemon has looked at: the folder of its files.
struct Looked {
    folder: tempfile::TempDir,
}

/// What gpucheck says of a machine of the tests.
fn report(machine: &str) -> Report {
    let knowledge = Knowledge::built_in().unwrap();
    Profile::Check.judge(&Machine::load(machine).facts, &knowledge, &Selection::default())
}

/// So many seconds ago, as reports have it.
fn ago(seconds: i64) -> String {
    let then = jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds);
    then.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

impl Looked {
    /// A machine that has run for a day, and was looked at so many seconds ago.
    fn at(machine: &str, seconds: i64) -> Self {
        Self::with(&serde_json::to_vec(&Report { taken_at: ago(seconds), ..report(machine) }).unwrap())
    }

    /// A machine whose report holds this.
    fn with(report: &[u8]) -> Self {
        let looked = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir_all(looked.state().join("daemon")).unwrap();
        fs::create_dir(looked.folder.path().join("proc")).unwrap();
        fs::write(looked.folder.path().join("proc/uptime"), "86400.25 170000.00\n").unwrap();
        fs::write(looked.report(), report).unwrap();
        looked
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn state(&self) -> PathBuf {
        self.path().join("var/lib/gpucheck")
    }

    fn report(&self) -> PathBuf {
        self.state().join("daemon/report.json")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gpucheck"));
        command.env_clear().stdin(Stdio::null()).arg("motd").arg("--root").arg(self.path());
        command
    }

    fn output(&self, arguments: &[&str]) -> Output {
        let mut outputs = (0..AGAIN).map(|_| self.command().args(arguments).output().unwrap());
        let is_in_time = |output: &Output| output.status.signal() != Some(libc::SIGALRM);
        outputs.find(is_in_time).expect("an answer within a second")
    }

    /// What it says; whatever it is, no status but 0 and nothing on standard error.
    fn says(&self) -> String {
        let output = self.output(&[]);
        let errors = String::from_utf8(output.stderr).unwrap();
        assert_eq!((output.status.code(), errors.as_str()), (Some(0), ""));
        String::from_utf8(output.stdout).unwrap()
    }
}

#[test]
fn a_login_waits_no_longer_than_a_second_whatever_became_of_the_signal() {
    let looked = Looked::at("t4-535", 60);
    let (_reader, writer) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC).unwrap();
    while rustix::io::write(&writer, &[0]) != Err(Errno::AGAIN) {}
    // Whoever writes there now waits.
    fcntl_setfl(&writer, OFlags::empty()).unwrap();
    let mut command = looked.command();
    // SAFETY: between fork and exec the closure makes system calls on a set of its own stack.
    unsafe {
        command.pre_exec(|| {
            let mut alarm = std::mem::zeroed();
            libc::sigemptyset(&raw mut alarm);
            libc::sigaddset(&raw mut alarm, libc::SIGALRM);
            libc::sigprocmask(libc::SIG_BLOCK, &raw const alarm, std::ptr::null_mut());
            libc::signal(libc::SIGALRM, libc::SIG_IGN);
            Ok(())
        });
    }
    let mut child = command.stdout(writer).stderr(Stdio::null()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(30);
    while child.try_wait().unwrap().is_none() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    drop(child.kill());
    assert_eq!(child.wait().unwrap().signal(), Some(libc::SIGALRM));
}
