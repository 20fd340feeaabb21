//! Copies within the device's memory, from the host and to it.

use super::super::api::PageLocked;
use super::{
    bench::{Bench, POISON},
    memory::{self, Region},
    reference,
};
use gpucheck_checks::fact::{ProbeFailure, Transfer};

/// Time of the device that is measured, in microseconds.
const ENOUGH: u64 = 20_000;
/// Most copies for it.
const MOST: u64 = 50;
/// Bytes of the host for a copy.
const HOST: u64 = 32 << 20;
/// Any seed will do.
const SEED: u32 = 0x5eed_0001;

/// A copy within the region.
pub(super) fn within(bench: &mut Bench<'_, '_>, region: &Region) -> Result<Transfer, ProbeFailure> {
    let (from, half) = first(region, 2);
    let to = from + half;
    memory::scatter(bench, from, half, SEED)?;
    poison(bench, to, half)?;
    let length = usize::try_from(half).unwrap_or_default();
    let (bytes, device_us) = repeat(bench, half, |bench| bench.api.copy(to, from, length))?;
    let wrong = memory::not_scattered(bench, region, (to, half, SEED))?;
    Ok(Transfer { bytes, device_us, wrong })
}

/// From the host and to it: the first is the copy to it, since the host's bytes are written by the device.
pub(super) struct Host {
    pages: PageLocked,
    bytes: u64,
}

impl Host {
    /// Takes memory of the host.
    pub(super) fn new(bench: &mut Bench<'_, '_>, region: &Region) -> Result<Self, ProbeFailure> {
        let bytes = first(region, 1).1.min(HOST);
        let pages = bench.api.lock_pages(usize::try_from(bytes / 4).unwrap_or_default())?;
        Ok(Self { pages, bytes })
    }

    /// Gives it back.
    pub(super) fn close(self, bench: &mut Bench<'_, '_>) -> Result<(), ProbeFailure> {
        bench.api.unlock_pages(self.pages)
    }

    pub(super) fn download(
        &mut self,
        bench: &mut Bench<'_, '_>,
        region: &Region,
    ) -> Result<Transfer, ProbeFailure> {
        let (from, _) = first(region, 1);
        memory::scatter(bench, from, self.bytes, SEED)?;
        self.pages.words().fill(POISON);
        let pages = &mut self.pages;
        let (bytes, device_us) = repeat(bench, self.bytes, |bench| bench.api.begin_download(pages, from))?;
        let mut wrong = 0;
        for (quad, words) in (0..).zip(self.pages.words().as_chunks::<4>().0) {
            let wanted = reference::scattered(quad, SEED);
            if *words != wanted {
                wrong += words
                    .iter()
                    .zip(wanted)
                    .map(|(word, wanted)| memory::differing(*word, wanted))
                    .sum::<u64>();
            }
        }
        Ok(Transfer { bytes, device_us, wrong })
    }

    pub(super) fn upload(
        &mut self,
        bench: &mut Bench<'_, '_>,
        region: &Region,
    ) -> Result<Transfer, ProbeFailure> {
        let (to, _) = first(region, 1);
        // Another seed: what the download left must not pass for it.
        let seed = !SEED;
        for (quad, words) in (0..).zip(self.pages.words().as_chunks_mut::<4>().0) {
            *words = reference::scattered(quad, seed);
        }
        poison(bench, to, self.bytes)?;
        let pages = &self.pages;
        let (bytes, device_us) = repeat(bench, self.bytes, |bench| bench.api.begin_upload(to, pages))?;
        let wrong = memory::not_scattered(bench, region, (to, self.bytes, seed))?;
        Ok(Transfer { bytes, device_us, wrong })
    }
}

/// The first part of so many of the region's first piece: its address and length.
fn first(region: &Region, parts: u64) -> (u64, u64) {
    region.chunks.first().map_or((0, 0), |chunk| {
        let bytes = chunk.bytes / parts;
        (chunk.address, bytes - bytes % 256)
    })
}

fn poison(bench: &mut Bench<'_, '_>, to: u64, bytes: u64) -> Result<(), ProbeFailure> {
    bench.api.fill_words(to, POISON, usize::try_from(bytes / 4).unwrap_or_default())
}

/// Copies once, then as often as makes a time that can be measured. Bytes copied in it, and the time.
fn repeat(
    bench: &mut Bench<'_, '_>,
    bytes: u64,
    mut copy: impl FnMut(&mut Bench<'_, '_>) -> Result<(), ProbeFailure>,
) -> Result<(u64, u64), ProbeFailure> {
    let (once, done) = bench.timed_of(ENOUGH, &mut copy)?;
    let times = times(done);
    if times == 1 {
        return Ok((bytes, once));
    }
    let device_us = bench.timed(|bench| (0..times).try_for_each(|_| copy(bench)))?;
    Ok((bytes * times, device_us))
}

/// How often, where once is so many thousandths of what is enough.
fn times(done: u64) -> u64 {
    1000_u64.div_ceil(done.max(1)).clamp(1, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_takes_long_is_done_once() {
        assert_eq!([0, 1, 20, 750, 1000, 50_000].map(times), [50, 50, 50, 2, 1, 1]);
    }
}
