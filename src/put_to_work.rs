//! GPUs put to work, and watched meanwhile; once more where what runs beside may have disturbed it.

use crate::{
    collect::{Options, worker},
    in_time::broken,
    probe::{
        cuda::work::{self, DevicePlan, Plan},
        nvml::{self, Watch, watch},
    },
    worker::Ask,
};
use gpucheck_checks::{
    Knowledge, Source,
    fact::{
        Facts, GpuLoad, Level, Load, Nvml, NvmlDevice, Observed, PciAddress, ProbeFailure, Transfer, Work,
        WorkDevice,
    },
};
use std::{
    thread,
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// `CUDA_ERROR_OUT_OF_MEMORY` and `CUDA_ERROR_DEVICE_UNAVAILABLE`: what may be because of another program.
const TAKEN: [i64; 2] = [2, 46];
/// `nvmlComputeMode_t`: exclusive thread, which is gone since CUDA 8, and exclusive process.
pub(crate) const EXCLUSIVE: [u32; 2] = [1, 3];

/// Whether the work may be done while Pythons are looked at: it takes little, and the GPUs let several programs in.
pub(crate) fn may_be_beside(options: &Options, facts: &Facts) -> bool {
    let lets_one_in =
        |device: &NvmlDevice| device.compute_mode.seen().is_some_and(|mode| EXCLUSIVE.contains(mode));
    options.work.level() == Level::Usual && !facts.nvml_devices().any(lets_one_in)
}

/// Puts to work what computed right.
pub(crate) fn put_to_work(options: &Options, ask: &Ask, facts: &mut Facts) {
    if options.sources.contains(&Source::Work) {
        let plan = plan(options, ask, facts);
        (facts.work, facts.load) = run(options, ask, facts, &plan);
    }
}

/// Does again what may have been disturbed by Pythons of ours, which have ended, and takes that for the answer.
pub(crate) fn work_again(options: &Options, ask: &Ask, facts: &mut Facts) {
    if !options.sources.contains(&Source::Work) || facts.pythons().next().is_none() {
        return;
    }
    let in_doubt = |device: &DevicePlan| {
        let done = facts.work.seen().into_iter().flat_map(|work| &work.devices);
        let mut done = done.filter(|done| done.ordinal == device.ordinal);
        done.next().is_none_or(|done| is_in_doubt(facts, done))
    };
    if work::plan(facts, options.work, 0).only(in_doubt).devices.is_empty() {
        return;
    }
    let plan = plan(options, ask, facts).only(in_doubt);
    if !plan.devices.is_empty() {
        let (again, load) = run(options, ask, facts, &plan);
        let first = std::mem::replace(&mut facts.work, Observed::not_probed("replaced"));
        facts.work = work::replace(first, again);
        facts.load = load;
    }
}

/// Where Pythons were looked at since NVML was asked, which takes minutes, somebody may have begun to compute.
fn plan(options: &Options, ask: &Ask, facts: &Facts) -> Plan {
    let plan = work::plan(facts, options.work, seed());
    if plan.devices.is_empty() || facts.pythons().next().is_none() {
        return plan;
    }
    match nvml::probe(&worker(options, nvml::DEADLINE), ask) {
        Observed::Seen(now) => {
            let facts = with_who_came(facts, &now, |pid| options.root.exists(&format!("/proc/{pid}")));
            work::plan(&facts, options.work, seed())
        }
        Observed::Failed(_) | Observed::Interrupted { .. } | Observed::NotProbed { .. } => plan,
    }
}

/// The facts with each device as it is now on which there is a process that is alive: those that are not may be our
/// Pythons, and so may be what kept it busy.
fn with_who_came(facts: &Facts, now: &Nvml, is_alive: impl Fn(u32) -> bool) -> Facts {
    let mut facts = facts.clone();
    let Observed::Seen(nvml) = &mut facts.nvml else { return facts };
    let Observed::Seen(devices) = &mut nvml.devices else { return facts };
    let come = now.devices.seen().into_iter().flatten().filter_map(Observed::seen);
    for new in come.filter(|new| new.processes().any(|process| is_alive(process.pid))) {
        let known = devices.iter_mut().find(|device| device.seen().is_some_and(|old| old.index == new.index));
        if let Some(known) = known {
            *known = Observed::Seen(new.clone());
        }
    }
    facts
}

/// Another one in every run, so that in time every word has had every value.
fn seed() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.subsec_nanos() ^ std::process::id().rotate_left(16)
}

