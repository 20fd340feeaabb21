//! Computes for all threads of a block at once.
//!
//! Invariant: what is computed is what `compute` says; here are only the loops, one for each of the types and operations
//! that kernels are made of, and twice: for processors that have AVX2, and for all.

#![expect(clippy::inline_always, reason = "the loops are compiled for another processor by being inlined")]

use super::{
    Binary, Comparison, Compute, Kind, Product, Type, Unary,
    compute::{binary, compare, convert, fused, unary},
};

const U32: Type = Type { kind: Kind::Unsigned, width: 4 };
const U64: Type = Type { kind: Kind::Unsigned, width: 8 };
const S32: Type = Type { kind: Kind::Signed, width: 4 };
const F32: Type = Type { kind: Kind::Float, width: 4 };
const LOW: Binary = Binary::Product(Product::Low);
const WIDE: Binary = Binary::Product(Product::Wide);

/// The same code for each of the values that something usually is, and once more for all others.
macro_rules! usual {
    ($value:expr, [$($usual:path),*], |$name:ident| $body:expr) => {
        match $value {
            $($usual => { let $name = $usual; $body })*
            $name => $body,
        }
    };
}

/// A loop over all threads. No function with a closure: the compiler would make a call of what is within.
macro_rules! each {
    ($to:ident, |$a:ident| $result:expr) => {
        for (to, $a) in $to.iter_mut().zip($a) {
            let $a = *$a;
            *to = $result;
        }
    };
    ($to:ident, |$a:ident, $b:ident| $result:expr) => {
        for ((to, $a), $b) in $to.iter_mut().zip($a).zip($b) {
            let ($a, $b) = (*$a, *$b);
            *to = $result;
        }
    };
    ($to:ident, |$a:ident, $b:ident, $c:ident| $result:expr) => {
        for (((to, $a), $b), $c) in $to.iter_mut().zip($a).zip($b).zip($c) {
            let ($a, $b, $c) = (*$a, *$b, *$c);
            *to = $result;
        }
    };
}

/// Computes the results for operands, thread by thread.
pub(super) fn apply(what: Compute, to: &mut [u64], from: [&[u64]; 3]) {
    #[cfg(target_arch = "x86_64")]
    if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
        // SAFETY: the processor has what it is compiled for.
        unsafe { with_avx2(what, to, from) };
        return;
    }
    every(what, to, from);
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
fn with_avx2(what: Compute, to: &mut [u64], from: [&[u64]; 3]) {
    every(what, to, from);
}

#[inline(always)]
fn every(what: Compute, to: &mut [u64], [a, b, c]: [&[u64]; 3]) {
    match what {
        Compute::Unary { kind: Unary::Move, of, .. } => {
            usual!(without_sign(of), [U32, U64], |of| each!(to, |a| of.cut(a)));
        }
        Compute::Unary { kind, of, flush } => each!(to, |a| unary(kind, of, flush, a)),
        Compute::Binary { kind, of: F32, flush: false } => {
            usual!(kind, [Binary::Add, Binary::Subtract, LOW], |kind| each!(to, |a, b| binary(
                kind, F32, false, a, b
            )));
        }
        Compute::Binary { kind, of, flush } if of.kind == Kind::Float => {
            each!(to, |a, b| binary(kind, of, flush, a, b));
        }
        Compute::Binary { kind, of, .. } => whole_numbers(kind, of, to, a, b),
        Compute::Fused { kind: _, of: F32, flush: false } => {
            each!(to, |a, b, c| fused(Product::Low, F32, false, [a, b, c]));
        }
        Compute::Fused { kind: Product::Low, of, flush } if of.kind != Kind::Float => {
            usual!(without_sign(of), [U32], |of| each!(to, |a, b, c| fused(
                Product::Low,
                of,
                flush,
                [a, b, c]
            )));
        }
        Compute::Fused { kind, of, flush } => {
            each!(to, |a, b, c| fused(kind, of, flush, [a, b, c]));
        }
        Compute::Compare { kind, of } => comparison(kind, of, to, a, b),
        Compute::Select => each!(to, |a, b, c| if c == 0 { b } else { a }),
        Compute::Convert { into, from, .. } if into.kind == Kind::Unsigned && from.kind == Kind::Unsigned => {
            let narrow = if into.width < from.width { into } else { from };
            usual!(narrow, [U32], |of| each!(to, |a| of.cut(a)));
        }
        Compute::Convert { into, from, rounding } => each!(to, |a| convert(into, from, rounding, a)),
    }
}

/// The type of the same width whose numbers have no sign; for what is the same with and without one.
#[inline(always)]
fn without_sign(of: Type) -> Type {
    if of.kind == Kind::Predicate { of } else { Type { kind: Kind::Unsigned, ..of } }
}

#[inline(always)]
fn whole_numbers(kind: Binary, of: Type, to: &mut [u64], a: &[u64], b: &[u64]) {
    let alike = matches!(
        kind,
        Binary::Add
            | Binary::Subtract
            | LOW
            | Binary::And
            | Binary::Or
            | Binary::Xor
            | Binary::ShiftLeft
            | Binary::Exchange
    );
    let of = if alike { without_sign(of) } else { of };
    usual!(of, [U32, U64], |of| usual!(
        kind,
        [
            Binary::Add,
            Binary::Subtract,
            LOW,
            WIDE,
            Binary::And,
            Binary::Or,
            Binary::Xor,
            Binary::ShiftLeft,
            Binary::ShiftRight
        ],
        |kind| each!(to, |a, b| binary(kind, of, false, a, b))
    ));
}

#[inline(always)]
fn comparison(kind: Comparison, of: Type, to: &mut [u64], a: &[u64], b: &[u64]) {
    usual!(of, [U32, S32, U64], |of| usual!(
        kind,
        [
            Comparison::Equal,
            Comparison::Unequal,
            Comparison::Less,
            Comparison::LessOrEqual,
            Comparison::Greater
        ],
        |kind| each!(to, |a, b| compare(kind, of, a, b).into())
    ));
}
