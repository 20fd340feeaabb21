//! A kernel, block after block, the threads of a block together.
//!
//! Invariants: every access to memory goes through [`Reach`]; a thread writes no other thread's registers; threads that
//! have gone different ways join again as soon as they are at the same instruction.

use super::{
    Access, Binary, Compute, Entry, Given, Operation, Place, Register, Space, Unary,
    compute::{binary, widen},
    lanes,
    loops::Known,
    reach::{Reach, Shared, Touched, access, read, write},
    threads::{Groups, Mask},
};
use std::collections::BTreeMap;

/// A grid of blocks of threads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dimensions {
    pub(crate) blocks: [u32; 3],
    pub(crate) threads: [u32; 3],
}

/// What a kernel had to do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Work {
    /// Pieces of global memory that were accessed.
    pub(crate) pieces: Vec<Touched>,
    /// Calculations and comparisons; a multiplication with an addition is two.
    pub(crate) operations: u64,
}

/// A block.
struct Block<'a, M> {
    entry: &'a Entry,
    parameters: &'a [u8],
    /// By their number, and in each by the thread.
    registers: Vec<Vec<u64>>,
    /// Results before they are a register's.
    results: Vec<u64>,
    /// The same for loads of vectors.
    loaded: [Vec<u64>; MOST_LOADED],
    memories: Memories<'a, M>,
    operations: u64,
    known: Known,
}

/// The memories that a block has, and what was accessed of the global one, by where its pieces begin.
struct Memories<'a, M> {
    shared: Shared,
    global: &'a mut M,
    touched: BTreeMap<u64, Touched>,
}

/// How many values an instruction loads at most.
const MOST_LOADED: usize = 4;

/// Every place of three dimensions, x first.
fn places(of: [u32; 3]) -> impl Iterator<Item = [u32; 3]> {
    let [width, height, depth] = of;
    (0..depth).flat_map(move |z| (0..height).flat_map(move |y| (0..width).map(move |x| [x, y, z])))
}

fn part(place: [u32; 3], dimension: usize) -> u64 {
    place.get(dimension).copied().unwrap_or(0).into()
}

impl Entry {
    /// Runs in every thread. `parameters` holds the arguments, each at its offset.
    pub(crate) fn run(
        &self,
        dimensions: Dimensions,
        parameters: &[u8],
        memory: &mut impl Reach,
    ) -> Result<Work, u32> {
        let lanes = places(dimensions.threads).count();
        let mut block = Block {
            entry: self,
            parameters,
            registers: vec![vec![0; lanes]; self.registers],
            results: vec![0; lanes],
            loaded: std::array::from_fn(|_| vec![0; lanes]),
            memories: Memories { shared: Shared::new(self.shared), global: memory, touched: BTreeMap::new() },
            operations: 0,
            known: Known::default(),
        };
        for (register, given) in &self.given {
            block.give(*register, *given, dimensions);
        }
        for place in places(dimensions.blocks) {
            block.enter(place);
            block.known.give_up();
            block.run(Mask::all(lanes))?;
        }
        let pieces = block.memories.touched.into_values().collect();
        Ok(Work { pieces, operations: block.operations })
    }
}

