//! Start a child, follow it, end it.

use super::{
    ANSWER_FD, Excerpt, Follower, Hears, ReadTrail,
    confine::{Limits, confine},
    inherited, interrupt, promised,
};
use gpucheck_checks::fact::{Observed, ProbeFailure};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    fs::OFlags,
    process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitIdStatus},
};
use serde::de::DeserializeOwned;
use std::{
    borrow::Cow,
    ffi::OsString,
    io,
    os::{
        fd::{AsFd, OwnedFd, RawFd},
        unix::process::CommandExt,
    },
    path::PathBuf,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

/// What a child is left after its deadline or its answer, before the next means is taken.
const GRACE: Duration = Duration::from_millis(500);
/// How long pipes that a grandchild keeps open are read on after the child's end.
const DRAIN: Duration = Duration::from_millis(200);
/// How often a child is looked at where the kernel has no pidfd (before 5.3).
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// How often whoever follows a child is asked whether that is enough.
const ASK_EVERY: Duration = Duration::from_millis(100);
/// What stands for an exit status that nobody knows.
const UNKNOWN_STATUS: i32 = -1;

/// The name of a variable of the environment.
pub type Name = Cow<'static, str>;
/// A whole environment.
pub type Variables = Vec<(OsString, OsString)>;

/// A child to be run.
pub struct Job {
    /// The program, by path.
    pub program: OsString,
    /// Its arguments.
    pub args: Vec<OsString>,
    /// The environment in the place of this process's; none where it inherits that.
    pub base: Option<Variables>,
    /// Changes to that environment; none removes the variable.
    pub env: Vec<(Name, Option<OsString>)>,
    /// Its working directory; none where it is this process's.
    pub folder: Option<PathBuf>,
    /// Time until it must have answered.
    pub deadline: Duration,
    /// Limit of its writable private memory (`RLIMIT_DATA`, which address space that CUDA only reserves does
    /// not count against), in bytes.
    pub memory: u64,
    /// Descriptors handed over, and the numbers that the child finds them under.
    pub files: Vec<(OwnedFd, RawFd)>,
    /// Whom to become first.
    pub identity: Option<Identity>,
    /// Whether a child keeps the right to make device nodes and to load modules, itself or through a program with the
    /// setuid bit (nvidia-modprobe). Real driver libraries do both whenever they may, with or without a driver behind
    /// them.
    pub may_make_nodes: bool,
    /// At the deadline send SIGABRT first, so that Python's faulthandler tells where it hangs.
    pub stack_at_deadline: bool,
}

/// A user to become.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub uid: u32,
    /// The user's own group.
    pub gid: u32,
    /// The other groups that the user is in.
    pub groups: Vec<u32>,
}

/// What became of a child.
pub struct Finished<T> {
    /// Its answer, or how it failed.
    pub observed: Observed<T>,
    /// Head and tail of its standard error and output.
    pub log: String,
    /// From start to answer or end, in milliseconds.
    pub elapsed_ms: u64,
}

/// Runs a child to its answer or its end. Returns at the latest one second after the deadline.
pub fn run<T: DeserializeOwned>(job: Job) -> Finished<T> {
    run_followed(job, &mut Hears(&|_| {}))
}

/// Runs a child that somebody follows, who may end it before its deadline.
pub fn run_followed<T: DeserializeOwned>(job: Job, follower: &mut dyn Follower) -> Finished<T> {
    let start = Instant::now();
    let started = Child::start(&job).map_err(|error| match error.raw_os_error() {
        Some(libc::EMFILE | libc::EINVAL | libc::EBADF) => inherited::too_few_files(error),
        _ => error,
    });
    // What was handed over is the child's now.
    drop(job);
    let (observed, log) = match started {
        Err(error) => {
            (Observed::Failed(ProbeFailure::NotStarted { message: error.to_string() }), String::new())
        }
        Ok(mut child) => {
            let end = child.follow(follower);
            (child.conclude(end), child.log.text())
        }
    };
    let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    Finished { observed, log, elapsed_ms }
}

/// How following ended.
enum End {
    Over,
    Exited(i32),
    Signaled(i32),
    TimedOut { unkillable: bool },
}

