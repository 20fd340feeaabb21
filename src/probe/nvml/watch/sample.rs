//! The worker's side: each GPU ten times a second, and what is dear more seldom.

use super::{Piece, WatchAsk, What, events::Events, used::Used};
use crate::{
    child::Trail,
    probe::{
        library,
        nvml::{
            SONAME,
            asked::{Asked, failure, read},
            device, look,
        },
    },
};
use gpucheck_checks::fact::{GpuSample, Observed, ProbeFailure};
use nvml_wrapper::Nvml as Library;
use nvml_wrapper_sys::bindings::{NvmlLib, nvmlDevice_t};
use std::{
    ffi::OsStr,
    thread,
    time::{Duration, Instant},
};

/// From one sample to the next.
const EVERY: Duration = Duration::from_millis(100);
/// Samples from one look at the link's traffic to the next: NVML measures it for 20 ms each way.
const TRAFFIC: usize = 10;
/// Samples from one look at what processes used to the next.
const USED: usize = 5;
/// `nvmlClockType_t`: multiprocessors, memory.
const CLOCK: [u32; 2] = [1, 2];
/// `nvmlTemperatureSensors_t`: the chip.
const TEMPERATURE_GPU: u32 = 0;
/// `nvmlPcieUtilCounter_t`: what the GPU sends, what it receives.
const COUNTER: [u32; 2] = [0, 1];

/// A GPU that is sampled.
pub(super) struct Gpu {
    pub(super) handle: nvmlDevice_t,
    used: Used,
    lost: bool,
}

/// Samples every GPU in this process, until the time is up or the process is ended.
pub(crate) fn sample(ask: &WatchAsk, trail: &mut Trail) -> Observed<()> {
    match start(ask, trail) {
        Ok(library) => {
            let sampled = sample_all(library.lib(), ask.time_ms.map(Duration::from_millis), trail);
            trail.step("nvmlShutdown");
            if let Err(error) = library.shutdown() {
                tracing::debug!(%error, "nvmlShutdown");
            }
            sampled.into()
        }
        Err(by) => Observed::Failed(by),
    }
}

fn start(ask: &WatchAsk, trail: &mut Trail) -> Result<Library, ProbeFailure> {
    trail.step(&format!("dlopen {SONAME}"));
    let opened = library::open(SONAME, &ask.library.search)?;
    trail.step("nvmlInit_v2");
    let library = Library::builder().lib_path(OsStr::new(&opened.path)).init();
    library.map_err(|error| failure("nvmlInit_v2", error))
}

fn sample_all(lib: &NvmlLib, time: Option<Duration>, trail: &mut Trail) -> Result<(), ProbeFailure> {
    let mut gpus = open(lib, trail)?;
    let handles: Vec<nvmlDevice_t> = gpus.iter().map(|gpu| gpu.handle).collect();
    let mut events = Events::of(lib, &handles, trail);
    let start = Instant::now();
    for tick in 0_usize.. {
        let at = start.elapsed();
        for (place, gpu) in gpus.iter_mut().enumerate() {
            let mut asked = Asked { lib, handle: gpu.handle, trail: &mut *trail };
            look_at(gpu, place, tick, at, &mut asked);
        }
        events.tell(lib, &handles, trail);
        if time.is_some_and(|time| at >= time) || gpus.iter().all(|gpu| gpu.lost) {
            break;
        }
        // Late for one sample, it leaves out those that it has missed.
        let next = start.elapsed().as_millis() / EVERY.as_millis() + 1;
        let next = EVERY * u32::try_from(next).unwrap_or(u32::MAX);
        thread::sleep(next.saturating_sub(start.elapsed()));
    }
    events.end(lib, trail);
    Ok(())
}

