//! What the machine does over some seconds: its GPUs by NVML in a worker, the host by `/proc`, both at once.
//!
//! Invariants: nothing is disturbed: no context is made, nothing is computed, nothing is written; whatever ends early
//! or hangs costs no more than what it had not told yet; our own processes are left out.

mod asked;
mod compiled;
mod group;
mod host;
mod programs;

pub use asked::Whom;

use crate::{
    in_time::InTime,
    probe::nvml::{self, Watch},
    root::Root,
    worker::{self, Worker},
};
use asked::Sight;
use gpucheck_checks::fact::{CompiledCode, GpuLoad, HostLoad, Load, Observed, PciAddress, ProbeFailure};
use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// From one sample of the host to the next; of a long time a six-hundredth, if that is more.
const EVERY: Duration = Duration::from_millis(250);
const SAMPLES: u32 = 600;
/// Time for a look at one process or one folder, which may lie on a mount that never answers.
const LOOK: Duration = Duration::from_secs(3);
/// A thread that is busy for less of the time, in percent, compiles nothing.
const COMPILES: u32 = 50;
/// Time beyond the sampling for the host's last look.
const ROOM: Duration = Duration::from_secs(3);

/// What to sample.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The machine's files.
    pub root: Root,
    /// How long.
    pub time: Duration,
    /// Whose slowness is asked about; none for the machine's.
    pub whom: Option<Whom>,
    /// Where NVML is.
    pub library: worker::Ask,
    /// Who asks it. Its deadline is the time that may go by without a sample.
    pub worker: Worker,
    /// The GPUs that are known to be there.
    pub gpus: Vec<PciAddress>,
}

/// What has been sampled up to now, for whoever shows it meanwhile. Clones are of the same one.
#[derive(Clone, Debug, Default)]
pub struct SoFar {
    watch: Watch,
    host: Arc<Mutex<HostLoad>>,
}

impl SoFar {
    /// Each GPU.
    pub fn gpus(&self) -> Vec<GpuLoad> {
        self.watch.so_far()
    }

    /// The host.
    pub fn host(&self) -> HostLoad {
        self.host.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set_host(&self, host: HostLoad) {
        *self.host.lock().unwrap_or_else(PoisonError::into_inner) = host;
    }
}

/// Samples the machine.
pub fn probe(ask: &Ask, so_far: &SoFar) -> Load {
    let pid = ask.whom.as_ref().map(|whom| whom.pid);
    let before = pid.map(|pid| look(ask, "asked process", move |root| Sight::of(root, pid)));
    let mut compiled = look(ask, "cache of compiled code", move |root| measured(root, pid)).flatten();
    let start = Instant::now();
    let gpus_are_done = Arc::new(AtomicBool::new(false));
    let patience = ask.worker.deadline;
    let until =
        Until { at: start + ask.time, latest: start + ask.time + patience, done: gpus_are_done.clone() };
    let gpus = watch_gpus(ask, so_far.watch.clone(), gpus_are_done);
    let host = watch_host(ask, pid, until, so_far.clone());
    let gpus = gpus.take();
    let mut host = host.take();
    let sampled = so_far.host();
    if let Observed::Failed(by) = &host
        && !sampled.samples.is_empty()
    {
        host = Observed::Interrupted { seen: sampled, by: by.clone() };
    }
    if pid.is_none() {
        look_for_compiler(ask, &mut host);
    }
    let lasted_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    if let Some(compiled) = &mut compiled {
        let folder = compiled.folder.clone();
        let bytes = look(ask, "cache of compiled code", move |root| compiled::bytes(root, &folder?));
        compiled.bytes_after = bytes.flatten();
    }
    let asked = ask.whom.as_ref().map(|whom| {
        let after = look(ask, "asked process", {
            let pid = whom.pid;
            move |root| Sight::of(root, pid)
        });
        asked::told(whom, before.flatten().unwrap_or_default(), after.unwrap_or_default())
    });
    Load { lasted_ms, asked, gpus: each(&ask.gpus, gpus), host, compiled }
}

/// Where nobody was asked about: which of those with a thread that may compile has the driver's compiler.
fn look_for_compiler(ask: &Ask, host: &mut Observed<HostLoad>) {
    let (Observed::Seen(seen) | Observed::Interrupted { seen, .. }) = host else { return };
    for used in seen.processes.iter_mut().filter(|used| used.busiest_thread >= COMPILES) {
        let pid = used.pid;
        used.has_compiler =
            look(ask, "busy process", move |root| Sight::of(root, pid).has_compiler()).flatten();
    }
}

/// A look that is left behind where it never ends.
fn look<T: Send + 'static>(
    ask: &Ask,
    step: &'static str,
    look: impl FnOnce(&Root) -> T + Send + 'static,
) -> Option<T> {
    let root = ask.root.clone();
    match InTime::start(step, LOOK, move || Observed::Seen(look(&root))).take() {
        Observed::Seen(seen) => Some(seen),
        Observed::Failed(_) | Observed::Interrupted { .. } | Observed::NotProbed { .. } => None,
    }
}