fn run(options: &Options, ask: &Ask, facts: &Facts, plan: &Plan) -> (Observed<Work>, Observed<Load>) {
    let of = |ordinal: i32| facts.cuda_devices().find(move |device| device.ordinal == ordinal);
    let bytes = plan.devices.iter().filter_map(|device| of(device.ordinal)?.memory.seen().copied()).sum();
    let name = |ordinal: i32| {
        let pci = of(ordinal).and_then(|device| device.pci.seen());
        pci.map_or_else(|| ordinal.to_string(), PciAddress::to_string)
    };
    let hear = |progress: crate::child::Progress| options.progress.work(&name(progress.device), progress);
    let work = || work::probe(&worker(options, plan.deadline(bytes)), ask, plan, &hear);
    // What is not timed has nothing to explain.
    let is_timed = plan.devices.iter().any(|device| device.untimed.is_none());
    let done = if is_timed && facts.nvml.seen().is_some() {
        watched(options, ask, work)
    } else {
        (work(), Observed::not_probed("nothing was timed that it could explain"))
    };
    options.progress.work_is_done();
    done
}

/// Works while the GPUs are watched: what slows one down shows under load alone.
fn watched(
    options: &Options,
    ask: &Ask,
    work: impl FnOnce() -> Observed<Work>,
) -> (Observed<Work>, Observed<Load>) {
    let start = Instant::now();
    let shared = Watch::default();
    let (done, gpus) = thread::scope(|scope| {
        let watching = scope.spawn(|| watch(&worker(options, nvml::DEADLINE), ask, None, &shared));
        let done = work();
        shared.end();
        (done, watching.join().unwrap_or_else(|_| broken()))
    });
    (done, gpus_alone(gpus, start))
}

/// The load of GPUs, where nobody watched the host.
fn gpus_alone(gpus: Observed<Vec<GpuLoad>>, start: Instant) -> Observed<Load> {
    let load = |gpus| Load {
        lasted_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX),
        asked: None,
        gpus,
        host: Observed::not_probed("GPUs alone were watched, while they worked"),
        compiled: None,
    };
    match gpus {
        // How a watch ended is said by each GPU of it.
        Observed::Seen(gpus) | Observed::Interrupted { seen: gpus, .. } => Observed::Seen(load(gpus)),
        Observed::Failed(by) => Observed::not_probed(by.to_string()),
        Observed::NotProbed { why } => Observed::NotProbed { why },
    }
}

/// Whether what a device did may say more of what ran beside than of the device. What is wrong is no such thing.
fn is_in_doubt(facts: &Facts, device: &WorkDevice) -> bool {
    !is_wrong(device) && (was_refused(device) || is_slow(facts, device))
}

fn is_wrong(device: &WorkDevice) -> bool {
    let products = [&device.integer_product, &device.float_product];
    let copies = [&device.copy, &device.upload, &device.download];
    products.iter().filter_map(|product| product.seen()).any(|product| product.wrong > 0)
        || device.memory.seen().is_some_and(|memory| memory.wrong > 0)
        || copies.iter().filter_map(|copy| copy.seen()).any(|copy| copy.wrong > 0)
        || device.arithmetic.seen().is_some_and(|done| done.wrong > 0)
}

