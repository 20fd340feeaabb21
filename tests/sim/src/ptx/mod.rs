//! PTX: what a driver's compiler does with it, and what a GPU does then.
//!
//! Invariants: nothing is told by a kernel's name; an instruction that is not known refuses the whole text, as a
//! compiler would; floating point is IEEE 754's, rounded to nearest.

mod lines;
mod operands;
mod parse;
mod run;

pub(crate) use run::{Dimensions, Reach};

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
    registers: usize,
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

/// Where a value comes from.
#[derive(Clone, Copy, Debug)]
enum Operand {
    Register(Register),
    Immediate(u64),
    /// A place in the grid: which of its four triples, and which dimension.
    Place(Place, usize),
}

#[derive(Clone, Copy, Debug)]
enum Place {
    Thread,
    Threads,
    Block,
    Blocks,
}

#[derive(Debug)]
struct Instruction {
    /// The predicate that must have this value.
    guard: Option<(Register, bool)>,
    operation: Operation,
}

#[derive(Debug)]
enum Operation {
    Parameter { to: Vec<Register>, of: Type, offset: usize },
    Load { to: Vec<Register>, of: Type, base: Operand, offset: i64 },
    Store { from: Vec<Operand>, of: Type, base: Operand, offset: i64 },
    Unary { kind: Unary, of: Type, flush: bool, to: Register, a: Operand },
    Binary { kind: Binary, of: Type, flush: bool, to: Register, a: Operand, b: Operand },
    Fused { kind: Product, of: Type, flush: bool, to: Register, a: Operand, b: Operand, c: Operand },
    Compare { kind: Comparison, of: Type, to: Register, a: Operand, b: Operand },
    Select { to: Register, a: Operand, b: Operand, by: Operand },
    Convert { into: Type, from: Type, rounding: Rounding, to: Register, a: Operand },
    Atomic { kind: Binary, of: Type, to: Option<Register>, base: Operand, offset: i64, a: Operand },
    Branch(usize),
    Return,
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

    fn bits(self) -> u32 {
        8 * u32::try_from(self.width).unwrap_or(8)
    }

    /// The value's bits that this type has.
    fn cut(self, value: u64) -> u64 {
        if self.width >= 8 { value } else { value & ((1 << self.bits()) - 1) }
    }

    /// The value as a signed number.
    fn signed(self, value: u64) -> i64 {
        let unused = 64 - self.bits();
        (value << unused).cast_signed() >> unused
    }
}

#[cfg(test)]
mod tests;
