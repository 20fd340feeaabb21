//! What each process used of a GPU: `nvmlDeviceGetProcessUtilization`.
//!
//! Invariant: drivers have told processes of number 0, percents beyond a hundred and samples that were told before;
//! none of them counts.

use crate::probe::nvml::{
    asked::{Asked, refusal},
    lists::INSUFFICIENT_SIZE,
};
use gpucheck_checks::fact::{GpuUse, Observed, ProbeFailure};
use nvml_wrapper_sys::bindings::nvmlProcessUtilizationSample_t as Sample;
use std::{collections::BTreeMap, ffi::c_uint, mem::zeroed};

/// `NVML_ERROR_NOT_FOUND`: no process used anything since.
const NOT_FOUND: u32 = 6;
/// Room beyond what was told to be needed.
const SPARE: c_uint = 16;
/// Most entries that are asked for.
const MOST: c_uint = 4096;
/// Calls until the room is given up on.
const ROUNDS: usize = 4;
/// Most processes that are told.
const PROCESSES: usize = 256;

/// What was used up to now.
#[derive(Debug, Default)]
pub(super) struct Used {
    /// The newest sample that was told, in the driver's microseconds; none before the first look.
    last: Option<u64>,
    /// Looks that were answered.
    looks: u64,
    /// Percent of the multiprocessors and of the memory, by process, over all looks.
    sums: BTreeMap<u32, (u64, u64)>,
    refused: Option<ProbeFailure>,
}

impl Used {
    /// Asks for what was used since the last look. One that is refused is not asked again.
    pub(super) fn ask(&mut self, asked: &mut Asked<'_>) {
        if self.refused.is_some() {
            return;
        }
        match samples(asked, self.last.unwrap_or_default()) {
            Ok(samples) => self.take(&samples),
            Err(by) => self.refused = Some(by),
        }
    }

    fn take(&mut self, samples: &[Sample]) {
        let newest = samples.iter().map(|sample| sample.timeStamp).max().unwrap_or_default();
        let Some(last) = self.last else {
            // What the driver remembers from before we looked.
            self.last = Some(newest);
            return;
        };
        self.looks += 1;
        self.last = Some(last.max(newest));
        let mut of_look: BTreeMap<u32, (u64, u64, u64)> = BTreeMap::new();
        for sample in samples.iter().filter(|sample| sample.timeStamp > last && is_sane(sample)) {
            let (sm, memory, count) = of_look.entry(sample.pid).or_default();
            *sm += u64::from(sample.smUtil);
            *memory += u64::from(sample.memUtil);
            *count += 1;
        }
        for (pid, (sm, memory, count)) in of_look {
            if self.sums.len() < PROCESSES || self.sums.contains_key(&pid) {
                let sum = self.sums.entry(pid).or_default();
                *sum = (sum.0 + sm / count.max(1), sum.1 + memory / count.max(1));
            }
        }
    }

    /// What each process used, at the mean over all looks.
    pub(super) fn told(&self) -> Observed<Vec<GpuUse>> {
        let mean = |sum: u64| u32::try_from(sum / self.looks.max(1)).unwrap_or(u32::MAX);
        let used = self.sums.iter().map(|(pid, (sm, memory))| GpuUse {
            pid: *pid,
            activity: mean(*sm),
            memory_activity: mean(*memory),
        });
        match &self.refused {
            None if self.looks == 0 => Observed::not_probed("asked once, which tells what was before"),
            None => Observed::Seen(used.collect()),
            Some(by) if self.looks == 0 => Observed::Failed(by.clone()),
            Some(by) => Observed::Interrupted { seen: used.collect(), by: by.clone() },
        }
    }
}

fn is_sane(sample: &Sample) -> bool {
    sample.pid > 0 && sample.smUtil <= 100 && sample.memUtil <= 100
}

/// The samples since a time of the driver's; none where there are none.
fn samples(asked: &mut Asked<'_>, since: u64) -> Result<Vec<Sample>, ProbeFailure> {
    let name = "nvmlDeviceGetProcessUtilization";
    let lib = asked.lib;
    let mut room: Vec<Sample> = Vec::new();
    let mut count: c_uint = 0;
    let mut code = INSUFFICIENT_SIZE;
    for _ in 0..ROUNDS {
        let entries = if room.is_empty() { std::ptr::null_mut() } else { room.as_mut_ptr() };
        code = asked.code(name, &lib.nvmlDeviceGetProcessUtilization, |list, device| {
            // SAFETY: nvml.h declares this signature; the room has as many entries as are announced.
            unsafe { list(device, entries, &raw mut count, since) }
        })?;
        let is_short = code == INSUFFICIENT_SIZE || (code == 0 && room.is_empty() && count > 0);
        if !is_short {
            break;
        }
        count = count.saturating_add(SPARE).min(MOST);
        // SAFETY: a structure of numbers; all zeros is a value of it.
        room = vec![unsafe { zeroed() }; usize::try_from(count).unwrap_or_default()];
    }
    match code {
        0 => {
            room.truncate(usize::try_from(count).unwrap_or_default());
            Ok(room)
        }
        NOT_FOUND => Ok(Vec::new()),
        code => Err(refusal(name, code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample(pid: u32, at: u64, sm: u32, memory: u32) -> Sample {
        Sample { pid, timeStamp: at, smUtil: sm, memUtil: memory, encUtil: 0, decUtil: 0 }
    }

    fn used(looks: &[&[Sample]]) -> Vec<(u32, u32, u32)> {
        let mut used = Used::default();
        for look in looks {
            used.take(look);
        }
        let told = used.told();
        told.seen().unwrap().iter().map(|one| (one.pid, one.activity, one.memory_activity)).collect()
    }

    #[test]
    fn a_process_that_rests_half_the_time_uses_half() {
        let looks: [&[Sample]; 5] =
            [&[], &[sample(7, 1, 80, 40)], &[], &[sample(7, 3, 80, 40), sample(8, 3, 4, 2)], &[]];
        assert_eq!(used(&looks), [(7, 40, 20), (8, 1, 0)]);
    }

    #[test]
    fn what_was_before_and_what_cannot_be_does_not_count() {
        let before = [sample(7, 5, 100, 100)];
        let again = [
            sample(7, 5, 100, 100),
            sample(0, 6, 9, 9),
            sample(9, 6, 4_000_000, 1),
            sample(7, 6, 10, 1),
            sample(7, 7, 30, 3),
        ];
        assert_eq!(used(&[&before, &again]), [(7, 20, 2)]);
        assert_eq!(used(&[&before, &[]]), []);
    }

    #[test]
    fn before_the_second_look_nothing_is_told() {
        let mut used = Used::default();
        used.take(&[sample(7, 5, 100, 100)]);
        assert_eq!(used.told().seen(), None);
        used.refused = Some(refusal("nvmlDeviceGetProcessUtilization", 3));
        assert_eq!(used.told().refusal_code(), Some(3));
    }
}
