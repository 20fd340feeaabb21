//! GPUs watched for some time: a worker samples them and tells each sample as soon as it has it.
//!
//! Invariants: whatever becomes of the worker, what it told is kept; a watch can be ended at any time by ending the
//! worker; however long it lasts, no more than `SAMPLES` are kept of a GPU, spread over the whole time.

mod events;
mod sample;
mod used;

pub(super) use sample::count;
pub(crate) use sample::sample;

use crate::{
    child::Follower,
    worker::{Ask, Worker},
};
use gpucheck_checks::fact::{GpuLoad, GpuSample, GpuUse, Observed, PciAddress, ProbeFailure};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

/// What a worker calls this source.
pub(crate) const WATCH: &str = "nvml-watch";
/// Most samples that are kept of a GPU.
const SAMPLES: usize = 600;
/// Most Xids that are kept of a GPU.
const XIDS: usize = 64;
/// Longest watch for which no time is given.
const LONGEST: Duration = Duration::from_hours(8 * 24);

/// What the worker is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct WatchAsk {
    /// Where the library is, and what may be done with it.
    pub(crate) library: Ask,
    /// How long to sample, in milliseconds; none where that is until it is ended.
    pub(crate) time_ms: Option<u64>,
}

/// What the worker tells of a GPU, by its place among those that it told of.
#[derive(Debug, Serialize, Deserialize)]
struct Piece {
    gpu: usize,
    what: What,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum What {
    /// It is there, at this address.
    Gpu(PciAddress),
    /// A sample.
    Sample(GpuSample),
    /// It tells nothing any more.
    Lost(ProbeFailure),
    /// What its processes used, all in all.
    Used(Observed<Vec<GpuUse>>),
    /// It takes events, or does not any more.
    Listens(bool),
    /// An event.
    Xid(u32),
}

/// A watch: what was seen up to now, and the means to end it. Clones are of the same one.
#[derive(Clone, Debug, Default)]
pub struct Watch {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    gpus: Mutex<Vec<Kept>>,
    over: AtomicBool,
}

impl Watch {
    /// Ends it: [`watch`] returns soon, with what was seen.
    pub fn end(&self) {
        self.shared.over.store(true, Ordering::SeqCst);
    }

    /// What was seen up to now.
    pub fn so_far(&self) -> Vec<GpuLoad> {
        self.gpus().iter().map(|kept| kept.load.clone()).collect()
    }

    fn is_over(&self) -> bool {
        self.shared.over.load(Ordering::SeqCst)
    }

    fn gpus(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.shared.gpus.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self, Piece { gpu, what }: Piece) {
        let mut gpus = self.gpus();
        match (gpus.get_mut(gpu), what) {
            (None, What::Gpu(pci)) => gpus.push(Kept::new(pci)),
            (Some(kept), what) => kept.take(what),
            (None, _) => {}
        }
    }
}

/// Watches all GPUs that NVML opens, for this time, or until the watch is ended. The worker's deadline is the time that
/// it may let go by without telling anything.
pub fn watch(worker: &Worker, ask: &Ask, time: Option<Duration>, watch: &Watch) -> Observed<Vec<GpuLoad>> {
    if let Some(why) = &ask.hold_init {
        return Observed::not_probed(why.clone());
    }
    let patience = worker.deadline;
    // Beyond that time the watch is to be ended by who began it.
    let deadline = time.map_or(LONGEST, |time| time + patience * 2);
    let time_ms = time.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    let question = WatchAsk { library: ask.clone(), time_ms };
    let mut listener = Listener { watch, patience, heard: Instant::now() };
    let whole = Worker { program: worker.program.clone(), deadline };
    let ended: Observed<Observed<()>> =
        whole.ask_and_follow(WATCH, &question, (ask, super::MEMORY, Vec::new()), &mut listener);
    let why = match ended {
        Observed::Seen(Observed::Seen(())) => None,
        Observed::Seen(Observed::Failed(by) | Observed::Interrupted { by, .. }) => Some(by),
        Observed::Seen(Observed::NotProbed { why }) | Observed::NotProbed { why } => {
            return Observed::not_probed(why);
        }
        Observed::Failed(by) | Observed::Interrupted { by, .. } => listener.why(by),
    };
    conclude(watch.so_far(), why)
}

fn conclude(mut gpus: Vec<GpuLoad>, why: Option<ProbeFailure>) -> Observed<Vec<GpuLoad>> {
    let Some(by) = why else { return Observed::Seen(gpus) };
    if gpus.is_empty() {
        return Observed::Failed(by);
    }
    for gpu in &mut gpus {
        interrupt(&mut gpu.samples, &by);
    }
    Observed::Interrupted { seen: gpus, by }
}

/// What was seen before something happened; what had happened before stays.
fn interrupt<T: Default>(observed: &mut Observed<Vec<T>>, by: &ProbeFailure) {
    if let Observed::Seen(seen) = observed {
        let seen = std::mem::take(seen);
        *observed = Observed::Interrupted { seen, by: by.clone() };
    }
}

struct Listener<'a> {
    watch: &'a Watch,
    patience: Duration,
    heard: Instant,
}

