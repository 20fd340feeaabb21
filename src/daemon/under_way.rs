//! A look that is under way, from the daemon's side.
//!
//! Invariants: it has a deadline and a process group of its own; what it says is bounded, and is believed only where it has
//! ended well; one that cannot be ended is abandoned and not waited for.

use super::{
    look::{COMMAND, Errand, Said},
    schedule::Reason,
};
use rustix::{
    fs::OFlags,
    io::Errno,
    process::{Pid, Signal},
};
use std::{
    ffi::OsString,
    io,
    os::{
        fd::OwnedFd,
        unix::process::{CommandExt, ExitStatusExt},
    },
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Most that a look says, in bytes.
const MOST: usize = 64 << 10;
/// Time for one that was killed to be gone.
const GRACE: Duration = Duration::from_secs(2);
/// Time for one that is asked to end to end its own children.
const FAREWELL: Duration = Duration::from_millis(300);
/// What systemd told the daemon and is none of its children's business.
const OF_SERVICE: [&str; 11] = [
    "CACHE_DIRECTORY",
    "INVOCATION_ID",
    "JOURNAL_STREAM",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "NOTIFY_SOCKET",
    "RUNTIME_DIRECTORY",
    "STATE_DIRECTORY",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];

/// A look.
pub(super) struct UnderWay {
    child: Child,
    pipe: Option<OwnedFd>,
    said: Vec<u8>,
    pub(super) reason: Reason,
    /// Since the boot.
    pub(super) began: Duration,
    time: Duration,
    deadline: Duration,
    killed: bool,
}

impl UnderWay {
    /// # Errors
    /// The operating system's.
    pub(super) fn start(
        program: OsString,
        errand: &Errand,
        (reason, began, time): (Reason, Duration, Duration),
    ) -> io::Result<Self> {
        let mut command = Command::new(program);
        command
            .arg(COMMAND)
            .arg(serde_json::to_string(errand)?)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .process_group(0);
        for name in OF_SERVICE {
            command.env_remove(name);
        }
        let mut child = command.spawn()?;
        let pipe = child.stdout.take().map(OwnedFd::from);
        if let Some(pipe) = &pipe {
            rustix::fs::fcntl_setfl(pipe, OFlags::NONBLOCK)?;
        }
        Ok(Self { child, pipe, said: Vec::new(), reason, began, time, deadline: began + time, killed: false })
    }

    pub(super) fn pipe(&self) -> Option<&OwnedFd> {
        self.pipe.as_ref()
    }

    /// When something is to be done about it.
    pub(super) fn next(&self) -> Duration {
        self.deadline
    }

    /// Reads what it says, and of that no more than is to be believed.
    pub(super) fn read(&mut self) {
        let mut buffer = [0_u8; 4 << 10];
        while let Some(pipe) = &self.pipe {
            match rustix::io::read(pipe, &mut buffer) {
                Ok(0) => self.pipe = None,
                Ok(length) if self.said.len() + length <= MOST => {
                    self.said.extend(buffer.get(..length).unwrap_or_default());
                }
                // Nobody reads on; a writer without end gets a signal.
                Ok(_) => {
                    self.said.clear();
                    self.pipe = None;
                }
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                Err(_) => self.pipe = None,
            }
        }
    }

    /// What came of it, once it has ended.
    pub(super) fn ended(&mut self) -> Option<Result<Said, String>> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => {
                // What it started and left ends with it.
                self.signal(Signal::KILL);
                self.read();
                Some(self.conclude(status))
            }
            Err(error) => Some(Err(format!("how it ended cannot be told: {error}"))),
        }
    }

    fn conclude(&self, status: ExitStatus) -> Result<Said, String> {
        if self.killed {
            return Err(format!("it did not end in {:?}, and was ended", self.time));
        }
        match (status.code(), status.signal()) {
            (Some(0), _) => {}
            (Some(code), _) => return Err(format!("it ended with status {code}")),
            (None, Some(signal)) => return Err(format!("it was ended by signal {signal}")),
            (None, None) => return Err("how it ended is not known".to_owned()),
        }
        let said: Said = serde_json::from_slice(&self.said)
            .map_err(|error| format!("what it said cannot be read: {error}"))?;
        if said.gpucheck == env!("CARGO_PKG_VERSION") {
            Ok(said)
        } else {
            Err(format!("it was taken by gpucheck {}", said.gpucheck))
        }
    }

    /// Ends it at its deadline; whether it is given up, for it cannot be ended.
    pub(super) fn is_given_up(&mut self, now: Duration) -> bool {
        if now < self.deadline {
            return false;
        }
        if self.killed {
            return true;
        }
        self.killed = true;
        self.signal(Signal::KILL);
        self.deadline = now + GRACE;
        false
    }

    /// Ends it, for the daemon ends.
    pub(super) fn end(mut self) {
        self.signal(Signal::TERM);
        let until = Instant::now() + FAREWELL;
        while Instant::now() < until {
            if !matches!(self.child.try_wait(), Ok(None)) {
                break;
            }
            thread::sleep(Duration::from_millis(5));
        }
        self.signal(Signal::KILL);
        let _ = self.child.try_wait();
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) {
            let _ = rustix::process::kill_process_group(group, signal);
        }
    }
}
