//! PTX: what a driver's compiler does with it, and what a GPU does then.
//!
//! Invariants: nothing is told by a kernel's name; an instruction that is not known refuses the whole text, as a
//! compiler would; floating point is IEEE 754's, rounded to nearest.

mod compute;
mod lanes;
mod lines;
mod loops;
mod operands;
mod parse;
mod reach;
mod run;
mod threads;

pub(crate) use reach::Reach;
pub(crate) use run::{Dimensions, Work};

use std::collections::BTreeMap;

/// A compiled text.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) entries: Vec<Entry>,
}

/// A kernel.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) name: String,
    /// Offset and size of each argument.
    pub(crate) parameters: Vec<(usize, usize)>,
    code: Vec<Instruction>,
    /// How many registers a thread has, those that are given among them.
    registers: usize,
    /// Registers that no instruction writes.
    given: Vec<(Register, Given)>,
    /// Bytes of memory that the threads of a block share.
    shared: usize,
    /// Loops that touch no memory, by their first instruction.
    loops: BTreeMap<usize, loops::Loop>,
}

/// Why a text is refused.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// Its `.version` is newer than the driver.
    TooNew(String),
    /// Anything else.
    Invalid(String),
}

/// What a driver and a device take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Takes {
    /// The newest `.version`.
    pub(crate) version: (u32, u32),
    /// The device's compute capability.
    pub(crate) capability: (i32, i32),
}

impl Program {
    /// Compiles.
    pub(crate) fn compile(text: &str, takes: Takes) -> Result<Self, Refusal> {
        parse::program(text, takes)
    }
}

/// A register's number in its thread.
type Register = usize;

/// A type of PTX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Type {
    kind: Kind,
    /// In bytes.
    width: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Bits and unsigned numbers.
    Unsigned,
    Signed,
    Float,
    Predicate,
}

/// What a register holds from the beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    Number(u64),
    /// A place in the grid: which of its four triples, and which dimension.
    Place(Place, usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Thread,
    Threads,
    Block,
    Blocks,
}

/// Which memory an address is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Space {
    Global,
    /// A block's own.
    Shared,
}

/// What memory is accessed: a register's address, and what is added.
#[derive(Clone, Copy, Debug)]
struct Access {
    space: Space,
    of: Type,
    base: Register,
    offset: i64,
}

#[derive(Debug)]
struct Instruction {
    /// The predicate that must have this value.
    guard: Option<(Register, bool)>,
    operation: Operation,
}

#[derive(Debug)]
enum Operation {
    Parameter {
        to: Vec<Register>,
        of: Type,
        offset: usize,
    },
    Load {
        to: Vec<Register>,
        at: Access,
    },
    Store {
        from: Vec<Register>,
        at: Access,
    },
    Atomic {
        kind: Binary,
        to: Option<Register>,
        at: Access,
        a: Register,
    },
    /// What has fewer than three operands has its last one again.
    Compute {
        what: Compute,
        to: Register,
        from: [Register; 3],
    },
    Branch(usize),
    /// Waits for all threads of the block.
    Barrier,
    Return,
}

#[derive(Clone, Copy, Debug)]
enum Compute {
    Unary { kind: Unary, of: Type, flush: bool },
    Binary { kind: Binary, of: Type, flush: bool },
    Fused { kind: Product, of: Type, flush: bool },
    Compare { kind: Comparison, of: Type },
    Select,
    Convert { into: Type, from: Type, rounding: Rounding },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unary {
    Move,
    Not,
    Negate,
    Absolute,
    Ones,
    LeadingZeros,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Binary {
    Add,
    Subtract,
    Product(Product),
    Divide,
    Remainder,
    Least,
    Greatest,
    And,
    Or,
    Xor,
    ShiftLeft,
    ShiftRight,
    Exchange,
}

/// Which half of a product, or the whole in twice the width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Product {
    Low,
    High,
    Wide,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rounding {
    Nearest,
    Zero,
    Down,
    Up,
}

impl Type {
    const PREDICATE: Self = Self { kind: Kind::Predicate, width: 1 };
    const ADDRESS: Self = Self { kind: Kind::Unsigned, width: 8 };

    #[inline]
    const fn bits(self) -> u32 {
        match self.width {
            1 => 8,
            2 => 16,
            4 => 32,
            _ => 64,
        }
    }

    /// The value's bits that this type has.
    #[inline]
    fn cut(self, value: u64) -> u64 {
        value & (u64::MAX >> (64 - self.bits()))
    }

    /// The value as a signed number.
    #[inline]
    fn signed(self, value: u64) -> i64 {
        let unused = 64 - self.bits();
        (value << unused).cast_signed() >> unused
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
mod work_tests;
