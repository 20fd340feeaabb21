//! Whatever is started for a class is gone afterwards: a folder, and every process that carries its mark.
//!
//! A process of ours of its own waits for the end of whoever looks, be it killed, and cleans up then: kernels make
//! sessions of their own, which no signal of a terminal and no end of a parent reaches.
//!
//! Invariants: only processes that carry the mark in their environment end, and only the folder that was made goes. Any
//! user can forge an environment, so what was started as a user ends by that user's right, never by root's; the mark
//! stands in no command line.

use crate::hex;
use rustix::{
    fs::Mode,
    process::{Pid, Signal},
};
use serde::{Deserialize, Serialize};
use std::{
    ffi::{OsStr, OsString},
    fs,
    io::{self, Read, Write as _},
    os::unix::{ffi::OsStrExt, fs::chown, process::CommandExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitCode, Stdio},
    thread,
    time::Duration,
};

/// What a worker calls this work.
pub(crate) const SWEEP: &str = "sweep";
/// The variable that marks what was started.
pub(crate) const MARK: &str = "GPUCHECK_CLASS";
/// Rounds of ending processes: one that was just started may have been missed.
const ROUNDS: usize = 20;
const BETWEEN: Duration = Duration::from_millis(50);
/// Most of an environment that is read, in bytes.
const LONGEST: u64 = 2 << 20;
/// The group of whoever has none that is known, `nogroup`.
const NOGROUP: u32 = 65534;

#[derive(Serialize, Deserialize)]
struct Ask {
    mark: String,
    folder: PathBuf,
    /// Whose processes they are, user and group; none where they are those of whoever asks.
    owner: Option<(u32, u32)>,
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
        let owner = (uid != rustix::process::geteuid().as_raw()).then(|| (uid, gid.unwrap_or(NOGROUP)));
        let ask = serde_json::to_vec(&Ask { mark: mark.clone(), folder: folder.clone(), owner })?;
        let mut sweeper = Command::new(program)
            .args(["__probe", SWEEP])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .current_dir("/")
            .process_group(0)
            .spawn()?;
        // Where it is gone already, nobody reads.
        let _ = sweeper.stdin.as_mut().map_or(Ok(()), |stdin| stdin.write_all(&ask));
        let scratch = Self { folder, mark, sweeper };
        rustix::fs::mkdir(&scratch.folder, Mode::RWXU)?;
        if let Some((uid, _)) = owner {
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
    Ok(hex::of(&bytes))
}

/// The worker: reads what to sweep, waits until nobody holds its standard input any more, then sweeps.
pub(crate) fn sweep() -> ExitCode {
    let mut ask = Vec::new();
    let _ = io::stdin().read_to_end(&mut ask);
    let Ok(ask) = serde_json::from_slice::<Ask>(&ask) else { return ExitCode::from(2) };
    let is_ours = ask.folder.file_name().is_some_and(|name| name.as_bytes().starts_with(b"gpucheck-class-"));
    if !is_ours || ask.mark.len() != 32 {
        return ExitCode::from(2);
    }
    if as_owner(ask.owner) {
        end(&variable(&ask.mark));
    }
    as_asker(ask.owner);
    let _ = fs::remove_dir_all(&ask.folder);
    ExitCode::SUCCESS
}

/// Takes on the rights of whose processes they are, for a time. Whether that was done.
fn as_owner(owner: Option<(u32, u32)>) -> bool {
    let Some((uid, gid)) = owner else { return true };
    // SAFETY: system calls on numbers. The real ids go as well: each of them lets signals through.
    unsafe { libc::setresgid(gid, gid, 0) == 0 && libc::setresuid(uid, uid, 0) == 0 }
}

fn as_asker(owner: Option<(u32, u32)>) {
    if owner.is_some() {
        // SAFETY: system calls on numbers.
        let _ = unsafe { (libc::setresuid(0, 0, 0), libc::setresgid(0, 0, 0)) };
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::ExitStatusExt;

    /// Ids that no test machine has.
    const STUDENT: u32 = 54_331;

    fn sleeper(mark: &str, uid: u32) -> Child {
        Command::new("sleep").arg("60").env(MARK, mark).uid(uid).gid(uid).spawn().unwrap()
    }

    /// As with `sudo` in a notebook, which keeps the environment that its user chose.
    #[test]
    fn a_mark_in_anothers_environment_does_not_end_it() {
        if !rustix::process::geteuid().is_root() {
            println!("skipped: needs root");
            return;
        }
        let mark = random().unwrap();
        let (mut students, mut roots) = (sleeper(&mark, STUDENT), sleeper(&mark, 0));
        // Ids are a process's, and tests share this one: a child sweeps.
        // SAFETY: the child makes system calls and reads files, then is gone; nothing of another thread's is waited for
        // but the allocator, which glibc keeps usable after a fork.
        let child = unsafe { libc::fork() };
        if child == 0 {
            let taken = as_owner(Some((STUDENT, STUDENT)));
            end(&variable(&mark));
            as_asker(Some((STUDENT, STUDENT)));
            let is_back = rustix::process::geteuid().is_root() && rustix::process::getuid().is_root();
            // SAFETY: ends this child without running anything of the test's.
            unsafe { libc::_exit(i32::from(!(taken && is_back))) };
        }
        let mut status = 0;
        // SAFETY: waits for the child, with a number of this stack.
        assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
        assert_eq!(status, 0, "the rights were not taken on and given back");
        assert_eq!(students.wait().unwrap().signal(), Some(libc::SIGKILL));
        assert_eq!(roots.try_wait().unwrap(), None, "root's process was ended");
        roots.kill().unwrap();
        roots.wait().unwrap();
    }

    #[test]
    fn the_mark_is_in_no_command_line() {
        let scratch = Scratch::new("/bin/cat".as_ref(), rustix::process::geteuid().as_raw(), None).unwrap();
        let line = fs::read(format!("/proc/{}/cmdline", scratch.sweeper.id())).unwrap();
        assert!(!String::from_utf8_lossy(&line).contains(&scratch.mark));
        let folder = scratch.folder.clone();
        drop(scratch);
        let _ = fs::remove_dir_all(folder);
    }
}
