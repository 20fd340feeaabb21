//! The host as Linux counts it: what cores did, what was swapped, who waited, how busy the disks were.
//!
//! Invariants: everything is read below the root; a file that is missing or makes no sense costs its own value; what
//! Linux counts never runs backwards here, though some of it does.

use crate::root::Root;
use gpucheck_checks::fact::{HostSample, ProbeFailure};
use std::{collections::BTreeMap, time::Duration};

/// Most that is read of a file, in bytes: `/proc/stat` of a large machine has some hundred thousand.
const TEXT: u64 = 1 << 20;
/// Disks that are made of other disks, or of memory.
const MADE_UP: [&str; 7] = ["loop", "ram", "zram", "dm-", "md", "sr", "fd"];

/// What is compared with what it was before.
#[derive(Debug, Default)]
struct Counters {
    at: Duration,
    all: Times,
    cores: BTreeMap<u32, Times>,
    swapped_in: u64,
    swapped_out: u64,
    /// Milliseconds at work, by disk.
    disks: BTreeMap<String, u64>,
}

/// Time of a core, in ticks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Times {
    total: u64,
    idle: u64,
    waiting: u64,
}

/// The host, from one sample to the next.
#[derive(Debug)]
pub(super) struct Host {
    root: Root,
    before: Option<Counters>,
}

impl Host {
    pub(super) fn new(root: &Root) -> Self {
        Self { root: root.clone(), before: None }
    }

    /// A sample about the time since the one before; none the first time.
    ///
    /// # Errors
    /// `/proc/stat` cannot be read, or holds no core.
    pub(super) fn sample(&mut self, at: Duration) -> Result<Option<HostSample>, ProbeFailure> {
        let now = self.read(at)?;
        let sample = self.before.as_ref().map(|before| self.compare(before, &now));
        self.before = Some(now);
        Ok(sample)
    }

    fn read(&self, at: Duration) -> Result<Counters, ProbeFailure> {
        let path = "/proc/stat";
        let refused = |name: &str, message: String| ProbeFailure::Refused {
            step: format!("read {path}"),
            code: 0,
            name: name.to_owned(),
            message,
        };
        let text = self.root.bytes(path, TEXT).map_err(|error| refused("unreadable", error.to_string()))?;
        let (all, cores) = times(&String::from_utf8_lossy(&text));
        if cores.is_empty() {
            return Err(refused("no answer", "it names no processor".to_owned()));
        }
        let swapped = self.text("/proc/vmstat");
        let swapped = |word| named(&swapped, word).unwrap_or_default();
        let (swapped_in, swapped_out) = (swapped("pswpin"), swapped("pswpout"));
        Ok(Counters { at, all, cores, swapped_in, swapped_out, disks: disks(&self.text("/proc/diskstats")) })
    }

    fn compare(&self, before: &Counters, now: &Counters) -> HostSample {
        let elapsed = u64::try_from(now.at.saturating_sub(before.at).as_millis()).unwrap_or(u64::MAX);
        let busy = |(core, times): (&u32, &Times)| {
            let before = before.cores.get(core).copied().unwrap_or(*times);
            let since = times.since(before);
            percent(since.total.saturating_sub(since.idle).saturating_sub(since.waiting), since.total)
        };
        let all = now.all.since(before.all);
        let at_work = |(name, at_work): (&String, &u64)| {
            let before = before.disks.get(name)?;
            Some((name.clone(), percent(at_work.saturating_sub(*before), elapsed)))
        };
        let disks = now.disks.iter().filter_map(at_work);
        HostSample {
            at_ms: u64::try_from(now.at.as_millis()).unwrap_or(u64::MAX),
            cores: now.cores.iter().map(busy).collect(),
            waiting: percent(all.waiting, all.total),
            memory_available: memory_available(&self.text("/proc/meminfo")),
            swapped_in: now.swapped_in.saturating_sub(before.swapped_in),
            swapped_out: now.swapped_out.saturating_sub(before.swapped_out),
            memory_pressure: pressure(&self.text("/proc/pressure/memory")),
            disk_pressure: pressure(&self.text("/proc/pressure/io")),
            // Of equals the first by name.
            busiest_disk: disks.max_by(|(one, busy), (other, than)| busy.cmp(than).then(other.cmp(one))),
        }
    }

    fn text(&self, path: &str) -> String {
        String::from_utf8_lossy(&self.root.bytes(path, TEXT).unwrap_or_default()).into_owned()
    }
}

impl Times {
    /// `user nice system idle iowait irq softirq steal guest guest_nice`; guests are part of user.
    fn of(words: &[&str]) -> Self {
        let ticks = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok()).unwrap_or_default();
        let total = (0..8).map(ticks).fold(0, u64::saturating_add);
        Self { total, idle: ticks(3), waiting: ticks(4) }
    }

    fn since(self, before: Self) -> Self {
        Self {
            total: self.total.saturating_sub(before.total),
            idle: self.idle.saturating_sub(before.idle),
            waiting: self.waiting.saturating_sub(before.waiting),
        }
    }
}

/// All cores together, and each by its number.
fn times(stat: &str) -> (Times, BTreeMap<u32, Times>) {
    let (mut all, mut cores) = (Times::default(), BTreeMap::new());
    for line in stat.lines() {
        let Some(rest) = line.strip_prefix("cpu") else { continue };
        let words: Vec<&str> = rest.split_whitespace().collect();
        if rest.starts_with(' ') {
            all = Times::of(&words);
        } else if let [number, words @ ..] = words.as_slice()
            && let Ok(number) = number.parse()
        {
            cores.insert(number, Times::of(words));
        }
    }
    (all, cores)
}

