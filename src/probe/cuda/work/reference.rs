//! What this processor makes of what the GPUs compute.

use crate::probe::cuda::exact::scrambled;

/// Matrices by rows, as bits, and their exact product.
pub(super) struct Operands {
    pub(super) size: u32,
    pub(super) a: Vec<u32>,
    pub(super) b: Vec<u32>,
    pub(super) exact: Vec<u32>,
}

/// The greatest absolute value of the floats that are multiplied. With 1024 products of two, no partial sum exceeds 2^22,
/// and up to 2^24 every integer is a float: whatever the order, the sum is exact.
const GREATEST: i16 = 64;

/// A product of integers modulo 2^32.
pub(super) fn integers(size: u32) -> Operands {
    let elements = size * size;
    let a: Vec<u32> = (0..elements).map(|i| scrambled(2 * i, 1)).collect();
    let b: Vec<u32> = (0..elements).map(|i| scrambled(2 * i + 1, 1)).collect();
    let exact = product(size, &a, &b, |sum, a, b| sum.wrapping_add(a.wrapping_mul(b)));
    Operands { size, a, b, exact }
}

/// A product of floats that are small integers, as bits.
pub(super) fn floats(size: u32) -> Operands {
    let elements = size * size;
    let a: Vec<f32> = (0..elements).map(|i| small(2 * i)).collect();
    let b: Vec<f32> = (0..elements).map(|i| small(2 * i + 1)).collect();
    let exact = product(size, &a, &b, |sum, a, b| sum + a * b);
    let bits = |floats: Vec<f32>| floats.into_iter().map(f32::to_bits).collect();
    Operands { size, a: bits(a), b: bits(b), exact: bits(exact) }
}

/// Row by row of the second matrix, so that memory is read as it lies.
fn product<T: Copy + Default>(size: u32, a: &[T], b: &[T], add: impl Fn(T, T, T) -> T) -> Vec<T> {
    let size = size as usize;
    let mut product = Vec::with_capacity(a.len());
    for row in a.chunks_exact(size) {
        let mut sums = vec![T::default(); size];
        for (left, rights) in row.iter().zip(b.chunks_exact(size)) {
            for (sum, right) in sums.iter_mut().zip(rights) {
                *sum = add(*sum, *left, *right);
            }
        }
        product.extend(sums);
    }
    product
}

fn small(seed: u32) -> f32 {
    let range = u32::from(2 * GREATEST.unsigned_abs() + 1);
    let within = i16::try_from(scrambled(seed, 1) % range).unwrap_or_default();
    f32::from(within - GREATEST)
}

/// Four words of the scattered pattern: what `gpucheck_write_scattered` writes to a quad of this number.
pub(super) fn scattered(quad: u32, seed: u32) -> [u32; 4] {
    let mut x = (quad ^ seed).wrapping_mul(0x9e37_79b1);
    x ^= x >> 15;
    x = x.wrapping_mul(0x85eb_ca77);
    let y = x ^ x >> 13;
    [y, !y ^ x, x.wrapping_add(0xc2b2_ae3d), y << 9 ^ x]
}

/// Results of `gpucheck_compute` by the thread's number modulo 32.
pub(super) fn ends(rounds: u32, factor: f32, summand: f32) -> [u32; 32] {
    let mut ends = [0; 32];
    for (thread, end) in (0_u8..).zip(&mut ends) {
        let mut chains = [0.0; 8];
        for (i, chain) in (0_u8..).zip(&mut chains) {
            *chain = f32::from(thread) * 8.0 + f32::from(i);
        }
        for _ in 0..8 * u64::from(rounds) {
            for chain in &mut chains {
                *chain = chain.mul_add(factor, summand);
            }
        }
        *end = chains.iter().fold(0, |bits, chain: &f32| bits ^ chain.to_bits());
    }
    ends
}

#[cfg(test)]
mod tests {
    use super::super::bench::POISON;
    use super::*;

    #[test]
    fn every_partial_sum_of_floats_is_exact() {
        let most = 1024 * u32::from(GREATEST.unsigned_abs()).pow(2);
        assert!(most <= 1 << 24);
        let operands = floats(128);
        let float = |bits: u32| f64::from(f32::from_bits(bits));
        for (row, column) in [(0, 0), (17, 99), (127, 127)] {
            // With twice the digits.
            let products =
                (0..128).map(|k| float(operands.a[row * 128 + k]) * float(operands.b[k * 128 + column]));
            let exact: f64 = products.sum();
            assert_eq!(float(operands.exact[row * 128 + column]).to_bits(), exact.to_bits());
        }
        assert!(operands.a.iter().any(|bits| f32::from_bits(*bits) < 0.0));
    }

    #[test]
    fn integers_overflow() {
        let operands = integers(64);
        let wide: u128 = (0..64).map(|k| u128::from(operands.a[k]) * u128::from(operands.b[k * 64])).sum();
        assert!(wide > u128::from(u32::MAX));
        assert_eq!(u128::from(operands.exact[0]), wide & 0xffff_ffff);
    }

    #[test]
    fn no_result_is_what_stands_there_before() {
        for operands in [integers(256), floats(256)] {
            assert!(!operands.exact.contains(&POISON));
        }
    }

    #[test]
    fn words_are_scattered() {
        let words: std::collections::BTreeSet<u32> = (0..4096).flat_map(|quad| scattered(quad, 7)).collect();
        assert!(words.len() > 16_000, "{}", words.len());
        assert_ne!(scattered(0, 7), scattered(0, 8));
    }
}
