//! GPUs put to work, and once more where what runs beside may have disturbed it.

use crate::{
    collect::{Options, worker},
    probe::cuda::work::{self, Plan},
    worker::Ask,
};
use gpucheck_checks::{
    Source,
    fact::{Facts, Level, NvmlDevice, Observed, PciAddress, ProbeFailure, Transfer, Work, WorkDevice},
};
use std::time::{SystemTime, UNIX_EPOCH};

/// `CUDA_ERROR_OUT_OF_MEMORY` and `CUDA_ERROR_DEVICE_UNAVAILABLE`: what may be because of another program.
const TAKEN: [i64; 2] = [2, 46];
/// `nvmlComputeMode_t`: exclusive thread, which is gone since CUDA 8, and exclusive process.
pub(crate) const EXCLUSIVE: [u32; 2] = [1, 3];
/// Bytes a second of a lane of PCI Express, by generation.
const LANE: [u64; 6] = [250_000_000, 500_000_000, 985_000_000, 1_969_000_000, 3_938_000_000, 7_563_000_000];

/// Whether the work may be done while Pythons are looked at: it takes little, and the GPUs let several programs in.
pub(crate) fn may_be_beside(options: &Options, facts: &Facts) -> bool {
    let lets_one_in =
        |device: &NvmlDevice| device.compute_mode.seen().is_some_and(|mode| EXCLUSIVE.contains(mode));
    options.work.level() == Level::Usual && !facts.nvml_devices().any(lets_one_in)
}

/// Puts to work what computed right.
pub(crate) fn put_to_work(options: &Options, ask: &Ask, facts: &Facts) -> Observed<Work> {
    if !options.sources.contains(&Source::Work) {
        return Observed::not_probed("no check that was asked for reads it");
    }
    run(options, ask, facts, &plan(options, facts))
}

/// Does again what may have been disturbed by Pythons of ours, which have ended, and takes that for the answer.
pub(crate) fn work_again(options: &Options, ask: &Ask, facts: &mut Facts) {
    if !options.sources.contains(&Source::Work) || facts.pythons().next().is_none() {
        return;
    }
    let plan = plan(options, facts).only(|device| {
        let done = facts.work.seen().into_iter().flat_map(|work| &work.devices);
        let mut done = done.filter(|done| done.ordinal == device.ordinal);
        done.next().is_none_or(|done| is_in_doubt(facts, done))
    });
    if !plan.devices.is_empty() {
        let again = run(options, ask, facts, &plan);
        let first = std::mem::replace(&mut facts.work, Observed::not_probed("replaced"));
        facts.work = work::replace(first, again);
    }
}

fn plan(options: &Options, facts: &Facts) -> Plan {
    work::plan(facts, options.work, seed())
}

/// Another one in every run, so that in time every word has had every value.
fn seed() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.subsec_nanos() ^ std::process::id().rotate_left(16)
}

fn run(options: &Options, ask: &Ask, facts: &Facts, plan: &Plan) -> Observed<Work> {
    let of = |ordinal: i32| facts.cuda_devices().find(move |device| device.ordinal == ordinal);
    let bytes = plan.devices.iter().filter_map(|device| of(device.ordinal)?.memory.seen().copied()).sum();
    let name = |ordinal: i32| {
        let pci = of(ordinal).and_then(|device| device.pci.seen());
        pci.map_or_else(|| ordinal.to_string(), PciAddress::to_string)
    };
    let hear = |progress: crate::child::Progress| options.progress.work(&name(progress.device), progress);
    let done = work::probe(&worker(options, plan.deadline(bytes)), ask, plan, &hear);
    options.progress.work_is_done();
    done
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

/// Whether memory or the link to the host did less than half of what they are made for. What arithmetic units are made for
/// no attribute says.
fn is_slow(facts: &Facts, device: &WorkDevice) -> bool {
    let memory = device.made_of.seen().map(|made_of| {
        u64::from(made_of.memory_bus_width) / 8 * u64::from(made_of.memory_clock_khz) * 1000 * 2
    });
    let link = device.pci.as_ref().and_then(|pci| facts.nvml_device(pci)).and_then(link);
    let is_below = |copy: &Observed<Transfer>, times: u64, most: Option<u64>| {
        let reached = copy.seen().filter(|copy| copy.device_us > 0).map(|copy| rate(copy, times));
        reached.zip(most).is_some_and(|(reached, most)| reached < most / 2)
    };
    // A copy within memory reads and writes every byte.
    is_below(&device.copy, 2, memory)
        || is_below(&device.upload, 1, link)
        || is_below(&device.download, 1, link)
}

/// Bytes a second.
fn rate(copy: &Transfer, times: u64) -> u64 {
    let rate = u128::from(copy.bytes) * u128::from(times) * 1_000_000 / u128::from(copy.device_us.max(1));
    u64::try_from(rate).unwrap_or(u64::MAX)
}

fn link(device: &NvmlDevice) -> Option<u64> {
    let generation = usize::try_from(*device.link.generation_max.seen()?).ok()?;
    let lane = LANE.get(generation.checked_sub(1)?)?;
    Some(lane * u64::from(*device.link.width.seen()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpucheck_checks::fact::{MadeOf, MemoryTest, Product};

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
    fn what_reaches_half_of_its_limit_is_not_in_doubt() {
        assert!(!is_in_doubt(&facts(), &device()));
        assert!(is_in_doubt(&facts(), &WorkDevice { copy: copy(79), ..device() }));
        assert!(is_in_doubt(&facts(), &WorkDevice { upload: copy(6), ..device() }));
        let untold = Observed::not_probed("test");
        assert!(!is_in_doubt(&facts(), &WorkDevice { copy: copy(79), made_of: untold, ..device() }));
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
