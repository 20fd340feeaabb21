//! The threads of a block and where each of them is.
//!
//! Invariant: every thread that has not ended is in exactly one group, of those that are at the same instruction, or waits
//! at a barrier.

use std::collections::BTreeMap;

/// Some of a block's threads: all ones for those that are meant, zero for the others.
#[derive(Clone, Debug)]
pub(super) struct Mask {
    lanes: Vec<u64>,
    count: usize,
}

impl Mask {
    pub(super) fn all(lanes: usize) -> Self {
        Self { lanes: vec![u64::MAX; lanes], count: lanes }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// Every thread of the block is meant.
    pub(super) fn is_whole(&self) -> bool {
        self.count == self.lanes.len()
    }

    #[inline]
    pub(super) fn has(&self, lane: usize) -> bool {
        self.is_whole() || self.lanes.get(lane).is_some_and(|lane| *lane != 0)
    }

    /// How many of these have a predicate of this value.
    pub(super) fn holding(&self, predicate: &[u64], wanted: bool) -> usize {
        let lanes = self.lanes.iter().zip(predicate);
        lanes.map(|(lane, value)| usize::from((*value != 0) == wanted && *lane != 0)).sum()
    }

    /// Those that have a predicate of this value, and the others.
    pub(super) fn split(&self, predicate: &[u64], wanted: bool) -> (Self, Self) {
        let lanes = || self.lanes.iter().zip(predicate);
        let pick = |wanted| lanes().map(move |(lane, value)| if (*value != 0) == wanted { *lane } else { 0 });
        let count = self.holding(predicate, wanted);
        let held = Self { lanes: pick(wanted).collect(), count };
        (held, Self { lanes: pick(!wanted).collect(), count: self.count - count })
    }

    /// Takes the others in.
    pub(super) fn join(&mut self, other: &Self) {
        self.lanes.iter_mut().zip(&other.lanes).for_each(|(lane, other)| *lane |= other);
        self.count += other.count;
    }

    /// Puts new values over the old ones where threads are meant. What is left in `new` is of no use.
    pub(super) fn blend(&self, old: &mut Vec<u64>, new: &mut Vec<u64>) {
        if !self.is_whole() {
            for ((new, old), lane) in new.iter_mut().zip(old.iter()).zip(&self.lanes) {
                *new = (*new & lane) | (old & !lane);
            }
        }
        std::mem::swap(old, new);
    }
}

/// The groups by their next instruction.
#[derive(Debug, Default)]
pub(super) struct Groups {
    ready: BTreeMap<usize, Mask>,
    waiting: BTreeMap<usize, Mask>,
}

fn add(to: &mut BTreeMap<usize, Mask>, next: usize, threads: Mask) {
    match to.get_mut(&next) {
        Some(others) => others.join(&threads),
        None => drop(to.insert(next, threads)),
    }
}

impl Groups {
    /// These go on here.
    pub(super) fn add(&mut self, next: usize, threads: Mask) {
        add(&mut self.ready, next, threads);
    }

    /// These wait at a barrier, and go on here when all others wait as well or have ended.
    pub(super) fn wait(&mut self, next: usize, threads: Mask) {
        add(&mut self.waiting, next, threads);
    }

    /// The group that is furthest behind, which others may yet join.
    pub(super) fn take(&mut self) -> Option<(usize, Mask)> {
        if self.ready.is_empty() {
            self.ready = std::mem::take(&mut self.waiting);
        }
        self.ready.pop_first()
    }

    /// Whether a group is at this instruction or before it.
    pub(super) fn has_by(&self, next: usize) -> bool {
        self.ready.first_key_value().is_some_and(|(first, _)| *first <= next)
    }
}