impl Listener<'_> {
    fn is_silent(&self) -> bool {
        self.heard.elapsed() > self.patience
    }

    /// Why the worker has not come to its end; none where it was told not to.
    fn why(&self, by: ProbeFailure) -> Option<ProbeFailure> {
        let ProbeFailure::TimedOut { step, unkillable, .. } = by else { return Some(by) };
        let after_ms = u64::try_from(self.patience.as_millis()).unwrap_or(u64::MAX);
        let hung = self.is_silent() || unkillable || !self.watch.is_over();
        hung.then_some(ProbeFailure::TimedOut { after_ms, step, unkillable })
    }
}

impl Follower for Listener<'_> {
    fn piece(&mut self, piece: &RawValue) {
        self.heard = Instant::now();
        match serde_json::from_str(piece.get()) {
            Ok(piece) => self.watch.take(piece),
            Err(error) => tracing::debug!(%error, "a piece of a watch"),
        }
    }

    fn has_enough(&self) -> bool {
        self.watch.is_over() || self.is_silent()
    }
}

/// What is kept of a GPU.
#[derive(Debug)]
struct Kept {
    load: GpuLoad,
    /// One of so many samples is kept.
    every: usize,
    /// Samples since the last that was kept.
    since: usize,
}

impl Kept {
    fn new(pci: PciAddress) -> Self {
        let load = GpuLoad {
            pci,
            samples: Observed::Seen(Vec::new()),
            processes: Observed::not_probed("NVML was lost before"),
            xids: None,
        };
        Self { load, every: 1, since: 0 }
    }

    fn take(&mut self, what: What) {
        match what {
            What::Gpu(pci) => self.load.pci = pci,
            What::Sample(sample) => self.keep(sample),
            What::Lost(by) => interrupt(&mut self.load.samples, &by),
            What::Used(used) => self.load.processes = used,
            What::Listens(true) => self.load.xids = Some(Vec::new()),
            What::Listens(false) => self.load.xids = self.load.xids.take().filter(|xids| !xids.is_empty()),
            What::Xid(xid) => {
                if let Some(xids) = self.load.xids.as_mut().filter(|xids| xids.len() < XIDS) {
                    xids.push(xid);
                }
            }
        }
    }

    fn keep(&mut self, sample: GpuSample) {
        let Observed::Seen(samples) = &mut self.load.samples else { return };
        self.since += 1;
        if let Some(last) = samples.last_mut().filter(|_| self.since < self.every) {
            absorb(last, &sample);
            return;
        }
        self.since = 0;
        samples.push(sample);
        if samples.len() > SAMPLES {
            let all = std::mem::take(samples);
            for pair in all.chunks(2) {
                if let [first, rest @ ..] = pair {
                    let mut first = *first;
                    for next in rest {
                        absorb(&mut first, next);
                    }
                    samples.push(first);
                }
            }
            self.every *= 2;
        }
    }
}