struct Child {
    pid: Pid,
    pidfd: Option<OwnedFd>,
    answer: Option<OwnedFd>,
    stderr: Option<OwnedFd>,
    trail: ReadTrail,
    log: Excerpt,
    deadline: Duration,
    stack_at_deadline: bool,
    start: Instant,
    /// Until it is reaped: a signal must not reach whoever gets its number next.
    noted: Option<interrupt::Noted>,
    /// Somebody else has reaped it, so that its number may be another process's by now.
    lost: bool,
}

impl Child {
    fn start(job: &Job) -> io::Result<Self> {
        promised::keep();
        let (answer, answer_end) = pipe()?;
        let (stderr, stderr_end) = pipe()?;
        let mut command = Command::new(&job.program);
        command
            .args(&job.args)
            .stdin(Stdio::null())
            .stdout(Stdio::from(stderr_end.try_clone()?))
            .stderr(Stdio::from(stderr_end))
            .process_group(0);
        if let Some(base) = &job.base {
            command.env_clear().envs(base.iter().map(|(name, value)| (name, value)));
        }
        for (name, value) in &job.env {
            match value {
                Some(value) => command.env(name.as_ref(), value),
                None => command.env_remove(name.as_ref()),
            };
        }
        if let Some(folder) = &job.folder {
            command.current_dir(folder);
        }
        let mut files = vec![(high(&answer_end)?, ANSWER_FD)];
        for (file, number) in &job.files {
            files.push((high(file)?, *number));
        }
        let limits =
            Limits { memory: job.memory, may_make_nodes: job.may_make_nodes, identity: job.identity.clone() };
        let parent = std::process::id();
        // SAFETY: between fork and exec the closure makes plain system calls only, on values made before.
        unsafe { command.pre_exec(move || confine(&files, &limits, parent)) };
        let start = Instant::now();
        let starting = interrupt::start()?;
        let child = command.spawn()?;
        let pid = Pid::from_child(&child);
        let noted = interrupt::note(pid.as_raw_nonzero().get());
        drop((starting, command));
        rustix::fs::fcntl_setfl(&answer, OFlags::NONBLOCK)?;
        rustix::fs::fcntl_setfl(&stderr, OFlags::NONBLOCK)?;
        Ok(Self {
            pid,
            pidfd: rustix::process::pidfd_open(pid, PidfdFlags::empty()).ok(),
            answer: Some(answer),
            stderr: Some(stderr),
            trail: ReadTrail::default(),
            log: Excerpt::default(),
            deadline: job.deadline,
            stack_at_deadline: job.stack_at_deadline,
            start,
            noted: Some(noted),
            lost: false,
        })
    }

    /// Follows the child to its answer, its end or its deadline; afterwards it is reaped or abandoned.
    fn follow(&mut self, follower: &mut dyn Follower) -> End {
        let deadline = self.start + self.deadline;
        let mut ended = self.watch(deadline, follower);
        if self.trail.is_over() {
            ended = ended.or_else(|| self.watch_exit(Instant::now() + DRAIN));
            self.kill();
            ended.or_else(|| self.watch_exit(Instant::now() + GRACE));
            self.reap();
            return End::Over;
        }
        if let Some(end) = ended {
            self.kill();
            self.reap();
            return end;
        }
        if self.stack_at_deadline {
            let _ = rustix::process::kill_process(self.pid, Signal::ABORT);
            self.watch(Instant::now() + GRACE, follower);
        }
        self.kill();
        let unkillable = self.watch_exit(Instant::now() + GRACE).is_none();
        self.read();
        self.tell(follower);
        if !unkillable {
            self.reap();
        }
        End::TimedOut { unkillable }
    }

