//! What a notebook does on GPUs, seen from outside: the driver's list of processes, again and again.
//!
//! Invariant: where the driver names processes that are not to be seen from here, whose they are is not told.

use super::{Ask, sweep::Scratch};
use crate::{
    child::Follower,
    probe::nvml::{self, Holder},
    worker,
};
use gpucheck_checks::fact::{Observed, RunOnGpu};
use serde_json::value::RawValue;
use std::{
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
        self.shared.over.store(true, Ordering::SeqCst);
        let told = self.thread.take().map(thread::JoinHandle::join);
        let told = told.and_then(Result::ok).unwrap_or_else(crate::in_time::broken);
        let seen = self.shared.seen();
        match told {
            // Whoever ends a worker is told that it did not answer in time.
            _ if seen.run.looks > 0 => {}
            Observed::Failed(by) | Observed::Interrupted { by, .. } => return Observed::Failed(by),
            Observed::NotProbed { why } => return Observed::not_probed(why),
            Observed::Seen(()) => return Observed::not_probed("the driver was not asked"),
        }
        if !seen.run.used && seen.has_strangers {
            return Observed::not_probed("the driver names processes that are not to be seen from here");
        }
        let peak_memory = seen.run.peak_memory.filter(|_| !seen.is_untold);
        Observed::Seen(RunOnGpu { peak_memory, ..seen.run.clone() })
    }
}

impl Shared {
    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, holders: &[Holder]) {
        let own: Vec<&Holder> = holders.iter().filter(|held| self.scratch.is_marked(held.pid)).collect();
        let is_stranger = |held: &Holder| !Path::new(&format!("/proc/{}", held.pid)).exists();
        let mut seen = self.seen();
        seen.run.looks += 1;
        seen.has_strangers |= holders.iter().any(is_stranger);
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
