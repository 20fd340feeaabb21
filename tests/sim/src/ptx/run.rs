//! A kernel, thread after thread.
//!
//! Invariants: every access to memory goes through [`Reach`]; a thread sees no other thread's registers.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "registers are bits, which instructions take for numbers of whatever kind and width they say"
)]
#![expect(clippy::wildcard_enum_match_arm, reason = "what is not special is computed as the rest is")]

use super::{
    Binary, Comparison, Entry, Instruction, Kind, Operand, Operation, Place, Product, Rounding, Type, Unary,
};

/// Device memory, as a kernel reaches it. The error is CUDA's code.
pub(crate) trait Reach {
    /// Reads so many bytes, 8 at most.
    fn load(&self, address: u64, width: usize) -> Result<u64, u32>;
    /// Writes them.
    fn store(&mut self, address: u64, width: usize, value: u64) -> Result<(), u32>;
}

/// A grid of blocks of threads.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Dimensions {
    pub(crate) blocks: [u32; 3],
    pub(crate) threads: [u32; 3],
}

/// One thread.
struct Thread<'a> {
    registers: &'a mut [u64],
    parameters: &'a [u8],
    dimensions: Dimensions,
    block: [u32; 3],
    place: [u32; 3],
}

/// Every place of three dimensions, x first.
fn places(of: [u32; 3]) -> impl Iterator<Item = [u32; 3]> {
    let [width, height, depth] = of;
    (0..depth).flat_map(move |z| (0..height).flat_map(move |y| (0..width).map(move |x| [x, y, z])))
}

impl Entry {
    /// Runs in every thread. `parameters` holds the arguments, each at its offset.
    pub(crate) fn run(
        &self,
        dimensions: Dimensions,
        parameters: &[u8],
        memory: &mut impl Reach,
    ) -> Result<(), u32> {
        let mut registers = vec![0; self.registers];
        for block in places(dimensions.blocks) {
            for place in places(dimensions.threads) {
                registers.fill(0);
                let mut thread = Thread { registers: &mut registers, parameters, dimensions, block, place };
                thread.run(&self.code, memory)?;
            }
        }
        Ok(())
    }
}

impl Thread<'_> {
    fn run(&mut self, code: &[Instruction], memory: &mut impl Reach) -> Result<(), u32> {
        let mut next = 0;
        while let Some(instruction) = code.get(next) {
            next += 1;
            if let Some((guard, wanted)) = instruction.guard
                && (self.register(guard) != 0) != wanted
            {
                continue;
            }
            match &instruction.operation {
                Operation::Return => return Ok(()),
                Operation::Branch(target) => next = *target,
                operation => self.step(operation, memory)?,
            }
        }
        Ok(())
    }

    fn step(&mut self, operation: &Operation, memory: &mut impl Reach) -> Result<(), u32> {
        match *operation {
            Operation::Return | Operation::Branch(_) => {}
            Operation::Parameter { ref to, of, offset } => {
                for (lane, to) in to.iter().enumerate() {
                    let value = self.parameter(offset + lane * of.width, of.width);
                    self.set(*to, widen(of, value));
                }
            }
            Operation::Load { ref to, of, base, offset } => {
                let address = self.address(base, offset, of.width * to.len())?;
                for (lane, to) in (0..).zip(to) {
                    let value = memory.load(address + lane * of.width as u64, of.width)?;
                    self.set(*to, widen(of, value));
                }
            }
            Operation::Store { ref from, of, base, offset } => {
                let address = self.address(base, offset, of.width * from.len())?;
                for (lane, from) in (0..).zip(from) {
                    memory.store(address + lane * of.width as u64, of.width, of.cut(self.value(*from)))?;
                }
            }
            Operation::Atomic { kind, of, to, base, offset, a } => {
                let address = self.address(base, offset, of.width)?;
                let old = memory.load(address, of.width)?;
                let new = binary(kind, of, false, old, self.value(a));
                memory.store(address, of.width, new)?;
                if let Some(to) = to {
                    self.set(to, old);
                }
            }
            Operation::Unary { kind, of, flush, to, a } => {
                self.set(to, unary(kind, of, flush, self.value(a)));
            }
            Operation::Binary { kind, of, flush, to, a, b } => {
                self.set(to, binary(kind, of, flush, self.value(a), self.value(b)));
            }
            Operation::Fused { kind, of, flush, to, a, b, c } => {
                self.set(to, fused(kind, of, flush, [a, b, c].map(|operand| self.value(operand))));
            }
            Operation::Compare { kind, of, to, a, b } => {
                self.set(to, compare(kind, of, self.value(a), self.value(b)).into());
            }
            Operation::Select { to, a, b, by } => {
                let chosen = if self.value(by) == 0 { b } else { a };
                self.set(to, self.value(chosen));
            }
            Operation::Convert { into, from, rounding, to, a } => {
                self.set(to, convert(into, from, rounding, self.value(a)));
            }
        }
        Ok(())
    }

    fn register(&self, register: usize) -> u64 {
        self.registers.get(register).copied().unwrap_or(0)
    }

    fn set(&mut self, register: usize, value: u64) {
        if let Some(place) = self.registers.get_mut(register) {
            *place = value;
        }
    }

    fn value(&self, operand: Operand) -> u64 {
        match operand {
            Operand::Register(register) => self.register(register),
            Operand::Immediate(value) => value,
            Operand::Place(place, dimension) => {
                let of = match place {
                    Place::Thread => self.place,
                    Place::Threads => self.dimensions.threads,
                    Place::Block => self.block,
                    Place::Blocks => self.dimensions.blocks,
                };
                of.get(dimension).copied().unwrap_or(0).into()
            }
        }
    }

    fn parameter(&self, offset: usize, width: usize) -> u64 {
        let bytes = self.parameters.iter().skip(offset).take(width).rev();
        bytes.fold(0, |value, byte| value << 8 | u64::from(*byte))
    }

    /// An address, which must be a multiple of what is accessed there.
    fn address(&self, base: Operand, offset: i64, width: usize) -> Result<u64, u32> {
        let address = self.value(base).wrapping_add_signed(offset);
        if address.is_multiple_of(width as u64) { Ok(address) } else { Err(crate::cuda::MISALIGNED_ADDRESS) }
    }
}

