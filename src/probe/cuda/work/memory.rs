//! Memory written and read again, each word a function of its place.

use super::super::api::{DevicePointer, Handle};
use super::{bench::Bench, garbled};
use gpucheck_checks::{
    fact::{MemoryFault, MemoryTest, Observed, Pass, Pattern, ProbeFailure},
    kernels::{CHECK, WRITE},
};

/// The largest piece that is taken at once, in bytes.
const LARGEST: u64 = 1 << 30;
/// The smallest, where more is wanted.
const SMALLEST: u64 = 32 << 20;
/// In what CUDA gives memory.
const PAGE: u64 = 2 << 20;
/// Wrong words that are told one by one.
const MOST: usize = 16;
/// Words of a report before those, and of each of them.
const HEAD: usize = 4;
/// `CUDA_ERROR_OUT_OF_MEMORY`.
const OUT_OF_MEMORY: i64 = 2;
/// What makes a walking bit a walking gap.
const GAP: u32 = 1 << 31;

/// A piece of memory.
#[derive(Clone, Copy)]
pub(super) struct Chunk {
    pub(super) address: DevicePointer,
    pub(super) bytes: u64,
    /// The index of its first word.
    first: u64,
}

/// Pieces of memory, and where the device tells what is wrong in them.
pub(super) struct Region {
    pub(super) chunks: Vec<Chunk>,
    report: DevicePointer,
}

/// What a check told.
struct Report {
    wrong: u64,
    /// Index, wanted and read of the first few.
    told: Vec<(u64, u32, u32)>,
}

/// Takes so many bytes, or as many of them as there are.
pub(super) fn take(bench: &mut Bench<'_, '_>, wanted: u64) -> Result<Region, ProbeFailure> {
    let report = bench.take(((HEAD + 4 * MOST) * size_of::<u32>()) as u64)?;
    let mut region = Region { chunks: Vec::new(), report };
    let mut refused = None;
    let mut size = whole(wanted.min(LARGEST));
    let smallest = size.clamp(1, SMALLEST);
    while size >= smallest {
        match bench.take(size) {
            Ok(address) => {
                region.chunks.push(Chunk { address, bytes: size, first: region.bytes() / 4 });
                size = whole(size.min(wanted - region.bytes()));
            }
            Err(by) if by.refusal_code() == Some(OUT_OF_MEMORY) => {
                refused = Some(by);
                size = whole(size / 2);
            }
            Err(by) => return Err(by),
        }
    }
    match refused {
        Some(by) if region.chunks.is_empty() => Err(by),
        Some(_) | None => Ok(region),
    }
}

/// As many whole pages; of less than one, as many quads of words.
fn whole(bytes: u64) -> u64 {
    bytes - bytes % if bytes >= PAGE { PAGE } else { 512 }
}

impl Region {
    pub(super) fn bytes(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.bytes).sum()
    }

    /// Where a word is.
    fn address(&self, index: u64) -> Option<u64> {
        let chunk = self.chunks.iter().rev().find(|chunk| chunk.first <= index)?;
        let offset = (index - chunk.first).checked_mul(4).filter(|offset| *offset < chunk.bytes)?;
        Some(chunk.address + offset)
    }
}

/// Tests all of it with each pattern. After each, whoever is told may end it by saying no.
pub(super) fn test(
    bench: &mut Bench<'_, '_>,
    region: &Region,
    passes: &[(Pattern, u32)],
    mut tell: impl FnMut(&mut Bench<'_, '_>, &MemoryTest) -> bool,
) -> Observed<MemoryTest> {
    let mut test = MemoryTest { bytes: region.bytes(), passes: Vec::new(), wrong: 0, faults: Vec::new() };
    for (pattern, seed) in passes {
        if let Err(by) = pass(bench, region, (*pattern, *seed), &mut test) {
            return if test.passes.is_empty() {
                Observed::Failed(by)
            } else {
                Observed::Interrupted { seen: test, by }
            };
        }
        if !tell(bench, &test) {
            break;
        }
    }
    Observed::Seen(test)
}

fn pass(
    bench: &mut Bench<'_, '_>,
    region: &Region,
    (pattern, seed): (Pattern, u32),
    test: &mut MemoryTest,
) -> Result<(), ProbeFailure> {
    let (kernels, word) = kernels(pattern, seed);
    let (write, check) = (bench.function(kernels.0)?, bench.function(kernels.1)?);
    let write_us = bench.timed(|bench| {
        region.chunks.iter().try_for_each(|chunk| {
            let arguments = &mut [chunk.address, quads(chunk), chunk.first, word.into()];
            bench.launch_over(write, quads(chunk), arguments)
        })
    })?;
    let (report, check_us) = compare(bench, region, &region.chunks, (check, kernels.1, word))?;
    test.wrong += report.wrong;
    for (index, written, read) in report.told {
        let address = region.address(index);
        let address =
            address.ok_or_else(|| garbled(kernels.1, format!("word {index} was not asked about")))?;
        if test.faults.len() < MOST {
            test.faults.push(MemoryFault { address, pattern, written, read });
        }
    }
    test.passes.push(Pass { pattern, seed, write_us, check_us });
    Ok(())
}

/// The kernels that write and check a pattern, and the word that they take for the seed.
fn kernels(pattern: Pattern, seed: u32) -> ((&'static str, &'static str), u32) {
    let [write_address, write_scattered, write_walking] = WRITE;
    let [check_address, check_scattered, check_walking] = CHECK;
    match pattern {
        Pattern::Address => ((write_address, check_address), 0),
        Pattern::Inverse => ((write_address, check_address), u32::MAX),
        Pattern::Random => ((write_scattered, check_scattered), seed),
        Pattern::WalkingBit => ((write_walking, check_walking), seed & !GAP),
        Pattern::WalkingGap => ((write_walking, check_walking), seed | GAP),
    }
}

