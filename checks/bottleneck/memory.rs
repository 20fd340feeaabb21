//! Whether the machine is short of memory, and moves it to and from disk.

use super::is_watched;
use crate::{
    fact::{Facts, GroupLimits, HostLoad, HostSample, ProcessorUse},
    readings::size,
};

/// Bytes of a page on x86-64.
const PAGE: u64 = 4096;
/// Swap traffic that is felt, in bytes a second: a disk of a cloud reads some hundred pages a second one by one, so this
/// is a core that does nothing but wait.
const TRAFFIC: u64 = 1 << 20;
/// Time in which some program waited for memory, in percent, that is felt: a tenth of all time is lost.
///
/// Source: <https://docs.kernel.org/accounting/psi.html>.
const PRESSURE: u8 = 10;
/// The same where no swap shows it: what programs are made of is thrown out and read again.
const HEAVY_PRESSURE: u8 = 20;
/// The part of memory that Linux cannot do without, as a divisor.
const LAST_PART: u64 = 50;
/// The part of its limit at which a control group is full, in percent: what it uses is told a moment late.
const GROUP_FULL: u64 = 95;

/// Whether the machine pages.
pub(crate) enum Paging {
    /// It does not.
    Fine(String),
    /// It does, or it is about to.
    Pages {
        /// What was seen.
        summary: String,
        /// Lines that prove it.
        evidence: Vec<String>,
        /// It is the limit of a control group, and not the machine.
        of_group: bool,
    },
}

/// Whether the machine pages; none where nobody saw its memory.
pub(crate) fn paging(facts: &Facts) -> Option<Paging> {
    if !is_watched(facts) {
        return None;
    }
    let load = facts.load.seen()?;
    let host = load.host.seen()?;
    let told = |sample: &&HostSample| sample.memory_available > 0;
    let least = host.samples.iter().filter(told).map(|sample| sample.memory_available).min()?;
    let memory = Memory { host, total: total(facts), least, lasted_ms: load.lasted_ms.max(1) };
    Some(memory.paging())
}

fn total(facts: &Facts) -> Option<u64> {
    facts.platform.seen()?.memory.seen().map(|memory| memory.total).filter(|total| *total > 0)
}

struct Memory<'a> {
    host: &'a HostLoad,
    total: Option<u64>,
    least: u64,
    lasted_ms: u64,
}

impl Memory<'_> {
    fn paging(&self) -> Paging {
        let read = self.rate(|sample| sample.swapped_in);
        let written = self.rate(|sample| sample.swapped_out);
        let pressure = self.pressure();
        let presses = |from: u8| pressure.is_some_and(|pressure| pressure >= from);
        let left = match self.total {
            Some(total) => format!("{} available of {}", size(self.least), size(total)),
            None => format!("{} available", size(self.least)),
        };
        let full_group = self.full_group().filter(|_| presses(PRESSURE) || read >= TRAFFIC);
        let is_out = self.total.is_some_and(|total| self.least < total / LAST_PART);
        let swaps = read >= TRAFFIC || (written >= TRAFFIC && presses(PRESSURE));
        if !(swaps || is_out || presses(HEAVY_PRESSURE) || full_group.is_some()) {
            return Paging::Fine(left);
        }
        let traffic = (read > 0 || written > 0)
            .then(|| format!("swap: {} read and {} written each second", rate(read), rate(written)));
        let waited = pressure.map(|pressure| format!("programs waited for memory {pressure} % of the time"));
        let largest = self.host.processes.iter().max_by_key(|used| used.memory).map(holds);
        let of_group = full_group.is_some() && !is_out;
        let summary =
            full_group.filter(|_| of_group).or_else(|| traffic.clone()).unwrap_or_else(|| left.clone());
        let evidence = [traffic, waited, Some(left), largest].into_iter().flatten();
        Paging::Pages { evidence: evidence.filter(|line| *line != summary).collect(), summary, of_group }
    }

    /// Bytes a second, over all that was watched.
    fn rate(&self, pages: impl Fn(&HostSample) -> u64) -> u64 {
        let sum = self.host.samples.iter().map(pages).fold(0_u64, u64::saturating_add);
        sum.saturating_mul(PAGE).saturating_mul(1000) / self.lasted_ms
    }

    /// At the mean: each is itself a mean over the ten seconds before.
    fn pressure(&self) -> Option<u8> {
        let told = self.host.samples.iter().filter_map(|sample| sample.memory_pressure);
        let told: Vec<u32> = told.filter(|percent| *percent <= 100).map(u32::from).collect();
        let mean = told.iter().sum::<u32>().checked_div(u32::try_from(told.len()).ok()?)?;
        u8::try_from(mean).ok()
    }

    fn full_group(&self) -> Option<String> {
        let GroupLimits { memory: Some(limit), memory_used: Some(used), .. } = self.host.limits? else {
            return None;
        };
        let is_full = limit > 0 && u128::from(used) * 100 >= u128::from(limit) * u128::from(GROUP_FULL);
        is_full.then(|| format!("{} used of the {} that it may use", size(used), size(limit)))
    }
}

fn rate(bytes: u64) -> String {
    if bytes < 1 << 20 { format!("{} KiB", bytes >> 10) } else { size(bytes) }
}

fn holds(used: &ProcessorUse) -> String {
    format!("process {} ({}) holds {}", used.pid, used.name, size(used.memory))
}