fn was_refused(device: &WorkDevice) -> bool {
    let failures: [Option<&ProbeFailure>; 8] = [
        device.free.failure(),
        device.integer_product.failure(),
        device.float_product.failure(),
        device.memory.failure(),
        device.copy.failure(),
        device.upload.failure(),
        device.download.failure(),
        device.arithmetic.failure(),
    ];
    failures.into_iter().flatten().any(|by| by.refusal_code().is_some_and(|code| TAKEN.contains(&code)))
}

/// Whether memory, the link to the host or the arithmetic units did so little that a check might say so: the bars of
/// speeds.toml are at 60 percent, and at 50 for arithmetic.
fn is_slow(facts: &Facts, device: &WorkDevice) -> bool {
    let Ok(knowledge) = Knowledge::built_in() else { return false };
    let nvml = device.pci.as_ref().and_then(|pci| facts.nvml_device(pci));
    let link = nvml.and_then(|nvml| link(nvml, &knowledge));
    let copied = |copy: &Observed<Transfer>, times: u64| {
        let copy = copy.seen()?;
        rate(copy.bytes.saturating_mul(times), copy.device_us)
    };
    let computed = device.arithmetic.seen().and_then(|done| rate(done.operations, done.device_us));
    let is_below = |reached: Option<u64>, most: Option<u64>| {
        reached.zip(most).is_some_and(|(reached, most)| reached < most / 8 * 5)
    };
    // A copy within memory reads and writes every byte.
    is_below(copied(&device.copy, 2), memory(device))
        || is_below(copied(&device.upload, 1), link)
        || is_below(copied(&device.download, 1), link)
        || is_below(computed, arithmetic(facts, device, &knowledge))
}

/// What its memory can carry, in bytes a second: twice a cycle.
fn memory(device: &WorkDevice) -> Option<u64> {
    let made_of = device.made_of.seen()?;
    let bytes = u64::from(made_of.memory_bus_width / 8) * u64::from(made_of.memory_clock_khz);
    Some(bytes.saturating_mul(2000))
}

/// What its link to the host can carry, in bytes a second each way.
fn link(device: &NvmlDevice, knowledge: &Knowledge) -> Option<u64> {
    let lane = knowledge.lane_mbs(*device.link.generation_max.seen()?)?;
    Some((lane * 1_000_000).saturating_mul(u64::from(*device.link.width.seen()?)))
}

/// What code like ours can get of its arithmetic units, in operations a second.
fn arithmetic(facts: &Facts, device: &WorkDevice, knowledge: &Knowledge) -> Option<u64> {
    let cuda = facts.cuda_devices().find(|cuda| cuda.ordinal == device.ordinal)?;
    let capability = *cuda.compute_capability.seen()?;
    let cores = u64::from(knowledge.cores_per_multiprocessor(capability)?);
    let made_of = device.made_of.seen()?;
    let cycles = u64::from(made_of.multiprocessors).saturating_mul(u64::from(made_of.clock_khz));
    // A thousand cycles a kHz, two operations each, of a hundred percent.
    Some(cycles.saturating_mul(cores * knowledge.most_of_cores(capability) * 20))
}