impl<M: Reach> Block<'_, M> {
    /// Fills a register with what it holds in every block.
    fn give(&mut self, register: Register, given: Given, dimensions: Dimensions) {
        let Some(register) = self.registers.get_mut(register) else { return };
        match given {
            Given::Number(number) => register.fill(number),
            Given::Place(Place::Threads, dimension) => register.fill(part(dimensions.threads, dimension)),
            Given::Place(Place::Blocks, dimension) => register.fill(part(dimensions.blocks, dimension)),
            Given::Place(Place::Thread, dimension) => {
                let places = places(dimensions.threads).map(|place| part(place, dimension));
                register.iter_mut().zip(places).for_each(|(to, place)| *to = place);
            }
            Given::Place(Place::Block, _) => {}
        }
    }

    /// Becomes the block of this place.
    fn enter(&mut self, place: [u32; 3]) {
        self.memories.shared.forget();
        for (register, given) in &self.entry.given {
            if let (Given::Place(Place::Block, dimension), Some(register)) =
                (given, self.registers.get_mut(*register))
            {
                register.fill(part(place, *dimension));
            }
        }
    }

    fn run(&mut self, all: Mask) -> Result<(), u32> {
        let mut groups = Groups::default();
        groups.add(0, all);
        while let Some((next, threads)) = groups.take() {
            self.go_on(next, threads, &mut groups)?;
        }
        Ok(())
    }

    /// Runs threads that are at the same instruction until they part or end, or others are no further than they.
    fn go_on(&mut self, mut next: usize, mut threads: Mask, groups: &mut Groups) -> Result<(), u32> {
        let entry = self.entry;
        while let Some(instruction) = entry.code.get(next) {
            if groups.has_by(next) {
                groups.add(next, threads);
                return Ok(());
            }
            if !threads.is_whole() {
                self.known.give_up();
            } else if let Some(behind) =
                self.known.at(next, &entry.loops, &mut self.registers, &mut self.operations)
            {
                next = behind;
                continue;
            }
            next += 1;
            // Those that the instruction is not for, where there are both.
            let mut others = None;
            if let Some((guard, wanted)) = instruction.guard {
                let predicate = self.register(guard);
                match threads.holding(predicate, wanted) {
                    0 => continue,
                    some if some == threads.count() => {}
                    _ => {
                        let (held, rest) = threads.split(predicate, wanted);
                        threads = held;
                        others = Some(rest);
                    }
                }
            }
            match &instruction.operation {
                Operation::Return => match others.take() {
                    Some(rest) => threads = rest,
                    None => return Ok(()),
                },
                Operation::Branch(target) => match others.take() {
                    Some(rest) => {
                        groups.add(*target, threads);
                        threads = rest;
                    }
                    None => next = *target,
                },
                Operation::Barrier => {
                    groups.wait(next, threads);
                    match others.take() {
                        Some(rest) => threads = rest,
                        None => return Ok(()),
                    }
                }
                Operation::Parameter { .. }
                | Operation::Load { .. }
                | Operation::Store { .. }
                | Operation::Atomic { .. }
                | Operation::Compute { .. } => {
                    self.step(&instruction.operation, &threads)?;
                    if let Some(rest) = others {
                        threads.join(&rest);
                    }
                }
            }
        }
        Ok(())
    }

    fn step(&mut self, operation: &Operation, threads: &Mask) -> Result<(), u32> {
        match *operation {
            Operation::Return | Operation::Branch(_) | Operation::Barrier => {}
            Operation::Parameter { ref to, of, offset } => {
                for (i, to) in to.iter().enumerate() {
                    let value = self.parameter(offset + i * of.width, of.width);
                    self.results.fill(widen(of, value));
                    self.keep(*to, threads);
                }
            }
            Operation::Load { ref to, at } => self.load(to, at, threads)?,
            Operation::Store { ref from, at } => self.store(from, at, threads)?,
            Operation::Atomic { kind, to, at, a } => self.atomic(kind, (to, a), at, threads)?,
            Operation::Compute { what, to, from } => {
                let mut results = std::mem::take(&mut self.results);
                lanes::apply(what, &mut results, from.map(|register| self.register(register)));
                self.results = results;
                self.keep(to, threads);
                self.operations += cost(what) * threads.count() as u64;
            }
        }
        Ok(())
    }

    fn register(&self, register: Register) -> &[u64] {
        self.registers.get(register).map_or(&[], Vec::as_slice)
    }

    /// Makes the results a register's.
    fn keep(&mut self, register: Register, threads: &Mask) {
        if let Some(register) = self.registers.get_mut(register) {
            threads.blend(register, &mut self.results);
        }
    }

    fn parameter(&self, offset: usize, width: usize) -> u64 {
        self.parameters.get(offset..).map_or(0, |bytes| read(bytes, width))
    }

    fn load(&mut self, to: &[Register], at: Access, threads: &Mask) -> Result<(), u32> {
        let of = at.of;
        let bases = self.registers.get(at.base).map_or(&[][..], Vec::as_slice);
        let loaded = &mut self.loaded;
        self.memories.access(bases, at, to.len(), threads, false, |lane, bytes| {
            for (bytes, loaded) in bytes.chunks_exact(of.width).zip(loaded.iter_mut()) {
                if let Some(loaded) = loaded.get_mut(lane) {
                    *loaded = widen(of, read(bytes, of.width));
                }
            }
        })?;
        for (to, loaded) in to.iter().zip(&mut self.loaded) {
            if let Some(register) = self.registers.get_mut(*to) {
                threads.blend(register, loaded);
            }
        }
        Ok(())
    }

    fn store(&mut self, from: &[Register], at: Access, threads: &Mask) -> Result<(), u32> {
        let bases = self.registers.get(at.base).map_or(&[][..], Vec::as_slice);
        let mut values = [&[][..]; MOST_LOADED];
        for (values, from) in values.iter_mut().zip(from) {
            *values = self.registers.get(*from).map_or(&[], Vec::as_slice);
        }
        self.memories.access(bases, at, from.len(), threads, true, |lane, bytes| {
            for (bytes, values) in bytes.chunks_exact_mut(at.of.width).zip(values) {
                if let Some(value) = values.get(lane) {
                    write(bytes, at.of.width, *value);
                }
            }
        })
    }

    fn atomic(
        &mut self,
        kind: Binary,
        (to, a): (Option<Register>, Register),
        at: Access,
        threads: &Mask,
    ) -> Result<(), u32> {
        let Access { of, base, .. } = at;
        let bases = self.registers.get(base).map_or(&[][..], Vec::as_slice);
        let values = self.registers.get(a).map_or(&[][..], Vec::as_slice);
        let results = &mut self.results;
        self.memories.access(bases, at, 1, threads, true, |lane, bytes| {
            if let (Some(value), Some(result)) = (values.get(lane), results.get_mut(lane)) {
                *result = read(bytes, of.width);
                write(bytes, of.width, binary(kind, of, false, *result, *value));
            }
        })?;
        if let Some(to) = to {
            self.keep(to, threads);
        }
        self.operations += threads.count() as u64;
        Ok(())
    }
}

impl<M: Reach> Memories<'_, M> {
    /// Hands the bytes of so many values to `each`, thread by thread, and counts them.
    fn access(
        &mut self,
        bases: &[u64],
        at: Access,
        values: usize,
        threads: &Mask,
        writes: bool,
        each: impl FnMut(usize, &mut [u8]),
    ) -> Result<(), u32> {
        let at = (at, at.of.width * values);
        let Self { shared, global, touched } = self;
        match at.0.space {
            Space::Shared => access(shared, bases, at, threads, each, |_, _, _| ()),
            Space::Global => access(*global, bases, at, threads, each, |memory, start, part| {
                touched.entry(start).or_insert(Touched::NOTHING).join(part);
                if writes {
                    memory.written(start);
                }
            }),
        }
    }
}

/// How many operations of the arithmetic units a calculation is.
fn cost(what: Compute) -> u64 {
    match what {
        Compute::Unary { kind: Unary::Move, .. } => 0,
        Compute::Fused { .. } => 2,
        Compute::Unary { .. }
        | Compute::Binary { .. }
        | Compute::Compare { .. }
        | Compute::Select
        | Compute::Convert { .. } => 1,
    }
}
