//! The vector addition: on the device, and again on the processor.

use super::{
    api::{Api, Handle},
    exact::{differing, scrambled},
};
use gpucheck_checks::{
    fact::{ProbeFailure, VectorAdd},
    kernels,
};
use std::ffi::c_void;

/// Elements; no multiple of a block, so that the last block is a partial one.
const ELEMENTS: u32 = 100_003;
/// Threads in a block.
const BLOCK: u32 = 256;
/// What the output is filled with before: a kernel that never ran must not look right.
const POISON: u8 = 0xa5;

/// Adds in the current context and compares bit for bit.
pub(super) fn vector_add(api: &mut Api<'_>) -> Result<VectorAdd, ProbeFailure> {
    let module = api.load(kernels::PTX)?;
    let sums = add_with(api, module);
    let unloaded = api.unload(module);
    let sums = sums?;
    unloaded.map(|()| compare(&sums))
}

fn add_with(api: &mut Api<'_>, module: Handle) -> Result<Vec<f32>, ProbeFailure> {
    let function = api.function(module, kernels::ADD)?;
    let (a, b): (Vec<f32>, Vec<f32>) = (0..ELEMENTS).map(operands).unzip();
    let bytes = size_of_val(a.as_slice());
    api.with_memory([bytes; 3], |api, [mut on_a, mut on_b, mut on_sum]| {
        let mut sums = vec![0.0; a.len()];
        api.upload(on_a, &a)?;
        api.upload(on_b, &b)?;
        api.fill(on_sum, POISON, bytes)?;
        let mut elements = ELEMENTS;
        let mut parameters: [*mut c_void; 4] = [
            (&raw mut on_a).cast(),
            (&raw mut on_b).cast(),
            (&raw mut on_sum).cast(),
            (&raw mut elements).cast(),
        ];
        api.launch(function, (ELEMENTS.div_ceil(BLOCK), BLOCK), &mut parameters)?;
        api.synchronize()?;
        api.download(&mut sums, on_sum)?;
        Ok(sums)
    })
}

/// What is added at an index: every pair of denormal, huge, ordinary and scattered, in either sign.
fn operands(i: u32) -> (f32, f32) {
    (operand(i % 4, 2 * i), operand(i / 4 % 4, 2 * i + 1))
}

/// A finite number whose sum with any other is finite.
fn operand(class: u32, seed: u32) -> f32 {
    let bits = scrambled(seed, 1);
    let exponent = match class {
        0 => 0,
        1 => 253,
        2 => 127,
        _ => 96 + bits % 64,
    };
    f32::from_bits(bits & 0x807f_ffff | exponent << 23)
}

/// What came back against what this processor makes of the same operands.
fn compare(sums: &[f32]) -> VectorAdd {
    let exact = |i| {
        let (a, b) = operands(i);
        a + b
    };
    let (wrong, first_wrong) = differing(sums, exact);
    VectorAdd { elements: ELEMENTS, wrong, first_wrong }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums() -> Vec<f32> {
        (0..ELEMENTS).map(operands).map(|(a, b)| a + b).collect()
    }

    #[test]
    fn operands_are_of_every_kind_and_sums_are_finite() {
        let operands: Vec<f32> = (0..ELEMENTS).flat_map(|i| [operands(i).0, operands(i).1]).collect();
        assert!(operands.iter().any(|x| x.is_subnormal()) && operands.iter().any(|x| x.is_sign_negative()));
        assert!(operands.iter().any(|x| x.abs() > 1e38));
        assert!(sums().iter().any(|x| x.is_subnormal()));
        assert!(sums().iter().all(|x| x.is_finite()));
        let poison = u32::from_ne_bytes([POISON; 4]);
        assert!(sums().iter().all(|x| x.to_bits() != poison));
        assert_ne!(ELEMENTS % BLOCK, 0);
    }

    #[test]
    fn one_bit_is_enough() {
        let mut sums = sums();
        assert_eq!(compare(&sums), VectorAdd { elements: ELEMENTS, wrong: 0, first_wrong: None });
        sums[77_777] = f32::from_bits(sums[77_777].to_bits() ^ 1);
        assert_eq!(compare(&sums), VectorAdd { elements: ELEMENTS, wrong: 1, first_wrong: Some(77_777) });
    }
}
