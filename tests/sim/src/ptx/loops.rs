//! Loops that touch no memory: what they leave follows from the registers that they begin with, so that it is computed
//! once for all blocks that begin with the same. A kernel that keeps the arithmetic units busy is such a loop.
//!
//! Invariant: only a loop that all threads of a block go round together, from its first instruction to its end, is
//! remembered.

use super::{Instruction, Operation, Register};
use std::collections::BTreeMap;

/// A loop: its last instruction, which jumps back; what it reads of before it began; what it writes.
#[derive(Debug)]
pub(super) struct Loop {
    end: usize,
    reads: Vec<Register>,
    writes: Vec<Register>,
}

/// The loops of a kernel by their first instruction.
pub(super) fn find(code: &[Instruction]) -> BTreeMap<usize, Loop> {
    let mut loops = BTreeMap::new();
    for (end, instruction) in code.iter().enumerate() {
        if let (Operation::Branch(start), Some((guard, _))) = (&instruction.operation, instruction.guard)
            && let Some(body) = code.get(*start..end)
            && let Some(found) = without_memory(body, guard, end)
        {
            loops.entry(*start).or_insert(found);
        }
    }
    loops
}

fn without_memory(body: &[Instruction], guard: Register, end: usize) -> Option<Loop> {
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    let mut read = |register: Register, writes: &[Register]| {
        if !writes.contains(&register) && !reads.contains(&register) {
            reads.push(register);
        }
    };
    for instruction in body {
        let (Operation::Compute { to, from, .. }, None) = (&instruction.operation, instruction.guard) else {
            return None;
        };
        for from in from {
            read(*from, &writes);
        }
        if !writes.contains(to) {
            writes.push(*to);
        }
    }
    read(guard, &writes);
    Some(Loop { end, reads, writes })
}

/// What is known of a kernel's loops.
#[derive(Default)]
pub(super) struct Known {
    /// By the first instruction.
    loops: BTreeMap<usize, Rounds>,
    /// The loop that is gone round, and what it began with.
    begun: Option<(usize, Rounds)>,
}

/// A loop from its beginning to its end.
struct Rounds {
    reads: Vec<Vec<u64>>,
    writes: Vec<Vec<u64>>,
    operations: u64,
}

fn values(registers: &[Vec<u64>], of: &[Register]) -> Vec<Vec<u64>> {
    of.iter().filter_map(|register| registers.get(*register)).cloned().collect()
}

impl Known {
    /// Threads part: whatever they were in, they do not end it together.
    pub(super) fn give_up(&mut self) {
        self.begun = None;
    }

    /// All threads are at this instruction. Where a loop begins there whose end is known, its results are put into the
    /// registers, its operations are added, and the instruction behind it is told.
    pub(super) fn at(
        &mut self,
        next: usize,
        all: &BTreeMap<usize, Loop>,
        registers: &mut [Vec<u64>],
        operations: &mut u64,
    ) -> Option<usize> {
        if let Some((start, mut rounds)) = self.begun.take() {
            let of = all.get(&start)?;
            if (start..=of.end).contains(&next) {
                self.begun = Some((start, rounds));
                return None;
            }
            if next == of.end + 1 {
                rounds.writes = values(registers, &of.writes);
                rounds.operations = *operations - rounds.operations;
                self.loops.insert(start, rounds);
            }
        }
        let of = all.get(&next)?;
        let same = |known: &&Rounds| {
            let pairs = known.reads.iter().zip(&of.reads);
            pairs.into_iter().all(|(known, register)| registers.get(*register) == Some(known))
        };
        if let Some(known) = self.loops.get(&next).filter(same) {
            for (register, known) in of.writes.iter().zip(&known.writes) {
                if let Some(register) = registers.get_mut(*register) {
                    register.clone_from(known);
                }
            }
            *operations += known.operations;
            return Some(of.end + 1);
        }
        let reads = values(registers, &of.reads);
        self.begun = Some((next, Rounds { reads, writes: Vec::new(), operations: *operations }));
        None
    }
}