/// A number behind its name: `pswpin 12`.
fn named(text: &str, name: &str) -> Option<u64> {
    let words = text.lines().filter_map(|line| line.split_once(' '));
    words.into_iter().find(|(word, _)| *word == name)?.1.trim().parse().ok()
}

/// `MemAvailable:   1234 kB`, in bytes.
fn memory_available(meminfo: &str) -> u64 {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default().saturating_mul(1024)
}

/// `some avg10=1.23 ...`, in percent.
fn pressure(text: &str) -> Option<u8> {
    let line = text.lines().find_map(|line| line.strip_prefix("some "))?;
    let average = line.split_whitespace().find_map(|word| word.strip_prefix("avg10="))?;
    let (whole, part) = average.split_once('.').unwrap_or((average, "0"));
    let whole: u8 = whole.parse().ok().filter(|whole| *whole <= 100)?;
    let up = part.bytes().next().is_some_and(|digit| digit >= b'5');
    Some(whole.saturating_add(u8::from(up)).min(100))
}

/// Milliseconds at work of each whole disk: the tenth number behind its name.
fn disks(diskstats: &str) -> BTreeMap<String, u64> {
    let words = diskstats.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    let all: BTreeMap<String, u64> = words
        .filter_map(|words| {
            let name = words.get(2)?;
            let is_made_up = MADE_UP.iter().any(|prefix| {
                name.strip_prefix(prefix).is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
            });
            let at_work = words.get(12)?.parse().ok()?;
            (!is_made_up).then(|| ((*name).to_owned(), at_work))
        })
        .collect();
    let whole: Vec<String> = all.keys().filter(|name| !is_part(name, &all)).cloned().collect();
    all.into_iter().filter(|(name, _)| whole.contains(name)).collect()
}

/// Whether a disk is a partition of another: `sda1` of `sda`, `nvme0n1p2` of `nvme0n1`. A disk may end with a digit.
fn is_part(name: &str, all: &BTreeMap<String, u64>) -> bool {
    let disk = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let number = name.strip_prefix(disk).unwrap_or_default();
    let of_letters = !number.is_empty() && all.contains_key(disk);
    let of_digits = || {
        let disk = disk.strip_suffix('p').filter(|disk| disk.ends_with(|c: char| c.is_ascii_digit()));
        !number.is_empty() && disk.is_some_and(|disk| all.contains_key(disk))
    };
    of_letters || of_digits()
}

/// A part in percent, as whole as it can be.
pub(super) fn percent(part: u64, whole: u64) -> u8 {
    let percent = part.saturating_mul(100).saturating_add(whole / 2).checked_div(whole).unwrap_or_default();
    u8::try_from(percent.min(100)).unwrap_or(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cores_are_read_by_their_numbers() {
        let stat =
            "cpu  10 1 5 80 4 0 0 0 9 0\ncpu0 10 0 0 80 4 0 0 6 9 0\ncpu12 1 1\ncpux 1 2\ncpu\nintr 5\n";
        let (all, cores) = times(stat);
        assert_eq!(all, Times { total: 100, idle: 80, waiting: 4 });
        assert_eq!(cores.keys().copied().collect::<Vec<_>>(), [0, 12]);
        assert_eq!(cores[&0], Times { total: 100, idle: 80, waiting: 4 });
        assert_eq!(cores[&12], Times { total: 2, idle: 0, waiting: 0 });
    }

    #[test]
    fn pressure_is_rounded_and_none_where_there_is_none() {
        let text = |average: &str| format!("some avg10={average} avg60=0.00 total=1\nfull avg10=99.00\n");
        for (average, percent) in [
            ("0.00", Some(0)),
            ("12.49", Some(12)),
            ("12.50", Some(13)),
            ("100.00", Some(100)),
            ("7", Some(7)),
        ] {
            assert_eq!(pressure(&text(average)), percent, "{average}");
        }
        for average in ["", "-1.0", "nan", "1000.0"] {
            assert_eq!(pressure(&text(average)), None, "{average}");
        }
        assert_eq!(pressure(""), None);
    }

    #[test]
    fn partitions_and_what_is_made_of_disks_do_not_count() {
        let line = |name: &str, at_work: u64| format!(" 8 0 {name} 1 2 3 4 5 6 7 8 9 {at_work} 11\n");
        let names = [
            "sda",
            "sda1",
            "sdaa",
            "nvme0n1",
            "nvme0n1p1",
            "nvme1n1",
            "xvda1",
            "mmcblk0",
            "mmcblk0p2",
            "loop3",
            "ram0",
            "zram0",
            "dm-0",
            "md127",
            "sr0",
        ];
        let text: String = names.iter().map(|name| line(name, 5)).collect();
        let whole = disks(&format!("{text}garbage\n 8 0 sdb 1 2\n"));
        let kept: Vec<&str> = whole.keys().map(String::as_str).collect();
        assert_eq!(kept, ["mmcblk0", "nvme0n1", "nvme1n1", "sda", "sdaa", "xvda1"]);
        assert_eq!(whole["sda"], 5);
    }

    #[test]
    fn parts_of_nothing_are_nothing() {
        assert_eq!((percent(1, 0), percent(5, 2), percent(1, 3), percent(2, 3)), (0, 100, 33, 67));
        assert_eq!(percent(u64::MAX, u64::MAX), 1);
    }
}