    /// Reads until the trail is over or the child has ended; none where neither came in time, or nobody wants to wait.
    fn watch(&mut self, until: Instant, follower: &mut dyn Follower) -> Option<End> {
        loop {
            self.read();
            self.tell(follower);
            if self.trail.is_over() {
                return None;
            }
            if let Some(end) = self.ended() {
                self.drain();
                self.tell(follower);
                return Some(end);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || follower.has_enough() {
                return None;
            }
            self.wait(left.min(ASK_EVERY));
        }
    }

    /// Passes on what the child has told since the last time.
    fn tell(&mut self, follower: &mut dyn Follower) {
        if let Some(progress) = self.trail.take_progress() {
            follower.progress(progress);
        }
        self.trail.take_pieces().iter().for_each(|piece| follower.piece(piece));
    }

    fn watch_exit(&mut self, until: Instant) -> Option<End> {
        loop {
            if let Some(end) = self.ended() {
                return Some(end);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            self.answer = None;
            self.read();
            self.wait(left);
        }
    }

    /// Reads on after the child's end, as long as some grandchild may keep the pipes open.
    fn drain(&mut self) {
        let until = Instant::now() + DRAIN;
        while (self.answer.is_some() || self.stderr.is_some()) && !self.trail.is_over() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            let pidfd = self.pidfd.take();
            self.wait(left);
            self.pidfd = pidfd;
            self.read();
        }
    }

    /// Waits until a pipe has something, the child has ended, or the time is over.
    fn wait(&self, left: Duration) {
        let left = if self.pidfd.is_none() { left.min(LOOK_EVERY) } else { left };
        let files = [&self.answer, &self.stderr, &self.pidfd];
        let mut polled: Vec<_> =
            files.into_iter().flatten().map(|file| PollFd::new(file, PollFlags::IN)).collect();
        let _ = poll(&mut polled, Timespec::try_from(left).ok().as_ref());
    }

    fn read(&mut self) {
        let trail = &mut self.trail;
        read_available(&mut self.answer, |bytes| trail.feed(bytes));
        let log = &mut self.log;
        read_available(&mut self.stderr, |bytes| log.feed(bytes));
    }

    /// How the child ended, without reaping it: its group stays ours until it has been killed. A child that is no
    /// longer ours to wait for has ended as well, nobody knows how.
    fn ended(&mut self) -> Option<End> {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        match rustix::process::waitid(WaitId::Pid(self.pid), options) {
            Ok(status) => status.as_ref().map(end_of),
            Err(rustix::io::Errno::CHILD) => {
                self.lost = true;
                self.noted = None;
                Some(End::Exited(UNKNOWN_STATUS))
            }
            Err(_) => None,
        }
    }

    fn kill(&self) {
        if self.lost {
            return;
        }
        let _ = rustix::process::kill_process_group(self.pid, Signal::KILL);
    }

    fn reap(&mut self) {
        self.noted = None;
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let _ = rustix::process::waitid(WaitId::Pid(self.pid), options);
    }

    fn conclude<T: DeserializeOwned>(&self, end: End) -> Observed<T> {
        let step = if self.trail.step().is_empty() { "start-up" } else { self.trail.step() }.to_owned();
        let garbled = |message| ProbeFailure::Garbled { step: step.clone(), message };
        let failure = match (self.trail.answer::<T>(), self.trail.error(), end) {
            (Some(Ok(answer)), _, _) => return Observed::Seen(answer),
            (Some(Err(message)), _, _) => garbled(message),
            (None, Some(error), _) => garbled(error.to_string()),
            (None, None, End::Over) => garbled("no answer".to_owned()),
            (None, None, End::Exited(code)) => ProbeFailure::Exited { code, step },
            (None, None, End::Signaled(signal)) => ProbeFailure::Crashed { signal, step },
            (None, None, End::TimedOut { unkillable }) => {
                let after_ms = u64::try_from(self.deadline.as_millis()).unwrap_or(u64::MAX);
                ProbeFailure::TimedOut { after_ms, step, unkillable }
            }
        };
        match self.trail.so_far() {
            Some(seen) => Observed::Interrupted { seen, by: failure },
            None => Observed::Failed(failure),
        }
    }
}

fn end_of(status: &WaitIdStatus) -> End {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => End::Exited(code),
        (None, Some(signal)) => End::Signaled(signal),
        (None, None) => End::Exited(UNKNOWN_STATUS),
    }
}

/// Reads what is there; a pipe at its end is dropped.
fn read_available(pipe: &mut Option<OwnedFd>, mut take: impl FnMut(&[u8])) {
    let mut buffer = [0_u8; 16 << 10];
    // One round reads a bounded amount, so that an endless stream cannot hold up the deadline.
    for _ in 0..256 {
        let Some(file) = pipe.as_ref() else { return };
        match rustix::io::read(file, &mut buffer) {
            Ok(0) => *pipe = None,
            Ok(length) => take(buffer.get(..length).unwrap_or_default()),
            Err(rustix::io::Errno::AGAIN) => return,
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => *pipe = None,
        }
    }
}

fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    Ok(rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?)
}

/// The same file under a number that no child is promised.
fn high(file: &OwnedFd) -> io::Result<OwnedFd> {
    Ok(rustix::io::fcntl_dupfd_cloexec(file.as_fd(), 64)?)
}
