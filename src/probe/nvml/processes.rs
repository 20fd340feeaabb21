//! Processes on a device, whatever length the library gives an entry.
//!
//! `nvmlProcessInfo_t` was 16 bytes (first version), then 24; drivers 535.43 to 535.98 write 32 under the name of
//! the third version (nvitop issue 88, gpustat issue 161). Whoever believes the header there reads rubbish or has
//! his heap overwritten. So the room is filled with a pattern, is large enough for any length, and the length is
//! concluded from how much of the pattern is gone.

use super::{
    asked::{Asked, refusal},
    lists::INSUFFICIENT_SIZE,
};
use crate::probe::stat;
use gpucheck_checks::fact::{GpuProcess, ProbeFailure};
use nvml_wrapper_sys::bindings::{nvmlDevice_t, nvmlReturn_t};
use std::ffi::{c_uint, c_void};

/// Room for one entry, in bytes: twice the longest seen.
const ENTRY: usize = 64;
/// Entries more than the count told, for processes that start between the two calls.
const SPARE: u32 = 8;
/// What the room is filled with before the call.
const FILL: u8 = 0xaa;
/// Rounds after which a list that keeps growing is given up.
const ROUNDS: usize = 4;
/// Linux numbers processes below this (`PID_MAX_LIMIT`).
const PIDS: u32 = 1 << 22;

/// How far from gpucheck its processes are: Pythons that it starts may start others.
const GENERATIONS: usize = 8;

/// The call, whichever version of it.
type List = unsafe extern "C" fn(nvmlDevice_t, *mut c_uint, *mut c_void) -> nvmlReturn_t;

