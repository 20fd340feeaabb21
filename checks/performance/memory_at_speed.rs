//! The GPU's memory is as fast as its clock and its bus allow.
//!
//! # Meaning
//! Most of what a network does waits for the GPU's memory. A card that is hot, whose clocks somebody lowered or whose
//! memory is failing reads and writes it at a fraction of its speed, and programs see no error.
//!
//! # Detection
//! A copy within the GPU's memory, timed by the GPU itself; each byte is read and written. The limit is NVML's width of
//! the bus times its greatest memory clock times two, else the same by CUDA's attributes, beside the bandwidth that NVIDIA
//! names for the model. A MIG instance has its part of it. Below 60 % is a finding, with the reason where NVML shows one;
//! below 48 % where error correction is on and lies in the same memory, as it does in all but HBM.
//! A virtual GPU is not judged: the hypervisor shares the card.
//!
//! # Fix
//! By the reason: cool the card, set clocks and power back. Where none shows, stop (deallocate) and start the machine to
//! take another host.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html>, NVIDIA/DCGM nvvs/diag-skus.yaml.in

use crate::{
    Bar, Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who, at_work,
    fact::{Facts, MemoryTest, NvmlDevice, Pass, PciAddress, WorkDevice},
    readings,
    speed::{Signs, Speed, Unit, per_second},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Pci, Source::Nvml, Source::Driver, Source::Work, Source::Load],
    needs: &["nvml.sees_gpu", "compute.copies_memory"],
    severity: Severity::Degraded,
    who: Who::Platform,
    judge,
};

fn judge(facts: &Facts, knowledge: &Knowledge) -> Judged {
    at_work::each_measured(facts, |subject, done| {
        at_work::measured(facts, subject, &done.copy, |gpu, nvml, copy| {
            let subject = Subject::Gpu(gpu.clone());
            let now = per_second(copy.bytes.saturating_mul(2), copy.device_us)?;
            let limits = limits(facts, knowledge, (gpu, nvml, done))?;
            let least = limits.iter().map(|limit| limit.mbs).min().unwrap_or(0);
            let most = limits.iter().map(|limit| limit.mbs).max().unwrap_or(0);
            let speed = Speed { now, limit: least, most, unit: Unit::Bytes };
            let corrects = corrects_within(facts, knowledge, (gpu, nvml, done));
            let bar = if corrects { Bar::MemoryThatCorrects } else { Bar::Memory };
            let finding = speed.judge(subject.clone(), knowledge.bar(bar));
            let finding = limits.iter().fold(finding, |finding, limit| finding.because(limit.words.clone()));
            let tested = done.memory.seen().and_then(tested);
            let finding = tested.into_iter().fold(finding, Finding::because);
            if finding.verdict != Verdict::Warn {
                return Ok(finding);
            }
            let signs = Signs::of(facts, gpu, nvml);
            if let Some(other) = signs.another_program() {
                return Ok(Finding::unknown(subject, format!("{}, and {other}", finding.summary)));
            }
            let corrects =
                if corrects { "error correction is on, which takes some of it on this card" } else { "" };
            Ok(signs.explain(finding).because(corrects).run("nvidia-smi -q -d PERFORMANCE,CLOCK,TEMPERATURE"))
        })
    })
}

/// Width of a bus from which on memory is HBM, in bits: it keeps the bits of error correction aside.
const HBM: u32 = 1024;

/// Whether error correction is on, and takes of the bandwidth.
fn corrects_within(
    facts: &Facts,
    knowledge: &Knowledge,
    (gpu, nvml, done): (&PciAddress, &NvmlDevice, &WorkDevice),
) -> bool {
    let model = facts.gpus().find(|function| function.address == *gpu);
    let told = || done.made_of.seen().map(|made_of| made_of.memory_bus_width);
    let named = || knowledge.gpu(model?.device)?.bus_width;
    let width = nvml.memory_bus_width.seen().copied().or_else(told).or_else(named);
    matches!(nvml.ecc.mode.seen(), Some((true, _))) && width.is_some_and(|bits| bits < HBM)
}

