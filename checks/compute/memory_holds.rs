//! The GPU's memory holds what is written to it.
//!
//! # Meaning
//! A cell that does not keep what was written changes numbers of whatever program it belongs to, now and then, and no
//! program says so. Error correction finds such cells on cards that have it, while it is on.
//!
//! # Detection
//! Memory is filled with patterns (each word its own index, the complement, random words, a bit that walks) and read
//! again by the GPU. Usually that is a few hundred megabytes; `--deep` takes all that is free. Each word that differs is
//! told with its address, what was written, what was read, and the bits that flipped. A crash, a hang or an error of the
//! GPU meanwhile counts as a fault, for it has added vectors right before; a refusal for want of memory does not.
//!
//! # Fix
//! Take the machine out of use: stop (deallocate) and start it to take another host. On your own hardware turn
//! overclocking off, turn error correction on where the card has it, and test again.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/>, ComputationalRadiationPhysics/cuda_memtest

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who, at_work,
    fact::{Facts, MemoryFault, MemoryTest, Pattern, WorkDevice},
    readings::size,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Nvml, Source::Driver, Source::Work],
    needs: &["compute.adds_vectors"],
    severity: Severity::Unusable,
    who: Who::Platform,
    judge,
};

/// Faults that are told one by one.
const TOLD: usize = 4;

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    at_work::each_gpu(facts, |subject, device| Some(judge_device(facts, subject, device)))
}

fn judge_device(facts: &Facts, subject: Subject, device: &WorkDevice) -> Finding {
    let faulty = device.memory.seen().filter(|test| test.wrong > 0);
    if let Some(test) = faulty {
        return fault(subject, test);
    }
    if let Some(finding) = at_work::unfinished(facts, &subject, device, &device.memory) {
        return finding;
    }
    let covered = device.memory.seen().filter(|test| test.bytes > 0 && !test.passes.is_empty());
    let Some(test) = covered else { return Finding::unknown(subject, "no memory was tested") };
    let free = device.free.seen().map(|free| format!(" of {} free", size(*free))).unwrap_or_default();
    let passes = test.passes.len();
    let rounds = if device.rounds > 1 { format!(", {} times", device.rounds) } else { String::new() };
    let tested = size(test.bytes);
    Finding::pass(subject, format!("{tested}{free}, {passes} patterns{rounds}, every word came back"))
}

fn fault(subject: Subject, test: &MemoryTest) -> Finding {
    let words = test.wrong;
    let bits = test.faults.iter().fold(0, |bits, fault| bits | flipped(fault));
    let what = match (words, bits.count_ones()) {
        (1, 1) => "one bit of one word".to_owned(),
        (1, _) => "one word".to_owned(),
        (words, 1) if words == test.faults.len() as u64 => format!("the same bit of {words} words"),
        (words, _) => format!("{words} words"),
    };
    let finding = Finding::fail(subject, format!("{what} came back wrong, of {}", size(test.bytes)));
    let finding = test.faults.iter().take(TOLD).fold(finding, |finding, fault| finding.because(told(fault)));
    let told = test.faults.len().min(TOLD);
    let more = words.saturating_sub(told as u64);
    let alike = if bits.is_power_of_two() { "; all that are known differ in the same bit" } else { "" };
    if more > 0 { finding.because(format!("and {more} more{alike}")) } else { finding }
}

fn flipped(fault: &MemoryFault) -> u32 {
    fault.written ^ fault.read
}

fn told(fault: &MemoryFault) -> String {
    let MemoryFault { address, pattern, written, read } = fault;
    let bits = flipped(fault);
    let which = match bits.count_ones() {
        1 => format!("bit {}", bits.trailing_zeros()),
        many => format!("{many} bits"),
    };
    let pattern = match pattern {
        Pattern::Address => "each word its index",
        Pattern::Inverse => "each word its index, inverted",
        Pattern::Random => "random words",
        Pattern::WalkingBit => "a walking bit",
        Pattern::WalkingGap => "a walking gap",
    };
    format!(
        "at {address:#x} ({pattern}): wrote {written:#010x}, read {read:#010x}, {which} flipped ({bits:#010x})"
    )
}