/// What a register holds of a value that was read: a narrow signed one keeps its sign in 32 bits.
fn widen(of: Type, value: u64) -> u64 {
    if of.kind == Kind::Signed && of.width < 4 { (of.signed(value) as u64) & 0xffff_ffff } else { value }
}

fn unary(kind: Unary, of: Type, flush: bool, a: u64) -> u64 {
    let a = of.cut(a);
    let sign = 1 << (of.bits() - 1);
    match (kind, of.kind) {
        (Unary::Move, _) => a,
        (Unary::Not, Kind::Predicate) => u64::from(a == 0),
        (Unary::Not, _) => of.cut(!a),
        (Unary::Negate, Kind::Float) => flushed(of, flush, a) ^ sign,
        (Unary::Negate, _) => of.cut(a.wrapping_neg()),
        (Unary::Absolute, Kind::Float) => flushed(of, flush, a) & !sign,
        (Unary::Absolute, _) => of.cut(of.signed(a).unsigned_abs()),
        (Unary::Ones, _) => a.count_ones().into(),
        (Unary::LeadingZeros, _) => (a.leading_zeros() - (64 - of.bits())).into(),
    }
}

/// A single-precision number without denormals, where that is wanted.
fn flushed(of: Type, flush: bool, bits: u64) -> u64 {
    let small = flush && of.width == 4 && f32::from_bits(bits as u32).is_subnormal();
    if small { bits & 0x8000_0000 } else { bits }
}

fn binary(kind: Binary, of: Type, flush: bool, a: u64, b: u64) -> u64 {
    let a = of.cut(a);
    match kind {
        Binary::ShiftLeft if b >= of.bits().into() => return 0,
        Binary::ShiftLeft => return of.cut(a << b),
        Binary::ShiftRight => return shift_right(of, a, b),
        Binary::Exchange => return of.cut(b),
        _ => {}
    }
    let b = of.cut(b);
    match of.kind {
        Kind::Float if of.width == 4 => {
            let [a, b] = [a, b].map(|bits| f32::from_bits(flushed(of, flush, bits) as u32));
            flushed(of, flush, float(kind, a, b).to_bits().into())
        }
        Kind::Float => float(kind, f64::from_bits(a), f64::from_bits(b)).to_bits(),
        Kind::Unsigned | Kind::Predicate => unsigned(kind, of, a, b),
        Kind::Signed => signed(kind, of, a, b),
    }
}

fn shift_right(of: Type, a: u64, b: u64) -> u64 {
    if of.kind == Kind::Signed {
        return of.cut((of.signed(a) >> b.min(63)) as u64);
    }
    if b >= of.bits().into() { 0 } else { a >> b }
}

fn float<T>(kind: Binary, a: T, b: T) -> T
where
    T: Copy
        + std::ops::Add<Output = T>
        + std::ops::Sub<Output = T>
        + std::ops::Mul<Output = T>
        + std::ops::Div<Output = T>
        + PartialOrd,
{
    match kind {
        Binary::Add => a + b,
        Binary::Subtract => a - b,
        Binary::Product(_) => a * b,
        Binary::Divide => a / b,
        // PTX: of a number and a NaN it is the number. What is not equal to itself is a NaN.
        Binary::Least => {
            if a < b || b.partial_cmp(&b).is_none() {
                a
            } else {
                b
            }
        }
        Binary::Greatest => {
            if a > b || b.partial_cmp(&b).is_none() {
                a
            } else {
                b
            }
        }
        Binary::Remainder
        | Binary::And
        | Binary::Or
        | Binary::Xor
        | Binary::ShiftLeft
        | Binary::ShiftRight
        | Binary::Exchange => a,
    }
}