/// A sample that is not kept leaves what is asked for less often.
fn absorb(kept: &mut GpuSample, sample: &GpuSample) {
    kept.sent_kbs = kept.sent_kbs.or(sample.sent_kbs);
    kept.received_kbs = kept.received_kbs.or(sample.received_kbs);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(gpu: usize, what: What) -> Piece {
        Piece { gpu, what }
    }

    fn started() -> Watch {
        let watch = Watch::default();
        watch.take(piece(0, What::Gpu(PciAddress::new("0001:00:00.0"))));
        watch
    }

    fn lost() -> ProbeFailure {
        ProbeFailure::Crashed { signal: 11, step: "nvmlDeviceGetPowerUsage".to_owned() }
    }

    #[test]
    fn a_long_watch_keeps_few_samples_of_the_whole_time() {
        let watch = started();
        for number in 0..10_000_u64 {
            // Asked for once a second.
            let sent_kbs = (number % 10 == 3).then_some(7);
            let sample = GpuSample { at_ms: number * 100, sent_kbs, ..GpuSample::default() };
            watch.take(piece(0, What::Sample(sample)));
        }
        let [gpu] = watch.so_far().try_into().unwrap();
        let samples = gpu.samples.seen().unwrap();
        assert!((SAMPLES / 2..=SAMPLES).contains(&samples.len()), "{}", samples.len());
        assert_eq!(samples.first().unwrap().at_ms, 0);
        assert!(samples.last().unwrap().at_ms > 990_000);
        let steps: Vec<u64> = samples.windows(2).map(|pair| pair[1].at_ms - pair[0].at_ms).collect();
        assert!(steps.iter().all(|step| step == &steps[0]), "{steps:?}");
        assert!(
            samples.iter().all(|sample| sample.sent_kbs == Some(7)),
            "each stands for more than a second"
        );
    }

    #[test]
    fn what_is_told_of_no_gpu_is_nothing() {
        let watch = Watch::default();
        watch.take(piece(3, What::Xid(79)));
        watch.take(piece(usize::MAX, What::Sample(GpuSample::default())));
        assert!(watch.so_far().is_empty());
    }

    #[test]
    fn a_lost_gpu_keeps_its_own_reason() {
        let watch = started();
        watch.take(piece(1, What::Gpu(PciAddress::new("0002:00:00.0"))));
        watch.take(piece(1, What::Lost(lost())));
        watch.take(piece(1, What::Sample(GpuSample::default())));
        let other = ProbeFailure::TimedOut { after_ms: 5000, step: "x".to_owned(), unkillable: false };
        let seen = conclude(watch.so_far(), Some(other.clone()));
        let gpus = seen.seen().unwrap();
        assert_eq!(gpus[0].samples.failure(), Some(&other));
        assert_eq!(gpus[1].samples, Observed::Interrupted { seen: Vec::new(), by: lost() });
        assert_eq!(conclude(Vec::new(), Some(lost())), Observed::Failed(lost()));
    }

    #[test]
    fn a_gpu_whose_events_are_refused_has_none() {
        let watch = started();
        assert_eq!(watch.so_far()[0].xids, None);
        watch.take(piece(0, What::Listens(true)));
        assert_eq!(watch.so_far()[0].xids, Some(Vec::new()));
        watch.take(piece(0, What::Listens(false)));
        assert_eq!(watch.so_far()[0].xids, None);
        watch.take(piece(0, What::Listens(true)));
        (0..1000).for_each(|_| watch.take(piece(0, What::Xid(13))));
        watch.take(piece(0, What::Listens(false)));
        assert_eq!(watch.so_far()[0].xids.as_ref().map(Vec::len), Some(XIDS));
    }
}
