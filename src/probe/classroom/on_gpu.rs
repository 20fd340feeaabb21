//! What a notebook does on GPUs, seen from outside: the driver's list of processes, again and again.
//!
//! Invariants: where the driver names processes that are not to be seen from here, whose they are is not told; nor is it
//! told that a run used none, nor how much, where the driver was not asked to the run's end.

use super::{Ask, sweep::Scratch};
use crate::{
    child::Follower,
    probe::nvml::{self, Holder},
    worker,
};
use gpucheck_checks::fact::{Observed, RunOnGpu};
use serde_json::value::RawValue;
use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Longest watch; it is ended by whoever began it.
const LONGEST: Duration = Duration::from_hours(48);
/// Time for the first look.
const PATIENCE: Duration = Duration::from_secs(10);
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A watch over the processes of one run.
pub(super) struct OnGpu {
    shared: Arc<Shared>,
    thread: Option<thread::JoinHandle<Observed<()>>>,
}

struct Shared {
    scratch: Scratch,
    over: AtomicBool,
    ended: AtomicBool,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    run: RunOnGpu,
    /// The driver named a process that is not to be seen here.
    has_strangers: bool,
    /// Those that were to be seen here: they may end between the driver's look and ours.
    known: BTreeSet<u32>,
    /// It named one without its memory.
    is_untold: bool,
}

impl OnGpu {
    /// Begins, and waits for the first look, so that none of the run is missed.
    pub(super) fn start(ask: &Ask, scratch: Scratch) -> Self {
        let shared = Arc::new(Shared {
            scratch,
            over: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            seen: Mutex::default(),
        });
        let (watched, library) = (shared.clone(), ask.library.clone());
        let worker = worker::Worker { program: ask.worker.program.clone(), deadline: LONGEST };
        let thread = thread::spawn(move || {
            let told = nvml::follow_holders(&worker, &library, &mut Looks(&watched));
            watched.ended.store(true, Ordering::SeqCst);
            told
        });
        let until = Instant::now() + PATIENCE;
        while shared.seen().run.looks == 0 && !shared.ended.load(Ordering::SeqCst) && Instant::now() < until {
            thread::sleep(LOOK_EVERY);
        }
        Self { shared, thread: Some(thread) }
    }

    pub(super) fn is_watching(&self) -> bool {
        !self.shared.ended.load(Ordering::SeqCst)
    }

    pub(super) fn scratch(&self) -> &Scratch {
        &self.shared.scratch
    }

    /// Ends, with what was seen.
    pub(super) fn end(mut self) -> Observed<RunOnGpu> {
        let broke_off = !self.is_watching();
        self.shared.over.store(true, Ordering::SeqCst);
        let told = self.thread.take().map(thread::JoinHandle::join);
        let told = told.and_then(Result::ok).unwrap_or_else(crate::in_time::broken);
        let seen = self.shared.seen();
        match told {
            // Whoever ends a worker is told that it did not answer in time.
            _ if seen.run.looks > 0 && !broke_off => {}
            _ if seen.run.used => {}
            Observed::Failed(by) | Observed::Interrupted { by, .. } => return Observed::Failed(by),
            Observed::NotProbed { why } => return Observed::not_probed(why),
            Observed::Seen(()) => return Observed::not_probed("the driver was not asked"),
        }
        if !seen.run.used && seen.has_strangers {
            return Observed::not_probed("the driver names processes that are not to be seen from here");
        }
        let peak_memory = seen.run.peak_memory.filter(|_| !seen.is_untold && !broke_off);
        Observed::Seen(RunOnGpu { peak_memory, ..seen.run.clone() })
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, holders: &[Holder]) {
        let own: Vec<&Holder> = holders.iter().filter(|held| self.scratch.is_marked(held.pid)).collect();
        let is_here = |pid: u32| Path::new(&format!("/proc/{pid}")).exists();
        let mut seen = self.seen();
        seen.run.looks += 1;
        let (here, gone): (Vec<u32>, Vec<u32>) =
            holders.iter().map(|held| held.pid).partition(|pid| is_here(*pid));
        seen.known.extend(here);
        seen.has_strangers |= gone.iter().any(|pid| !seen.known.contains(pid));
        if own.is_empty() {
            return;
        }
        seen.run.used = true;
        seen.is_untold |= own.iter().any(|held| held.memory.is_none());
        let held: u64 = own.iter().filter_map(|held| held.memory).sum();
        seen.run.peak_memory = seen.run.peak_memory.max(Some(held));
    }
}

struct Looks<'a>(&'a Shared);