fn measured(root: &Root, pid: Option<u32>) -> Option<CompiledCode> {
    let found = compiled::of(root, pid)?;
    let bytes_before = found.folder.as_deref().and_then(|folder| compiled::bytes(root, folder));
    Some(CompiledCode { bytes_before, ..found })
}

fn watch_gpus(ask: &Ask, watch: Watch, done: Arc<AtomicBool>) -> InTime<Vec<GpuLoad>> {
    let (worker, library, time) = (ask.worker.clone(), ask.library.clone(), ask.time);
    // The worker has its own deadline; this is for what cannot be.
    let limit = time + ask.worker.deadline * 2 + ROOM;
    InTime::start("nvml-watch", limit, move || {
        let seen = nvml::watch(&worker, &library, Some(time), &watch);
        done.store(true, Ordering::SeqCst);
        seen
    })
}

/// Until when the host is sampled: as long as was asked, and as long as the GPUs are.
struct Until {
    at: Instant,
    latest: Instant,
    done: Arc<AtomicBool>,
}

impl Until {
    fn is_over(&self, now: Instant) -> bool {
        now >= self.latest || (now >= self.at && self.done.load(Ordering::SeqCst))
    }
}

fn watch_host(ask: &Ask, pid: Option<u32>, until: Until, so_far: SoFar) -> InTime<HostLoad> {
    let (root, time) = (ask.root.clone(), ask.time);
    let limit = until.latest.saturating_duration_since(Instant::now()) + ROOM;
    InTime::start("host", limit, move || sample_host(&root, pid, time, &until, &so_far).into())
}

fn sample_host(
    root: &Root,
    pid: Option<u32>,
    time: Duration,
    until: &Until,
    so_far: &SoFar,
) -> Result<HostLoad, ProbeFailure> {
    let process = pid.map_or_else(|| "/proc/self".to_owned(), |pid| format!("/proc/{pid}"));
    let group = group::Group::of(root, &process);
    let mut host = host::Host::new(root);
    let mut programs = programs::Programs::new(root, pid);
    let mut seen = HostLoad::default();
    let start = Instant::now();
    let every = EVERY.max(time / SAMPLES);
    loop {
        let at = start.elapsed();
        seen.samples.extend(host.sample(at)?);
        programs.look(at);
        seen.processes = programs.told();
        seen.limits = group.as_ref().map(|group| group.limits(at));
        so_far.set_host(seen.clone());
        let now = Instant::now();
        // The first look has nothing to compare with.
        if until.is_over(now) && !seen.samples.is_empty() {
            return Ok(seen);
        }
        let late = (now - start).saturating_sub(at);
        thread::sleep(every.saturating_sub(late));
    }
}

/// Each GPU that is known to be there: what was sampled of it, else why it was not.
fn each(known: &[PciAddress], sampled: Observed<Vec<GpuLoad>>) -> Vec<GpuLoad> {
    let why: Observed<Vec<_>> = match &sampled {
        Observed::Failed(by) | Observed::Interrupted { by, .. } => Observed::Failed(by.clone()),
        Observed::NotProbed { why } => Observed::not_probed(why.clone()),
        Observed::Seen(_) => Observed::not_probed("NVML did not open it"),
    };
    let mut gpus = match sampled {
        Observed::Seen(gpus) | Observed::Interrupted { seen: gpus, .. } => gpus,
        Observed::Failed(_) | Observed::NotProbed { .. } => Vec::new(),
    };
    // Layers may word an odd address differently: the only one sampled is the only one known.
    let is_the_one = gpus.len() == 1 && known.len() == 1;
    let missing = known.iter().filter(|pci| !is_the_one && !gpus.iter().any(|gpu| gpu.pci == **pci));
    let missing: Vec<GpuLoad> = missing
        .map(|pci| GpuLoad {
            pci: pci.clone(),
            samples: why.clone(),
            processes: Observed::not_probed("it was not sampled"),
            xids: None,
        })
        .collect();
    gpus.extend(missing);
    gpus
}
