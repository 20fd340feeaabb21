//! Single wrong bits, anywhere: each is found, with its address.

use super::{PATIENCE, SMALL, done, only, plan};
use crate::simulated::{Simulated, t4};
use gpucheck_checks::fact::{MemoryFault, MemoryTest, Pattern};
use serde_json::{Value, json};
use std::{collections::BTreeSet, thread, time::Instant};

/// Memory that is tested.
const BYTES: u64 = 64 << 20;
/// Bits that are wrong, each the only one while it is.
const BITS: usize = 100;
/// Words that are told one by one.
const TOLD: usize = 16;

/// Pseudo-random numbers that are the same in every run: xorshift of George Marsaglia's.
struct Numbers(u64);

impl Iterator for Numbers {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        Some(self.0)
    }
}

/// As many bits anywhere in the memory, by byte and number, no two in one word; among them its first and its last.
fn bits(many: usize) -> Vec<(u64, u8)> {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut words = BTreeSet::from([0, BYTES / 4 - 1]);
    while words.len() < many {
        words.extend(numbers.next().map(|number| number % (BYTES / 4)));
    }
    words
        .into_iter()
        .zip(numbers)
        .map(|(word, number)| (4 * word + number / 8 % 4, (number % 8) as u8))
        .collect()
}

/// What the memory test finds on a T4 that has this wrong with it.
fn tested(more: &Value, passes: &[(Pattern, u32)]) -> MemoryTest {
    let mut scenario = t4();
    scenario["gpus"][0]["bad_memory"] = more["bad_memory"].clone();
    scenario["faults"] = more["faults"].clone();
    let simulated = Simulated::new(&scenario);
    let (_, mut plan) = plan(&simulated, SMALL);
    plan.devices[0].most = Some(BYTES);
    plan.passes = passes.to_vec();
    let done = done(&simulated, &plan, PATIENCE);
    let memory = only(&done).memory.seen().unwrap_or_else(|| panic!("{done:#?}")).clone();
    assert_eq!((memory.bytes, memory.passes.len()), (BYTES, passes.len()));
    memory
}

/// Flips each of these bits after a pass of its own has written the memory, and returns the faults that are told.
fn flipped(bits: &[(u64, u8)]) -> Vec<MemoryFault> {
    let kinds =
        [Pattern::Address, Pattern::Inverse, Pattern::Random, Pattern::WalkingBit, Pattern::WalkingGap];
    let passes: Vec<_> = kinds.iter().cycle().copied().zip(0..).take(bits.len()).collect();
    // The products are two launches before, and each pass is two.
    let faults = bits.iter().zip(0..).map(|((byte, bit), i)| {
        json!({"call": "cuLaunchKernel", "nth": 3 + 2 * i, "do": {"bit_flip": {"byte": byte, "bit": bit}}})
    });
    let memory = tested(&json!({"bad_memory": [], "faults": faults.collect::<Vec<_>>()}), &passes);
    assert_eq!((memory.wrong, memory.faults.len()), (bits.len() as u64, bits.len()));
    let told: Vec<_> = memory.faults.iter().map(|fault| fault.pattern).collect();
    assert_eq!(told, passes.iter().map(|(pattern, _)| *pattern).collect::<Vec<_>>());
    memory.faults
}

#[test]
fn a_single_flipped_bit_is_found_with_its_address_wherever_it_is() {
    let start = Instant::now();
    let bits = bits(BITS);
    let faults = thread::scope(|scope| {
        let halves = bits
            .chunks(BITS / 2)
            .map(|half| scope.spawn(move || half.chunks(TOLD).flat_map(flipped).collect::<Vec<_>>()));
        let halves: Vec<_> = halves.collect();
        halves.into_iter().flat_map(|half| half.join().unwrap()).collect::<Vec<_>>()
    });
    let base = faults[0].address;
    assert!(base.is_multiple_of(256), "{base:#x}");
    let found = bits.iter().zip(&faults).filter(|((byte, bit), fault)| {
        let mask = 1_u32 << (8 * (byte % 4) + u64::from(*bit));
        fault.address == base + byte / 4 * 4 && fault.written ^ fault.read == mask
    });
    let found = found.count();
    println!("{found} of {} bits found in {} MiB, in {:?}", bits.len(), BYTES >> 20, start.elapsed());
    assert_eq!((found, faults.len()), (BITS, BITS));
}

#[test]
fn a_bit_that_never_changes_is_found_by_a_pattern_or_its_inverse() {
    // Memory begins behind the device's report, which is short.
    let stuck = |i: u64| (i * 0x3f_1234 + 0x1_0000, (i % 8) as u8, (i % 2) as u8);
    let bad: Vec<_> = (0..8)
        .map(stuck)
        .map(|(offset, bit, stuck)| json!({"offset": offset, "bit": bit, "stuck": stuck}))
        .collect();
    let both = [(Pattern::Address, 0), (Pattern::Inverse, 0)];
    let memory = tested(&json!({"bad_memory": bad, "faults": []}), &both);
    assert_eq!((memory.wrong, memory.faults.len()), (8, 8), "{memory:#?}");
    let mut faults = memory.faults;
    faults.sort_by_key(|fault| fault.address);
    let first = faults[0].address - stuck(0).0;
    for (fault, (offset, bit, value)) in faults.iter().zip((0..8).map(stuck)) {
        let mask = 1_u32 << (8 * (offset % 4) + u64::from(bit));
        assert_eq!(fault.address, first + offset / 4 * 4);
        assert_eq!((fault.written ^ fault.read, fault.read & mask != 0), (mask, value != 0), "{fault:x?}");
    }
}