fn quads(chunk: &Chunk) -> u64 {
    chunk.bytes / 16
}

/// Compares with what should be there, and times that.
fn compare(
    bench: &mut Bench<'_, '_>,
    region: &Region,
    chunks: &[Chunk],
    (check, name, word): (Handle, &str, u32),
) -> Result<(Report, u64), ProbeFailure> {
    let mut report = [0_u32; HEAD + 4 * MOST];
    bench.api.fill_words(region.report, 0, report.len())?;
    let check_us = bench.timed(|bench| {
        chunks.iter().try_for_each(|chunk| {
            let most = MOST as u64;
            let arguments = &mut [chunk.address, quads(chunk), chunk.first, word.into(), region.report, most];
            bench.launch_over(check, quads(chunk), arguments)
        })
    })?;
    bench.api.download(&mut report, region.report)?;
    let quads = chunks.iter().map(quads).sum();
    read(&report, quads).map(|report| (report, check_us)).map_err(|message| garbled(name, message))
}

/// Reads a report. A check that compared less than it should have says nothing.
fn read(report: &[u32], quads: u64) -> Result<Report, String> {
    let [wrong, compared, _, _, entries @ ..] = report else { return Err("a short report".to_owned()) };
    if u64::from(*compared) != quads % (1 << 32) {
        return Err(format!("{compared} quads were compared, not {quads}"));
    }
    let entry = |entry: &[u32; 4]| {
        let [low, high, wanted, seen] = *entry;
        (u64::from(high) << 32 | u64::from(low), wanted, seen)
    };
    let told = entries.as_chunks::<4>().0.iter().map(entry);
    // What is told differs, and the rest is zero.
    let told: Vec<_> = told.filter(|(_, wanted, seen)| wanted != seen).collect();
    // 2^32 wrong words count as none.
    Ok(Report { wrong: u64::from(*wrong).max(told.len() as u64), told })
}

/// Writes a scattered pattern that begins at its beginning.
pub(super) fn scatter(
    bench: &mut Bench<'_, '_>,
    to: DevicePointer,
    bytes: u64,
    seed: u32,
) -> Result<(), ProbeFailure> {
    let ((write, _), word) = kernels(Pattern::Random, seed);
    let function = bench.function(write)?;
    bench.launch_over(function, bytes / 16, &mut [to, bytes / 16, 0, word.into()])
}

/// Bytes that are not those of that pattern.
pub(super) fn not_scattered(
    bench: &mut Bench<'_, '_>,
    region: &Region,
    (address, bytes, seed): (DevicePointer, u64, u32),
) -> Result<u64, ProbeFailure> {
    let ((_, name), word) = kernels(Pattern::Random, seed);
    let function = bench.function(name)?;
    let (report, _) = compare(bench, region, &[Chunk { address, bytes, first: 0 }], (function, name, word))?;
    let told: u64 = report.told.iter().map(|(_, wanted, seen)| differing(*wanted, *seen)).sum();
    Ok(told + 4 * (report.wrong - report.told.len() as u64))
}

/// Bytes in which two words differ.
pub(super) fn differing(a: u32, b: u32) -> u64 {
    (a ^ b).to_le_bytes().iter().filter(|byte| **byte != 0).count() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn region() -> Region {
        let chunk = |address, bytes, first| Chunk { address, bytes, first };
        Region { chunks: vec![chunk(0x1000, 64, 0), chunk(0x9000, 32, 16)], report: 1 }
    }

    #[test]
    fn a_word_is_where_its_piece_is() {
        let region = region();
        assert_eq!(region.bytes(), 96);
        let places =
            [(0, Some(0x1000)), (15, Some(0x103c)), (16, Some(0x9000)), (23, Some(0x901c)), (24, None)];
        for (index, address) in places {
            assert_eq!(region.address(index), address, "{index}");
        }
        assert_eq!(region.address(u64::MAX), None);
    }

    #[test]
    fn pieces_are_whole_pages() {
        assert_eq!([5 << 20, (2 << 20) - 1, 1000, 511].map(whole), [4 << 20, (2 << 20) - 512, 512, 0]);
    }

    #[test]
    fn a_check_that_never_ran_finds_nothing_and_says_so() {
        let mut report = [0; HEAD + 4 * MOST];
        assert!(read(&report, 100).is_err());
        report[1] = 100;
        assert_eq!(read(&report, 100).unwrap().wrong, 0);
        assert_eq!(read(&report, (1 << 32) + 100).unwrap().wrong, 0);
        assert!(read(&report[..3], 100).is_err());
    }

    #[test]
    fn all_words_wrong_are_not_none() {
        let mut report = [0; HEAD + 4 * MOST];
        report[4..8].copy_from_slice(&[7, 1, 0xff, 0xfe]);
        let report = read(&report, 1 << 32).unwrap();
        assert_eq!((report.wrong, report.told), (1, vec![(1 << 32 | 7, 0xff, 0xfe)]));
    }

    #[test]
    fn bytes_that_differ_are_counted() {
        assert_eq!(
            [differing(0, 0), differing(0, 1), differing(0xff00_0000, 1), differing(0, u32::MAX)],
            [0, 1, 2, 4]
        );
    }
}