/// The GPUs that open and say where they sit.
fn open(lib: &NvmlLib, trail: &mut Trail) -> Result<Vec<Gpu>, ProbeFailure> {
    let mut gpus = Vec::new();
    for index in 0..count(lib, trail)? {
        let Ok(mut asked) = look::open(lib, index, trail) else { continue };
        if let (Observed::Seen(pci), _) = device::pci(&mut asked) {
            let handle = asked.handle;
            trail.piece(&Piece { gpu: gpus.len(), what: What::Gpu(pci) });
            gpus.push(Gpu { handle, used: Used::default(), lost: false });
        }
    }
    Ok(gpus)
}

/// How many GPUs the library counts.
pub(in crate::probe::nvml) fn count(lib: &NvmlLib, trail: &mut Trail) -> Result<u32, ProbeFailure> {
    let mut count = 0;
    let mut asked = Asked { lib, handle: std::ptr::null_mut(), trail };
    asked.call("nvmlDeviceGetCount_v2", &lib.nvmlDeviceGetCount_v2, |get, _| {
        // SAFETY: nvml.h declares this signature, and `count` outlives the call.
        unsafe { get(&raw mut count) }
    })?;
    Ok(count)
}

fn look_at(gpu: &mut Gpu, place: usize, tick: usize, at: Duration, asked: &mut Asked<'_>) {
    if gpu.lost {
        return;
    }
    // GPUs take turns, so that no sample waits for the traffic of all.
    let has_turn = |every: usize| tick % every == place % every;
    let mut sampled = read_sample(asked);
    if let Ok(sample) = &mut sampled {
        sample.at_ms = u64::try_from(at.as_millis()).unwrap_or(u64::MAX);
        if has_turn(TRAFFIC) {
            let [sent, received] = COUNTER;
            sample.sent_kbs = read!(asked, value_of, nvmlDeviceGetPcieThroughput, sent).ok();
            sample.received_kbs = read!(asked, value_of, nvmlDeviceGetPcieThroughput, received).ok();
        }
    }
    gpu.lost = sampled.is_err();
    let what = sampled.map_or_else(What::Lost, What::Sample);
    asked.trail.piece(&Piece { gpu: place, what });
    if !gpu.lost && has_turn(USED) {
        gpu.used.ask(asked);
        asked.trail.piece(&Piece { gpu: place, what: What::Used(gpu.used.told()) });
    }
}

/// What a GPU tells now. One that tells nothing at all is lost, for the reason that it gives first.
fn read_sample(asked: &mut Asked<'_>) -> Result<GpuSample, ProbeFailure> {
    let [sm, memory] = CLOCK;
    let mut first = None;
    let activity = heard(device::utilization(asked), &mut first);
    let sample = GpuSample {
        at_ms: 0,
        activity: activity.map(|(activity, _)| activity),
        memory_activity: activity.map(|(_, memory)| memory),
        memory_used: heard(device::memory(asked), &mut first).map(|memory| memory.used),
        sm_mhz: heard(read!(asked, value_of, nvmlDeviceGetClockInfo, sm), &mut first),
        memory_mhz: heard(read!(asked, value_of, nvmlDeviceGetClockInfo, memory), &mut first),
        reasons: heard(device::clock_event_reasons(asked), &mut first),
        temperature: heard(read!(asked, value_of, nvmlDeviceGetTemperature, TEMPERATURE_GPU), &mut first),
        power_mw: heard(read!(asked, value, nvmlDeviceGetPowerUsage), &mut first),
        link_generation: heard(read!(asked, value, nvmlDeviceGetCurrPcieLinkGeneration), &mut first),
        link_width: heard(read!(asked, value, nvmlDeviceGetCurrPcieLinkWidth), &mut first),
        sent_kbs: None,
        received_kbs: None,
    };
    match first {
        Some(by) if sample == GpuSample::default() => Err(by),
        Some(_) | None => Ok(sample),
    }
}

fn heard<T>(told: Result<T, ProbeFailure>, first: &mut Option<ProbeFailure>) -> Option<T> {
    told.map_err(|by| first.get_or_insert(by)).ok()
}