impl Follower for Looks<'_> {
    fn piece(&mut self, piece: &RawValue) {
        if let Some(holders) = nvml::holders_in(piece) {
            self.0.take(&holders);
        }
    }

    fn has_enough(&self) -> bool {
        self.0.over.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::probe::classroom::sweep::MARK;
    use gpucheck_checks::fact::ProbeFailure;
    use std::process::{Child, Command};

    /// A scratch that nobody sweeps but its folder's end, for this program is no gpucheck.
    fn shared() -> Shared {
        let scratch = Scratch::new("/bin/true".as_ref(), rustix::process::geteuid().as_raw(), None).unwrap();
        Shared {
            scratch,
            over: AtomicBool::new(false),
            ended: AtomicBool::new(false),
            seen: Mutex::default(),
        }
    }

    fn sleeper(mark: &str) -> Child {
        let child = Command::new("sleep").arg("60").env(MARK, mark).spawn().unwrap();
        let variables = format!("/proc/{}/environ", child.id());
        // A program that has only just begun has none yet.
        while std::fs::read(&variables).unwrap().is_empty() {
            thread::yield_now();
        }
        child
    }

    fn told(shared: Shared) -> Observed<RunOnGpu> {
        let thread = thread::spawn(|| Observed::Seen(()));
        OnGpu { shared: Arc::new(shared), thread: Some(thread) }.end()
    }

    #[test]
    fn the_peak_is_that_of_the_runs_own_processes_together() {
        let shared = shared();
        let folder = shared.scratch.folder.clone();
        let (mut kernel, mut loader) = (sleeper(&shared.scratch.mark), sleeper(&shared.scratch.mark));
        let mut other = sleeper("another");
        let held = |child: &Child, memory| Holder { pid: child.id(), memory: Some(memory) };
        shared.take(&[]);
        shared.take(&[held(&kernel, 500), held(&other, 9000)]);
        shared.take(&[held(&kernel, 700), held(&loader, 400)]);
        shared.take(&[held(&kernel, 900)]);
        for child in [&mut kernel, &mut loader, &mut other] {
            child.kill().unwrap();
            child.wait().unwrap();
        }
        let expected = RunOnGpu { used: true, peak_memory: Some(1100), looks: 4 };
        assert_eq!(told(shared), Observed::Seen(expected));
        let _ = std::fs::remove_dir_all(folder);
    }

    #[test]
    fn where_the_driver_names_strangers_nothing_is_told() {
        let shared = shared();
        let folder = shared.scratch.folder.clone();
        // Linux numbers no process so high (PID_MAX_LIMIT).
        shared.take(&[Holder { pid: 4_194_305, memory: Some(1) }]);
        assert!(matches!(told(shared), Observed::NotProbed { .. }));
        let _ = std::fs::remove_dir_all(folder);
    }

    #[test]
    fn who_ends_between_the_drivers_look_and_ours_is_no_stranger() {
        let shared = shared();
        let folder = shared.scratch.folder.clone();
        let mut other = sleeper("another");
        let held = [Holder { pid: other.id(), memory: Some(1) }];
        shared.take(&held);
        other.kill().unwrap();
        other.wait().unwrap();
        shared.take(&held);
        assert_eq!(told(shared), Observed::Seen(RunOnGpu { used: false, peak_memory: None, looks: 2 }));
        let _ = std::fs::remove_dir_all(folder);
    }

    #[test]
    fn a_watch_that_breaks_off_tells_neither_that_none_was_used_nor_how_much() {
        for held in [None, Some(500)] {
            let shared = shared();
            let folder = shared.scratch.folder.clone();
            let mut kernel = sleeper(&shared.scratch.mark);
            let holders = held.map(|memory| Holder { pid: kernel.id(), memory: Some(memory) });
            shared.take(&Vec::from_iter(holders));
            kernel.kill().unwrap();
            kernel.wait().unwrap();
            shared.ended.store(true, Ordering::SeqCst);
            // nvml.h: NVML_ERROR_GPU_IS_LOST.
            let lost = || Observed::refused("nvmlDeviceGetComputeRunningProcesses", 15, "GPU_IS_LOST", "");
            let thread = thread::spawn(lost);
            let told = OnGpu { shared: Arc::new(shared), thread: Some(thread) }.end();
            if held.is_some() {
                let expected = RunOnGpu { used: true, peak_memory: None, looks: 1 };
                assert_eq!(told, Observed::Seen(expected));
            } else {
                assert!(matches!(told, Observed::Failed(ProbeFailure::Refused { code: 15, .. })), "{told:?}");
            }
            let _ = std::fs::remove_dir_all(folder);
        }
    }

    #[test]
    fn who_only_shares_the_gpu_used_nothing_of_ours() {
        let shared = shared();
        let folder = shared.scratch.folder.clone();
        let own = Holder { pid: std::process::id(), memory: None };
        shared.take(&[own]);
        assert_eq!(told(shared), Observed::Seen(RunOnGpu { used: false, peak_memory: None, looks: 1 }));
        let _ = std::fs::remove_dir_all(folder);
    }
}