fn unsigned(kind: Binary, of: Type, a: u64, b: u64) -> u64 {
    of.cut(match kind {
        Binary::Add => a.wrapping_add(b),
        Binary::Subtract => a.wrapping_sub(b),
        Binary::Product(Product::Wide) => return a * b,
        Binary::Product(Product::Low) => a.wrapping_mul(b),
        Binary::Product(Product::High) => ((u128::from(a) * u128::from(b)) >> of.bits()) as u64,
        // The GPU has all ones where there is nothing to divide by.
        Binary::Divide => a.checked_div(b).unwrap_or(u64::MAX),
        Binary::Remainder => a.checked_rem(b).unwrap_or(a),
        Binary::Least => a.min(b),
        Binary::Greatest => a.max(b),
        Binary::And => a & b,
        Binary::Or => a | b,
        Binary::Xor => a ^ b,
        Binary::ShiftLeft | Binary::ShiftRight | Binary::Exchange => a,
    })
}

fn signed(kind: Binary, of: Type, a: u64, b: u64) -> u64 {
    let (x, y) = (of.signed(a), of.signed(b));
    let number = match kind {
        Binary::Product(Product::Wide) => return Type { width: 2 * of.width, ..of }.cut((x * y) as u64),
        Binary::Product(Product::High) => ((i128::from(x) * i128::from(y)) >> of.bits()) as i64,
        Binary::Divide => x.checked_div(y).unwrap_or(-1),
        Binary::Remainder => x.checked_rem(y).unwrap_or(x),
        Binary::Least => x.min(y),
        Binary::Greatest => x.max(y),
        _ => return unsigned(kind, of, a, b),
    };
    of.cut(number as u64)
}

fn fused(kind: Product, of: Type, flush: bool, [a, b, c]: [u64; 3]) -> u64 {
    if of.kind != Kind::Float {
        let product = binary(Binary::Product(kind), of, false, a, b);
        let whole = if kind == Product::Wide { Type { width: 2 * of.width, ..of } } else { of };
        return whole.cut(product.wrapping_add(c));
    }
    if of.width == 8 {
        let [a, b, c] = [a, b, c].map(f64::from_bits);
        return a.mul_add(b, c).to_bits();
    }
    let [a, b, c] = [a, b, c].map(|bits| f32::from_bits(flushed(of, flush, of.cut(bits)) as u32));
    flushed(of, flush, a.mul_add(b, c).to_bits().into())
}

fn compare(kind: Comparison, of: Type, a: u64, b: u64) -> bool {
    let (a, b) = (of.cut(a), of.cut(b));
    let order = match of.kind {
        Kind::Float => as_double(of, a).partial_cmp(&as_double(of, b)),
        Kind::Signed => Some(of.signed(a).cmp(&of.signed(b))),
        Kind::Unsigned | Kind::Predicate => Some(a.cmp(&b)),
    };
    // Nothing holds of a NaN.
    order.is_some_and(|order| match kind {
        Comparison::Equal => order.is_eq(),
        Comparison::Unequal => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    })
}

fn as_double(of: Type, bits: u64) -> f64 {
    if of.width == 8 { f64::from_bits(bits) } else { f32::from_bits(bits as u32).into() }
}

fn convert(into: Type, from: Type, rounding: Rounding, a: u64) -> u64 {
    let a = from.cut(a);
    match (from.kind, into.kind) {
        (Kind::Float, Kind::Float) if into.width == from.width => a,
        (Kind::Float, Kind::Float) if into.width == 8 => as_double(from, a).to_bits(),
        (Kind::Float, Kind::Float) => u64::from((as_double(from, a) as f32).to_bits()),
        (Kind::Float, _) => whole(into, rounding, as_double(from, a)),
        (_, Kind::Float) => {
            let double = into.width == 8;
            match (from.kind == Kind::Signed, double) {
                (true, true) => (from.signed(a) as f64).to_bits(),
                (true, false) => (from.signed(a) as f32).to_bits().into(),
                (false, true) => (a as f64).to_bits(),
                (false, false) => (a as f32).to_bits().into(),
            }
        }
        (Kind::Signed, _) => into.cut(from.signed(a) as u64),
        _ => into.cut(a),
    }
}

/// A whole number of a float; what does not fit becomes the nearest that does.
fn whole(into: Type, rounding: Rounding, number: f64) -> u64 {
    let number = match rounding {
        Rounding::Nearest => number.round_ties_even(),
        Rounding::Zero => number.trunc(),
        Rounding::Down => number.floor(),
        Rounding::Up => number.ceil(),
    };
    let bits = into.bits();
    if into.kind == Kind::Signed {
        let most = i64::MAX >> (64 - bits);
        return into.cut((number as i64).clamp(-most - 1, most) as u64);
    }
    (number as u64).min(into.cut(u64::MAX))
}
