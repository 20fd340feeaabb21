//! Numbers that look like chance and are the same in every run, and what came back against what is exact.

/// Bits that a seed decides; another key gives others.
pub(in crate::probe) fn scrambled(seed: u32, key: u32) -> u32 {
    let mut bits = seed.wrapping_mul(0x9e37_79b9) ^ key.wrapping_mul(0x85eb_ca6b);
    bits ^= bits >> 15;
    bits = bits.wrapping_mul(0xc2b2_ae35);
    bits ^ bits >> 13
}

/// How many numbers differ in any bit from the exact one of their index, and the index of the first.
pub(in crate::probe) fn differing(found: &[f32], exact: impl Fn(u32) -> f32) -> (u32, Option<u32>) {
    let differs = |(index, found): &(u32, &f32)| found.to_bits() != exact(*index).to_bits();
    let mut wrong = (0..).zip(found).filter(differs).map(|(index, _)| index);
    let first = wrong.next();
    let others = u32::try_from(wrong.count()).unwrap_or(u32::MAX);
    (others.saturating_add(first.is_some().into()), first)
}