/// So much a second; none where no time was taken.
fn rate(amount: u64, device_us: u64) -> Option<u64> {
    let rate = (u128::from(amount) * 1_000_000).checked_div(u128::from(device_us))?;
    Some(u64::try_from(rate).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpucheck_checks::fact::{Arithmetic, MadeOf, MemoryTest, Product};

    const MACHINE: &str = include_str!("../tests/machines/t4-535/machine.json");

    fn facts() -> Facts {
        let machine: serde_json::Value = serde_json::from_str(MACHINE).unwrap();
        serde_json::from_value(machine["facts"].clone()).unwrap()
    }

    fn copy(gigabytes_a_second: u64) -> Observed<Transfer> {
        Observed::Seen(Transfer { bytes: gigabytes_a_second * 1_000_000, device_us: 1000, wrong: 0 })
    }

    /// A T4: 320 GB/s, and 16 lanes of the third generation.
    fn device() -> WorkDevice {
        fn none<T>() -> Observed<T> {
            Observed::not_probed("test")
        }
        let made_of = MadeOf {
            multiprocessors: 40,
            clock_khz: 1_590_000,
            memory_clock_khz: 5_001_000,
            memory_bus_width: 256,
        };
        WorkDevice {
            ordinal: 0,
            pci: facts().cuda_devices().next().unwrap().pci.seen().cloned(),
            free: Observed::Seen(15 << 30),
            made_of: Observed::Seen(made_of),
            stepped_back: None,
            integer_product: none(),
            float_product: none(),
            memory: none(),
            copy: copy(120),
            upload: copy(11),
            download: copy(11),
            arithmetic: none(),
            rounds: 1,
            steps: Vec::new(),
        }
    }

    #[test]
    fn what_comes_near_its_limit_is_not_in_doubt() {
        assert!(!is_in_doubt(&facts(), &device()));
        // 190 of 320 GB/s, which is below the bar.
        assert!(is_in_doubt(&facts(), &WorkDevice { copy: copy(95), ..device() }));
        assert!(is_in_doubt(&facts(), &WorkDevice { upload: copy(9), ..device() }));
        let untold = Observed::not_probed("test");
        assert!(!is_in_doubt(&facts(), &WorkDevice { copy: copy(95), made_of: untold, ..device() }));
    }

    #[test]
    fn arithmetic_beside_somebody_elses_is_in_doubt() {
        // Of 8.1 TFLOPS.
        let computed = |gflops: u64| {
            let done = Arithmetic { operations: gflops * 1_000_000, device_us: 1000, wrong: 0 };
            is_in_doubt(&facts(), &WorkDevice { arithmetic: Observed::Seen(done), ..device() })
        };
        assert_eq!([computed(4_000), computed(6_500)], [true, false]);
    }

    #[test]
    fn who_came_while_pythons_were_looked_at_is_stepped_back_from() {
        let first = facts();
        let now = |pid: u32| {
            let mut now = serde_json::to_value(first.nvml.seen().unwrap()).unwrap();
            let device = now.pointer_mut("/devices/seen/0/seen").unwrap();
            device["utilization"] = serde_json::json!({"seen": [97, 0]});
            let process = serde_json::json!({"pid": pid, "memory": null, "name": null});
            device["compute_processes"] = serde_json::json!({"seen": [process]});
            let now: Nvml = serde_json::from_value(now).unwrap();
            let facts = with_who_came(&first, &now, |pid| pid == 1);
            work::plan(&facts, work::Wish::default(), 7).devices[0].untimed.clone()
        };
        assert_eq!(now(1).as_deref(), Some("another program is at work on it, which is 97 % busy"));
        assert_eq!(now(2), None);
    }

    #[test]
    fn memory_that_was_refused_is_in_doubt_and_what_is_wrong_is_not() {
        for (code, in_doubt) in [(2, true), (46, true), (719, false)] {
            let refused = Observed::refused("cuMemAlloc_v2", code, "x", "");
            assert_eq!(
                is_in_doubt(&facts(), &WorkDevice { memory: refused, ..device() }),
                in_doubt,
                "{code}"
            );
        }
        let wrong = MemoryTest { bytes: 1, passes: Vec::new(), wrong: 1, faults: Vec::new() };
        let slow = WorkDevice { copy: copy(1), memory: Observed::Seen(wrong), ..device() };
        assert!(!is_in_doubt(&facts(), &slow));
        let wrong = Product { size: 64, wrong: 1, first_wrong: None, device_us: 1 };
        let slow = WorkDevice { copy: copy(1), float_product: Observed::Seen(wrong), ..device() };
        assert!(!is_in_doubt(&facts(), &slow));
    }
}
