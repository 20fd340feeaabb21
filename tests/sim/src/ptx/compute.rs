//! What an instruction makes of its operands: registers are bits, which it takes for numbers of the kind and width that it
//! says. One thread's worth; `lanes` does it for a block.
//!
//! Invariant: nothing panics and nothing overflows with a check, for these are the insides of loops.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "registers are bits, which instructions take for numbers of whatever kind and width they say"
)]
#![expect(clippy::wildcard_enum_match_arm, reason = "what is not special is computed as the rest is")]
#![expect(
    clippy::inline_always,
    reason = "the loops around these are only fast where what is constant is known"
)]

use super::{Binary, Comparison, Kind, Product, Rounding, Type, Unary};

/// What a register holds of a value that was read: a narrow signed one keeps its sign in 32 bits.
#[inline(always)]
pub(super) fn widen(of: Type, value: u64) -> u64 {
    if of.kind == Kind::Signed && of.width < 4 { (of.signed(value) as u64) & 0xffff_ffff } else { value }
}

#[inline(always)]
pub(super) fn unary(kind: Unary, of: Type, flush: bool, a: u64) -> u64 {
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
#[inline(always)]
fn flushed(of: Type, flush: bool, bits: u64) -> u64 {
    let small = flush && of.width == 4 && f32::from_bits(bits as u32).is_subnormal();
    if small { bits & 0x8000_0000 } else { bits }
}

#[inline(always)]
fn single(of: Type, flush: bool, bits: u64) -> f32 {
    f32::from_bits(flushed(of, flush, of.cut(bits)) as u32)
}

#[inline(always)]
pub(super) fn binary(kind: Binary, of: Type, flush: bool, a: u64, b: u64) -> u64 {
    let a = of.cut(a);
    match kind {
        Binary::ShiftLeft if b >= of.bits().into() => return 0,
        Binary::ShiftLeft => return of.cut(a.wrapping_shl(b as u32)),
        Binary::ShiftRight => return shift_right(of, a, b),
        Binary::Exchange => return of.cut(b),
        _ => {}
    }
    let b = of.cut(b);
    match of.kind {
        Kind::Float if of.width == 4 => {
            let (a, b) = (single(of, flush, a), single(of, flush, b));
            flushed(of, flush, float(kind, a, b).to_bits().into())
        }
        Kind::Float => float(kind, f64::from_bits(a), f64::from_bits(b)).to_bits(),
        Kind::Unsigned | Kind::Predicate => unsigned(kind, of, a, b),
        Kind::Signed => signed(kind, of, a, b),
    }
}

#[inline(always)]
fn shift_right(of: Type, a: u64, b: u64) -> u64 {
    if of.kind == Kind::Signed {
        return of.cut(of.signed(a).wrapping_shr(b.min(63) as u32) as u64);
    }
    if b >= of.bits().into() { 0 } else { a.wrapping_shr(b as u32) }
}

#[inline(always)]
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

#[inline(always)]
fn unsigned(kind: Binary, of: Type, a: u64, b: u64) -> u64 {
    of.cut(match kind {
        Binary::Add => a.wrapping_add(b),
        Binary::Subtract => a.wrapping_sub(b),
        Binary::Product(Product::Wide) => return a.wrapping_mul(b),
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
        Binary::Product(Product::Wide) => {
            return Type { width: 2 * of.width, ..of }.cut(x.wrapping_mul(y) as u64);
        }
        Binary::Product(Product::High) => ((i128::from(x) * i128::from(y)) >> of.bits()) as i64,
        Binary::Divide => x.checked_div(y).unwrap_or(-1),
        Binary::Remainder => x.checked_rem(y).unwrap_or(x),
        Binary::Least => x.min(y),
        Binary::Greatest => x.max(y),
        _ => return unsigned(kind, of, a, b),
    };
    of.cut(number as u64)
}

#[inline(always)]
pub(super) fn fused(kind: Product, of: Type, flush: bool, [a, b, c]: [u64; 3]) -> u64 {
    if of.kind != Kind::Float {
        let product = binary(Binary::Product(kind), of, false, a, b);
        let whole = if kind == Product::Wide { Type { width: 2 * of.width, ..of } } else { of };
        return whole.cut(product.wrapping_add(c));
    }
    if of.width == 8 {
        return f64::from_bits(a).mul_add(f64::from_bits(b), f64::from_bits(c)).to_bits();
    }
    let sum = single(of, flush, a).mul_add(single(of, flush, b), single(of, flush, c));
    flushed(of, flush, sum.to_bits().into())
}

#[inline(always)]
pub(super) fn compare(kind: Comparison, of: Type, a: u64, b: u64) -> bool {
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

#[inline(always)]
fn as_double(of: Type, bits: u64) -> f64 {
    if of.width == 8 { f64::from_bits(bits) } else { f32::from_bits(bits as u32).into() }
}

#[inline(always)]
pub(super) fn convert(into: Type, from: Type, rounding: Rounding, a: u64) -> u64 {
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
