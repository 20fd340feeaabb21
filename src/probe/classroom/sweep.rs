//! Whatever is started for a class is gone afterwards: a folder, and every process that carries its mark.
//!
//! A process of ours of its own waits for the end of whoever looks, be it killed, and cleans up then: kernels make
//! sessions of their own, which no signal of a terminal and no end of a parent reaches.
//!
//! Invariants: only processes that carry the mark in their environment end, and only the folder that was made goes.

use rustix::{
    fs::Mode,
    process::{Pid, Signal},
};
use serde::{Deserialize, Serialize};
use std::{
    ffi::{OsStr, OsString},
    fmt::Write as _,
    fs,
    io::{self, Read},
    os::unix::{ffi::OsStrExt, fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

/// What a worker calls this work.
pub(crate) const SWEEP: &str = "sweep";
/// The variable that marks what was started.
pub(super) const MARK: &str = "GPUCHECK_CLASS";
/// Rounds of ending processes: one that was just started may have been missed.
const ROUNDS: usize = 20;
const BETWEEN: Duration = Duration::from_millis(50);
/// Most of an environment that is read, in bytes.
const LONGEST: u64 = 2 << 20;

#[derive(Serialize, Deserialize)]
struct Ask {
    mark: String,
    folder: PathBuf,
}

/// A folder and a mark; both are swept away with this value, or with this process.
#[derive(Debug)]
pub(super) struct Scratch {
    pub(super) folder: PathBuf,
    pub(super) mark: String,
    sweeper: Child,
}

impl Scratch {
    /// A new one for this user, which this program of ours sweeps.
    pub(super) fn new(program: &OsStr, uid: u32, gid: Option<u32>) -> io::Result<Self> {
        let mark = random()?;
        let folder =
            std::env::temp_dir().join(format!("gpucheck-class-{}", mark.get(..16).unwrap_or_default()));
        let ask = serde_json::to_string(&Ask { mark: mark.clone(), folder: folder.clone() })?;
        let sweeper = Command::new(program)
            .args(["__probe", SWEEP, &ask])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            .process_group(0)
            .spawn()?;
        let scratch = Self { folder, mark, sweeper };
        rustix::fs::mkdir(&scratch.folder, Mode::RWXU)?;
        if uid != rustix::process::geteuid().as_raw() {
            chown(&scratch.folder, Some(uid), gid)?;
        }
        Ok(scratch)
    }

    /// A folder in it, of the same user.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Whether a process was started for this.
    pub(super) fn is_marked(&self, pid: u32) -> bool {
        carries(Path::new(&format!("/proc/{pid}")), &self.variable())
    }

    fn variable(&self) -> OsString {
        variable(&self.mark)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        drop(self.sweeper.stdin.take());
        let _ = self.sweeper.wait();
    }
}

/// 32 hexadecimal digits that nobody can guess.
pub(super) fn random() -> io::Result<String> {
    let mut bytes = [0; 16];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    let mut text = String::new();
    for byte in bytes {
        let _ = write!(text, "{byte:02x}");
    }
    Ok(text)
}

/// The worker: waits until nobody holds its standard input any more, then sweeps.
pub(crate) fn sweep(ask: &OsStr) -> ExitCode {
    let Some(ask) = ask.to_str().and_then(|ask| serde_json::from_str::<Ask>(ask).ok()) else {
        return ExitCode::from(2);
    };
    let is_ours = ask.folder.file_name().is_some_and(|name| name.as_bytes().starts_with(b"gpucheck-class-"));
    if !is_ours || ask.mark.len() != 32 {
        return ExitCode::from(2);
    }
    let _ = io::stdin().read_to_end(&mut Vec::new());
    end(&variable(&ask.mark));
    let _ = fs::remove_dir_all(&ask.folder);
    ExitCode::SUCCESS
}

fn variable(mark: &str) -> OsString {
    format!("{MARK}={mark}").into()
}

/// Ends all that carry the variable, until none is left.
fn end(variable: &OsStr) {
    for _ in 0..ROUNDS {
        let marked = marked(variable);
        if marked.is_empty() {
            return;
        }
        for pid in marked {
            let _ = rustix::process::kill_process(pid, Signal::KILL);
        }
        thread::sleep(BETWEEN);
    }
}

fn marked(variable: &OsStr) -> Vec<Pid> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pid = |entry: fs::DirEntry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        carries(&entry.path(), variable).then(|| Pid::from_raw(pid))?
    };
    entries.filter_map(pid).collect()
}

fn carries(process: &Path, variable: &OsStr) -> bool {
    let mut bytes = Vec::new();
    let Ok(file) = fs::File::open(process.join("environ")) else { return false };
    let _ = file.take(LONGEST).read_to_end(&mut bytes);
    bytes.split(|byte| *byte == 0).any(|one| one == variable.as_bytes())
}
