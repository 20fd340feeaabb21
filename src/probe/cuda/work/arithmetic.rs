//! Fused multiply-adds, as many as the device can, against the same chains on this processor.

use super::{
    bench::{Bench, POISON, THREADS},
    reference,
};
use gpucheck_checks::{
    fact::{Arithmetic, ProbeFailure},
    kernels::COMPUTE,
};

/// What each chain is multiplied with and what is added, again and again: from 0 to 255 they run towards 100, so slowly that
/// after [`MOST_ROUNDS`] they still differ.
const FACTOR: f32 = 0.9999;
const SUMMAND: f32 = 0.01;
/// Most rounds of a launch, of 8 steps each: this processor does them too.
const MOST_ROUNDS: u32 = 2048;
/// Operations of a thread in a round: 8 chains, 8 steps, 2 operations.
const OPERATIONS: u64 = 8 * 8 * 2;
/// Most launches.
const MOST_LAUNCHES: u64 = 10_000;

/// Computes for about so many microseconds.
pub(super) fn compute(bench: &mut Bench<'_, '_>, enough_us: u64) -> Result<Arithmetic, ProbeFailure> {
    bench.with_taken(|bench| {
        let function = bench.function(COMPUTE)?;
        let (blocks, threads) = (bench.blocks, u64::from(bench.blocks) * u64::from(THREADS));
        let mut results = vec![POISON; usize::try_from(threads).unwrap_or_default()];
        let to = bench.take(threads * size_of::<u32>() as u64)?;
        let launch = |bench: &mut Bench<'_, '_>, rounds: u32, times: u64| {
            bench.api.fill_words(to, POISON, results.len())?;
            bench.timed_of(enough_us, |bench| {
                (0..times).try_for_each(|_| {
                    let numbers = [FACTOR, SUMMAND].map(|number| u64::from(number.to_bits()));
                    let [factor, summand] = numbers;
                    let arguments = &mut [to, rounds.into(), factor, summand];
                    bench.api.launch_with(function, ((blocks, 1), (THREADS, 1)), arguments)
                })
            })
        };
        let (mut rounds, mut times) = (1, 1);
        let (mut device_us, mut done) = launch(bench, rounds, times)?;
        while rounds < MOST_ROUNDS && done < 1000 {
            rounds = more(rounds, done);
            (device_us, done) = launch(bench, rounds, times)?;
        }
        if done < 1000 {
            times = 1000_u64.div_ceil(done).min(MOST_LAUNCHES);
            (device_us, _) = launch(bench, rounds, times)?;
        }
        bench.api.download(&mut results, to)?;
        let operations = threads * OPERATIONS * u64::from(rounds) * times;
        Ok(Arithmetic { operations, device_us, wrong: wrong(&results, rounds) })
    })
}

/// Rounds that are about enough, where so many were so many thousandths of that. Where little tells little, some more.
fn more(rounds: u32, done: u64) -> u32 {
    let times = u32::try_from(1000 / done.max(1)).unwrap_or(u32::MAX).clamp(2, 16);
    rounds.saturating_mul(times).min(MOST_ROUNDS)
}

/// Threads whose result is not this processor's.
fn wrong(results: &[u32], rounds: u32) -> u64 {
    let ends = reference::ends(rounds, FACTOR, SUMMAND);
    let right = results.iter().zip(ends.iter().cycle());
    right.filter(|(result, end)| result != end).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_results_differ_by_thread_and_by_round() {
        let ends = reference::ends(MOST_ROUNDS, FACTOR, SUMMAND);
        assert_eq!(BTreeSet::from(ends).len(), 32);
        assert_ne!(reference::ends(MOST_ROUNDS - 1, FACTOR, SUMMAND), ends);
        assert!(!ends.contains(&POISON));
    }

    #[test]
    fn chains_stay_apart_and_finite() {
        let mut chains = [0.0_f32, 1.0, 254.0, 255.0];
        for _ in 0..8 * MOST_ROUNDS {
            chains = chains.map(|chain| chain.mul_add(FACTOR, SUMMAND));
        }
        assert!(
            chains.is_sorted_by(|a, b| a < b) && chains.iter().all(|chain| chain.is_finite()),
            "{chains:?}"
        );
    }

    #[test]
    fn one_bit_of_one_thread_is_enough() {
        let ends = reference::ends(3, FACTOR, SUMMAND);
        let mut results: Vec<u32> = ends.iter().copied().cycle().take(512).collect();
        assert_eq!(wrong(&results, 3), 0);
        results[300] ^= 1;
        assert_eq!(wrong(&results, 3), 1);
        assert_eq!(wrong(&[POISON; 512], 3), 512);
    }

    #[test]
    fn rounds_grow_to_the_time() {
        assert_eq!([more(1, 1), more(100, 333), more(1000, 1), more(4, 900)], [16, 300, MOST_ROUNDS, 8]);
    }
}
