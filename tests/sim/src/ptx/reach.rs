//! Memory, as the threads of a block reach it.
//!
//! Invariant: nothing is read or written but within what [`Reach`] gives.

use super::{Access, threads::Mask};
use crate::cuda::{ILLEGAL_ADDRESS, MISALIGNED_ADDRESS};

/// Memory in pieces.
pub(crate) trait Reach {
    /// The piece that an address is in, and where it begins; none where nobody has this address.
    fn around(&mut self, address: u64) -> Option<(u64, &mut [u8])>;
    /// Something was written into the piece that begins here.
    fn written(&mut self, _start: u64) {}
}

/// A block's own memory, whose addresses begin at 0.
pub(super) struct Shared(Vec<u8>);

impl Shared {
    pub(super) fn new(size: usize) -> Self {
        Self(vec![0; size])
    }

    /// What nobody has written yet is not zero by luck.
    pub(super) fn forget(&mut self) {
        self.0.fill(0xcc);
    }
}

impl Reach for Shared {
    fn around(&mut self, _address: u64) -> Option<(u64, &mut [u8])> {
        Some((0, &mut self.0))
    }
}

/// How much of a piece of memory was accessed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Touched {
    /// Bytes, as often as they were loaded or stored.
    pub(crate) bytes: u64,
    /// The lowest address, and the one behind the highest.
    low: u64,
    end: u64,
}

impl Touched {
    pub(super) const NOTHING: Self = Self { bytes: 0, low: u64::MAX, end: 0 };

    pub(super) fn join(&mut self, other: Self) {
        self.bytes += other.bytes;
        self.low = self.low.min(other.low);
        self.end = self.end.max(other.end);
    }

    /// Bytes that come from memory or go there where a cache has so many: what all lies within it comes once.
    pub(crate) fn traffic(self, cache: u64) -> u64 {
        let span = self.end.saturating_sub(self.low);
        if span <= cache { self.bytes.min(span) } else { self.bytes }
    }
}

/// Hands the bytes that each thread accesses to `each`, in the order of the threads, and tells `leave` of each piece of
/// memory, by where it begins, how much of it was accessed.
#[inline]
pub(super) fn access<M: Reach>(
    memory: &mut M,
    bases: &[u64],
    (at, width): (Access, usize),
    threads: &Mask,
    mut each: impl FnMut(usize, &mut [u8]),
    mut leave: impl FnMut(&mut M, u64, Touched),
) -> Result<(), u32> {
    let crooked = width as u64 - 1;
    let mut piece: Option<(u64, &mut [u8])> = None;
    let mut touched = Touched::NOTHING;
    for (lane, base) in bases.iter().enumerate().filter(|(lane, _)| threads.has(*lane)) {
        let address = base.wrapping_add_signed(at.offset);
        if address & crooked != 0 {
            return Err(MISALIGNED_ADDRESS);
        }
        let inside = |(start, bytes): &mut (u64, &mut [u8])| {
            let from = usize::try_from(address.wrapping_sub(*start)).unwrap_or(usize::MAX);
            from.checked_add(width).is_some_and(|end| end <= bytes.len()).then_some(from)
        };
        let mut from = piece.as_mut().and_then(inside);
        if from.is_none() {
            if let Some((start, _)) = piece.take() {
                leave(memory, start, std::mem::replace(&mut touched, Touched::NOTHING));
            }
            piece = memory.around(address);
            from = piece.as_mut().and_then(inside);
        }
        let (Some(from), Some((_, bytes))) = (from, piece.as_mut()) else { return Err(ILLEGAL_ADDRESS) };
        touched.join(Touched { bytes: width as u64, low: address, end: address + width as u64 });
        if let Some(bytes) = bytes.get_mut(from..from + width) {
            each(lane, bytes);
        }
    }
    if let Some((start, _)) = piece {
        leave(memory, start, touched);
    }
    Ok(())
}

/// The number that so many bytes are.
#[inline]
pub(super) fn read(bytes: &[u8], width: usize) -> u64 {
    if let (4, Some(bytes)) = (width, bytes.first_chunk()) {
        return u32::from_le_bytes(*bytes).into();
    }
    if let (8, Some(bytes)) = (width, bytes.first_chunk()) {
        return u64::from_le_bytes(*bytes);
    }
    bytes.iter().take(width).rev().fold(0, |value, byte| value << 8 | u64::from(*byte))
}

/// Puts a number into so many bytes.
#[inline]
pub(super) fn write(bytes: &mut [u8], width: usize, value: u64) {
    let value = value.to_le_bytes();
    if let (4, Some(bytes), Some(value)) = (width, bytes.first_chunk_mut::<4>(), value.first_chunk::<4>()) {
        *bytes = *value;
        return;
    }
    bytes.iter_mut().take(width).zip(value).for_each(|(to, from)| *to = from);
}
