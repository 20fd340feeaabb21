//! `gpucheck slow`: what it samples of simulated GPUs and of this very host, and what it shows meanwhile.

mod bottleneck;
mod command;
mod gpus;
mod host;
mod notebook;
mod picture;

use std::{
    io::Read,
    process::{Command, Stdio},
    time::Duration,
};

/// A process that is none of ours: what gpucheck starts itself it does not tell of.
struct Stranger(i32);

impl Stranger {
    /// Runs this in a shell that nobody waits for.
    fn run(script: &str) -> Self {
        let line = "sh -c \"$0\" >/dev/null 2>&1 & echo $!";
        let mut shell = Command::new("/bin/sh")
            .args(["-c", line, script])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut pid = String::new();
        shell.stdout.take().unwrap().read_to_string(&mut pid).unwrap();
        shell.wait().unwrap();
        Self(pid.trim().parse().unwrap())
    }

    /// One that keeps a core busy.
    fn busy() -> Self {
        Self::run("while :; do :; done")
    }

    fn pid(&self) -> u32 {
        u32::try_from(self.0).unwrap()
    }

    fn end(&self) {
        let pid = rustix::process::Pid::from_raw(self.0).unwrap();
        // It may have ended.
        let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.end();
    }
}

const SECOND: Duration = Duration::from_secs(1);