/// What the memory can do at the most, in MB/s, and who says so.
struct Limit {
    mbs: u64,
    words: String,
}

/// What each source of a limit says of this card, or of its MIG instance.
fn limits(
    facts: &Facts,
    knowledge: &Knowledge,
    (gpu, nvml, done): (&PciAddress, &NvmlDevice, &WorkDevice),
) -> Result<Vec<Limit>, String> {
    let model = facts.gpus().find(|function| function.address == *gpu);
    let model = model.and_then(|function| knowledge.gpu(function.device));
    let told = nvml.memory_bus_width.seen().copied().zip(nvml.clocks.memory_max.seen().copied());
    let told = told.and_then(|(bits, mhz)| by_bus("NVML", bits, mhz));
    let of_whole = |done: &WorkDevice| {
        let made_of = done.made_of.seen().filter(|_| !nvml.has_mig())?;
        by_bus("CUDA", made_of.memory_bus_width, made_of.memory_clock_khz / 1000)
    };
    let own = told.or_else(|| of_whole(done));
    let named = model.and_then(|model| Some((model, u64::from(model.bandwidth_gbs?))));
    let named = named.map(|(model, gbs)| Limit {
        mbs: gbs * 1000,
        words: format!("{gbs} GB/s by the data sheet of the {}", model.name),
    });
    let whole: Vec<Limit> = own.into_iter().chain(named).collect();
    if whole.is_empty() {
        return Err("neither NVML nor CUDA tells bus and clock of its memory".to_owned());
    }
    if !nvml.has_mig() {
        return Ok(whole);
    }
    let cuda = facts.cuda_devices().find(|cuda| cuda.ordinal == done.ordinal);
    let part = cuda.and_then(|cuda| cuda.memory.seen().copied());
    let all = nvml.memory.seen().map(|memory| memory.total);
    let all = all.or_else(|| model.map(|model| u64::from(model.memory_gib) << 30));
    let Some((part, all)) = part.zip(all).filter(|(part, all)| (1..=*all).contains(part)) else {
        return Err("which part of the card the MIG instance is was not told".to_owned());
    };
    let scaled = |limit: Limit| {
        let mbs = u128::from(limit.mbs) * u128::from(part) / u128::from(all);
        let words = format!(
            "{}, of which the MIG instance has {} of {}",
            limit.words,
            readings::size(part),
            readings::size(all)
        );
        Limit { mbs: u64::try_from(mbs).unwrap_or(u64::MAX), words }
    };
    Ok(whole.into_iter().map(scaled).collect())
}

/// Bits times clock, twice a cycle; none where the numbers are none that a card has.
fn by_bus(who: &str, bits: u32, mhz: u32) -> Option<Limit> {
    let possible = (32..=16_384).contains(&bits) && (50..20_000).contains(&mhz);
    let mbs = u64::from(bits) * u64::from(mhz) / 4;
    let words = format!("{} by {who}: {bits} bits at {mhz} MHz, twice a cycle", Unit::Bytes.words(mbs));
    possible.then_some(Limit { mbs, words })
}

/// How fast memory was written and read while it was tested, at the mean of all passes.
fn tested(test: &MemoryTest) -> Option<String> {
    let passes = u64::try_from(test.passes.len()).ok().filter(|passes| *passes > 0)?;
    let bytes = test.bytes.saturating_mul(passes);
    let sum = |of: fn(&Pass) -> u64| test.passes.iter().map(of).fold(0, u64::saturating_add);
    let written = per_second(bytes, sum(|pass| pass.write_us)).ok()?;
    let read = per_second(bytes, sum(|pass| pass.check_us)).ok()?;
    let words = |mbs| Unit::Bytes.words(mbs);
    Some(format!("while it was tested it was written at {} and read at {}", words(written), words(read)))
}