/// The first of a call's versions that the library has, newest first, under one type.
macro_rules! newest {
    ($lib:expr, $($symbol:ident: $entry:ty),+) => {{
        let mut found: Option<(&'static str, List)> = None;
        $(if found.is_none() && let Ok(list) = $lib.$symbol.as_ref() {
            // SAFETY: the types differ only in what the third pointer points to.
            let list = unsafe {
                std::mem::transmute::<
                    unsafe extern "C" fn(nvmlDevice_t, *mut c_uint, *mut $entry) -> nvmlReturn_t, List
                >(*list)
            };
            found = Some((stringify!($symbol), list));
        })+
        found
    }};
}

/// Processes with a compute context.
pub(super) fn compute(asked: &mut Asked<'_>) -> Result<Vec<GpuProcess>, ProbeFailure> {
    use nvml_wrapper_sys::bindings::{nvmlProcessInfo_t, nvmlProcessInfo_v1_t, nvmlProcessInfo_v2_t};
    let found = newest!(
        asked.lib,
        nvmlDeviceGetComputeRunningProcesses_v3: nvmlProcessInfo_t,
        nvmlDeviceGetComputeRunningProcesses_v2: nvmlProcessInfo_v2_t,
        nvmlDeviceGetComputeRunningProcesses: nvmlProcessInfo_v1_t
    );
    list(asked, "nvmlDeviceGetComputeRunningProcesses", found)
}

/// Processes with a graphics context.
pub(super) fn graphics(asked: &mut Asked<'_>) -> Result<Vec<GpuProcess>, ProbeFailure> {
    use nvml_wrapper_sys::bindings::{nvmlProcessInfo_t, nvmlProcessInfo_v1_t, nvmlProcessInfo_v2_t};
    let found = newest!(
        asked.lib,
        nvmlDeviceGetGraphicsRunningProcesses_v3: nvmlProcessInfo_t,
        nvmlDeviceGetGraphicsRunningProcesses_v2: nvmlProcessInfo_v2_t,
        nvmlDeviceGetGraphicsRunningProcesses: nvmlProcessInfo_v1_t
    );
    list(asked, "nvmlDeviceGetGraphicsRunningProcesses", found)
}

fn list(
    asked: &mut Asked<'_>,
    any: &'static str,
    found: Option<(&'static str, List)>,
) -> Result<Vec<GpuProcess>, ProbeFailure> {
    let (name, list) = found.map_or((any, Err(())), |(name, list)| (name, Ok(list)));
    let mut room: Vec<u64> = Vec::new();
    let mut count: c_uint = 0;
    let mut code = INSUFFICIENT_SIZE;
    for _ in 0..ROUNDS {
        let entries = if room.is_empty() { std::ptr::null_mut() } else { room.as_mut_ptr().cast() };
        code = asked.code(name, &list, |list, device| {
            // SAFETY: the room has ENTRY bytes for each entry that `count` allows, more than any version
            // writes, and is aligned for its 64-bit members; none is announced while there is no room.
            unsafe { list(device, &raw mut count, entries) }
        })?;
        if code != INSUFFICIENT_SIZE {
            break;
        }
        count = count.saturating_add(SPARE).min(1 << 16);
        room = vec![u64::from_ne_bytes([FILL; 8]); to_usize(count) * ENTRY / size_of::<u64>()];
    }
    if code != 0 {
        return Err(refusal(name, code));
    }
    let bytes: Vec<u8> = room.iter().flat_map(|word| word.to_ne_bytes()).collect();
    parse(&bytes, to_usize(count)).map_err(|message| ProbeFailure::Garbled { step: name.to_owned(), message })
}

fn to_usize(count: u32) -> usize {
    usize::try_from(count).unwrap_or_default()
}

/// The entries in a room that had been filled with [`FILL`].
fn parse(room: &[u8], count: usize) -> Result<Vec<GpuProcess>, String> {
    if count == 0 || room.is_empty() {
        return Ok(Vec::new());
    }
    let written = room.iter().rposition(|byte| *byte != FILL).map_or(0, |last| last + 1);
    let stride = written.div_ceil(count).next_multiple_of(8).max(16);
    // The known lengths come after the concluded one: a library may clear more than it fills.
    let mut strides = [stride, 24, 32, 16].into_iter();
    let entries = strides.find_map(|stride| entries(room, count, stride));
    entries.ok_or_else(|| format!("{count} entries of unknown layout in {written} bytes"))
}

/// The entries at this distance from each other; none where one cannot be a process.
fn entries(room: &[u8], count: usize, stride: usize) -> Option<Vec<GpuProcess>> {
    room.chunks(stride).take(count).map(entry).collect::<Option<Vec<_>>>().filter(|all| all.len() == count)
}

fn entry(bytes: &[u8]) -> Option<GpuProcess> {
    let (pid, rest) = bytes.split_first_chunk::<4>()?;
    let pid = u32::from_ne_bytes(*pid);
    let memory = u64::from_ne_bytes(*rest.get(4..)?.first_chunk::<8>()?);
    // nvml.h: NVML_VALUE_NOT_AVAILABLE is all ones.
    let memory =
        Some(memory).filter(|memory| *memory != u64::MAX && *memory != u64::from_ne_bytes([FILL; 8]));
    (1..PIDS).contains(&pid).then(|| GpuProcess { pid, memory, name: name(pid), ours: is_ours(pid) })
}

/// Whether a process descends from the one that started this worker: gpucheck itself.
fn is_ours(pid: u32) -> bool {
    let gpucheck = parent(std::process::id());
    let mut ancestors = std::iter::successors(Some(pid), |pid| parent(*pid)).take(GENERATIONS);
    gpucheck.is_some_and(|gpucheck| gpucheck > 1 && ancestors.any(|ancestor| ancestor == gpucheck))
}

/// A process's parent, the second word after its name in `/proc/PID/stat`.
fn parent(pid: u32) -> Option<u32> {
    let stat = std::fs::read(format!("/proc/{pid}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let (_, words) = stat::split(&stat)?;
    words.get(1)?.parse().ok()
}

fn name(pid: u32) -> Option<String> {
    let comm = std::fs::read(format!("/proc/{pid}/comm")).ok()?;
    Some(String::from_utf8_lossy(&comm).trim_end_matches('\n').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pid(i: usize) -> u32 {
        3_000_000 + u32::try_from(i).unwrap()
    }

    /// What a library with entries of this length writes for so many processes.
    fn written(stride: usize, count: usize, members: usize) -> Vec<u8> {
        let mut room = vec![FILL; (count + 8) * ENTRY];
        for i in 0..count {
            let entry = &mut room[i * stride..][..stride];
            entry[..4].copy_from_slice(&pid(i).to_ne_bytes());
            entry[8..16].copy_from_slice(&(1000 + i as u64).to_ne_bytes());
            // Instance ids are all ones without MIG; the rest is zero.
            entry[16..members.max(16)].fill(0);
            if members >= 24 {
                entry[16..24].fill(0xff);
            }
        }
        room
    }

    #[test]
    fn every_length_is_concluded() {
        for (stride, members) in [(16, 16), (24, 24), (32, 32), (32, 24), (40, 40)] {
            for count in [1, 2, 3, 5, 16, 40] {
                let processes = parse(&written(stride, count, members), count).unwrap();
                let seen: Vec<_> = processes.iter().map(|one| (one.pid, one.memory)).collect();
                let expected: Vec<_> = (0..count).map(|i| (pid(i), Some(1000 + i as u64))).collect();
                assert_eq!(seen, expected, "{count} of {stride} bytes, {members} written");
            }
        }
    }

    #[test]
    fn memory_that_is_not_told_is_none() {
        let mut room = written(24, 1, 24);
        room[8..16].fill(0xff);
        assert_eq!(parse(&room, 1).unwrap()[0].memory, None);
    }

    #[test]
    fn a_room_that_was_cleared_is_read_by_the_known_lengths() {
        let mut room = written(24, 3, 24);
        room.iter_mut().skip(3 * 24).for_each(|byte| *byte = 0);
        assert_eq!(parse(&room, 3).unwrap().len(), 3);
    }

    #[test]
    fn what_cannot_be_processes_is_garbled() {
        assert!(parse(&[0xff; 640], 2).is_err());
        assert!(parse(&[FILL; 640], 2).is_err());
        assert_eq!(parse(&[], 0), Ok(Vec::new()));
    }

    #[test]
    fn the_parents_processes_are_ours_and_those_before_it_are_not() {
        let parent = parent(std::process::id()).unwrap();
        assert!(is_ours(std::process::id()) && is_ours(parent));
        assert!(!is_ours(1) && !is_ours(PIDS - 1));
    }

    #[test]
    fn a_process_has_its_name() {
        let own = std::fs::read_to_string("/proc/self/comm").unwrap();
        assert_eq!(name(std::process::id()).as_deref(), Some(own.trim_end()));
    }
}
