//! The processes that use the processors, by `/proc/PID/stat`.
//!
//! Invariants: gpucheck's own are left out; all processes are looked at seldom, the busiest and the one that was asked
//! about often; a number that comes to another process is another process.

use super::host::percent;
use crate::{
    probe::stat::{self, TICKS},
    root::Root,
};
use gpucheck_checks::fact::ProcessorUse;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

/// Processes that are told, beside the one that was asked about.
const TOLD: usize = 8;
/// Most processes that are looked at, and how long one look may take.
const PROCESSES: usize = 20_000;
const LIMIT: Duration = Duration::from_millis(500);
/// Most threads of a process that are looked at.
const THREADS: usize = 512;
/// From one look at all processes to the next; ten times as long as the look took, if that is more.
const ALL_EVERY: Duration = Duration::from_secs(1);
/// Most ancestors of a process that are told.
const ANCESTORS: usize = 16;
/// `PF_KTHREAD` of Linux: a thread of its own, such as `hv_balloon`, which waits without a disk all its life.
const OF_LINUX: u64 = 0x0020_0000;
/// Bytes of a page, on x86-64.
const PAGE: u64 = 4096;

/// A line of `stat`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stat {
    pub(super) name: String,
    /// `R`, `S`, `D`, `Z`.
    pub(super) state: char,
    parent: u32,
    of_linux: bool,
    /// Time on processors, in ticks.
    ticks: u64,
    /// When it was started, in ticks since Linux was.
    pub(super) started: u64,
    memory: u64,
}

impl Stat {
    /// What Linux says of a process or a thread now.
    pub(super) fn of(root: &Root, folder: &str) -> Option<Self> {
        let bytes = root.bytes(&format!("{folder}/stat"), 4 << 10).ok()?;
        Self::parse(&String::from_utf8_lossy(&bytes))
    }

    /// It waits for a disk.
    fn waits(&self) -> bool {
        self.state == 'D' && !self.of_linux
    }

    fn parse(text: &str) -> Option<Self> {
        let (name, words) = stat::split(text)?;
        let number = |at: usize| words.get(at)?.parse::<u64>().ok();
        Some(Self {
            name: name.to_owned(),
            state: words.first()?.chars().next()?,
            parent: u32::try_from(number(1)?).ok()?,
            of_linux: number(6).is_some_and(|flags| flags & OF_LINUX != 0),
            ticks: number(11)?.checked_add(number(12)?)?,
            started: number(19)?,
            memory: number(21)?.saturating_mul(PAGE),
        })
    }
}

/// The processes that were seen.
#[derive(Debug)]
pub(super) struct Programs {
    root: Root,
    asked: Option<u32>,
    own: Option<u32>,
    known: BTreeMap<u32, Known>,
    /// Those that are looked at every time.
    close: BTreeSet<u32>,
    next_all: Duration,
    looked_at_all: bool,
    at: Duration,
}

#[derive(Debug)]
struct Known {
    stat: Stat,
    /// Ticks before it was watched.
    before: u64,
    looks: u64,
    waited: u64,
    /// Threads by number: ticks before they were watched, and the last ones.
    threads: BTreeMap<u32, (u64, u64)>,
    threads_since: Option<Duration>,
}

impl Programs {
    pub(super) fn new(root: &Root, asked: Option<u32>) -> Self {
        Self {
            root: root.clone(),
            asked,
            own: root.is_this_machine().then(std::process::id),
            known: BTreeMap::new(),
            close: asked.into_iter().collect(),
            next_all: Duration::ZERO,
            looked_at_all: false,
            at: Duration::ZERO,
        }
    }

    /// Looks at the busiest processes, and now and then at all.
    pub(super) fn look(&mut self, at: Duration) {
        self.at = at;
        if at >= self.next_all {
            self.look_at_all(at);
        } else {
            for pid in self.close.clone() {
                self.look_at(pid);
            }
        }
        for pid in self.close.clone() {
            self.look_at_threads(pid, at);
        }
    }

    fn look_at_all(&mut self, at: Duration) {
        let start = Instant::now();
        let names = self.root.names("/proc");
        let pids = names.iter().filter_map(|name| name.parse::<u32>().ok()).take(PROCESSES);
        let first = self.asked.into_iter();
        for pid in first.chain(pids.filter(|pid| Some(*pid) != self.asked).collect::<Vec<_>>()) {
            if start.elapsed() > LIMIT {
                break;
            }
            self.look_at(pid);
        }
        let took = start.elapsed();
        // What comes up between the first two looks is seen early.
        let every = if self.looked_at_all { ALL_EVERY } else { ALL_EVERY / 4 };
        self.looked_at_all = true;
        self.next_all = at + every.max(took * 10);
        self.close = self.busiest().into_iter().chain(self.asked).collect();
    }

    fn look_at(&mut self, pid: u32) {
        let Some(stat) = Stat::of(&self.root, &format!("/proc/{pid}")) else { return };
        if self.own.is_some_and(|own| pid == own || stat.parent == own) {
            return;
        }
        let is_new = self.looked_at_all;
        let started = stat.started;
        let fresh = || Known::new(stat.clone(), is_new);
        let known = self.known.entry(pid).or_insert_with(fresh);
        if known.stat.started != started {
            *known = Known::new(stat.clone(), true);
        }
        known.looks += 1;
        known.waited += u64::from(stat.waits());
        known.stat = stat;
    }

    fn look_at_threads(&mut self, pid: u32, at: Duration) {
        let Some(known) = self.known.get_mut(&pid) else { return };
        let folder = format!("/proc/{pid}/task");
        let mut one_waits = false;
        for thread in self.root.some_names(&folder, THREADS) {
            let stat = Stat::of(&self.root, &format!("{folder}/{thread}"));
            let (Some(stat), Ok(number)) = (stat, thread.parse()) else { continue };
            one_waits |= stat.waits();
            // One that comes while the others are watched has done nothing before.
            let before = if known.threads_since.is_some() { 0 } else { stat.ticks };
            known.threads.entry(number).or_insert((before, 0)).1 = stat.ticks;
        }
        known.threads_since.get_or_insert(at);
        known.waited += u64::from(one_waits && !known.stat.waits());
    }

    fn busiest(&self) -> Vec<u32> {
        let mut pids: Vec<(u32, &Known)> = self.known.iter().map(|(pid, known)| (*pid, known)).collect();
        pids.retain(|(_, known)| known.used() > 0 || known.waited > 0);
        pids.sort_by_key(|(pid, known)| (std::cmp::Reverse((known.used(), known.waited)), *pid));
        pids.into_iter().map(|(pid, _)| pid).take(TOLD).collect()
    }

    /// The busiest, and the one that was asked about.
    pub(super) fn told(&self) -> Vec<ProcessorUse> {
        let busiest = self.busiest();
        let asked = self.asked.filter(|asked| !busiest.contains(asked));
        let told = busiest.into_iter().chain(asked);
        let told = told.filter_map(|pid| {
            let ancestors = self.ancestors(pid);
            Some(ProcessorUse { ancestors, ..self.known.get(&pid)?.told(pid, self.at) })
        });
        told.collect()
    }

    /// Who started a process, the nearest first.
    fn ancestors(&self, pid: u32) -> Vec<u32> {
        let parent = |pid: &u32| self.known.get(pid).map(|known| known.stat.parent).filter(|pid| *pid > 0);
        std::iter::successors(parent(&pid), parent).take(ANCESTORS).collect()
    }
}

impl Known {
    fn new(stat: Stat, is_new: bool) -> Self {
        let before = if is_new { 0 } else { stat.ticks };
        Self { stat, before, looks: 0, waited: 0, threads: BTreeMap::new(), threads_since: None }
    }

    /// Ticks while it was watched.
    fn used(&self) -> u64 {
        self.stat.ticks.saturating_sub(self.before)
    }

    fn told(&self, pid: u32, at: Duration) -> ProcessorUse {
        let threads = self.threads.values().map(|(before, last)| last.saturating_sub(*before));
        let watched = at.saturating_sub(self.threads_since.unwrap_or(at));
        ProcessorUse {
            pid,
            name: self.stat.name.clone(),
            ancestors: Vec::new(),
            percent: of_core(self.used(), at),
            busiest_thread: of_core(threads.max().unwrap_or_default(), watched),
            memory: self.stat.memory,
            has_compiler: None,
            waiting: percent(self.waited, self.looks),
        }
    }
}

/// Ticks in a time, in percent of a core.
fn of_core(ticks: u64, time: Duration) -> u32 {
    let time = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let percent = ticks.saturating_mul(100_000 / TICKS).checked_div(time).unwrap_or_default();
    u32::try_from(percent).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn line(pid: u32, name: &str, state: char, ticks: u64, started: u64) -> String {
        let zeros = "0 ".repeat(6);
        format!("{pid} ({name}) {state} 1 1 1 0 -1 0 0 0 0 0 {ticks} 0 {zeros}{started} 4096 10 0\n")
    }

    fn write(tree: &tempfile::TempDir, pid: u32, text: &str) {
        for folder in [format!("proc/{pid}"), format!("proc/{pid}/task/{pid}")] {
            fs::create_dir_all(tree.path().join(&folder)).unwrap();
            fs::write(tree.path().join(folder).join("stat"), text).unwrap();
        }
    }

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_name_may_hold_anything() {
        let stat = Stat::parse(&line(7, "a) S 1 (\n", 'D', 5, 9)).unwrap();
        assert_eq!((stat.name.as_str(), stat.state, stat.ticks, stat.started), ("a) S 1 (\n", 'D', 5, 9));
        assert_eq!(stat.memory, 10 * PAGE);
        for text in ["", "7 (x", "7 (x) R", "7 (x) R 1 2", ")(", "7 x) R 1", "\u{fffd}"] {
            assert_eq!(Stat::parse(text), None, "{text}");
        }
    }

    #[test]
    fn who_computes_is_told_first_and_who_was_asked_about_always() {
        let tree = tempfile::tempdir().unwrap();
        let mut programs = Programs::new(&Root::new(tree.path()), Some(30));
        (10..=30).for_each(|pid| write(&tree, pid, &line(pid, "idle", 'S', 700, 1)));
        write(&tree, 5, "no line of stat");
        programs.look(seconds(0));
        write(&tree, 11, &line(11, "half", 'R', 750, 1));
        write(&tree, 12, &line(12, "waits", 'D', 700, 1));
        // It came meanwhile: all that it used counts.
        write(&tree, 13, &line(13, "new", 'R', 200, 9000));
        programs.look(seconds(1));
        let told = programs.told();
        let brief: Vec<_> = told.iter().map(|one| (one.pid, one.percent, one.waiting)).collect();
        assert_eq!(brief, [(13, 200, 0), (11, 50, 0), (12, 0, 50), (30, 0, 0)]);
        assert_eq!(told[3].memory, 10 * PAGE);
    }

    #[test]
    fn the_busiest_thread_is_told_of_what_is_watched_closely() {
        let tree = tempfile::tempdir().unwrap();
        let mut programs = Programs::new(&Root::new(tree.path()), Some(7));
        write(&tree, 7, &line(7, "python", 'S', 100, 1));
        programs.look(seconds(0));
        let thread = tree.path().join("proc/7/task/8");
        fs::create_dir_all(&thread).unwrap();
        fs::write(thread.join("stat"), line(8, "python", 'D', 180, 1)).unwrap();
        write(&tree, 7, &line(7, "python", 'S', 300, 1));
        programs.look(seconds(2));
        let [one] = programs.told().try_into().unwrap();
        assert_eq!((one.percent, one.busiest_thread, one.waiting), (100, 100, 50));
    }

    #[test]
    fn who_started_a_process_is_told_as_far_as_it_is_seen() {
        let tree = tempfile::tempdir().unwrap();
        let mut programs = Programs::new(&Root::new(tree.path()), Some(7));
        let of = |pid: u32, parent: u32| {
            line(pid, "python", 'R', 5, 1).replacen(" R 1 ", &format!(" R {parent} "), 1)
        };
        for (pid, parent) in [(7, 6), (6, 5), (5, 4), (9, 9)] {
            write(&tree, pid, &of(pid, parent));
        }
        programs.look(seconds(0));
        assert_eq!(programs.told()[0].ancestors, [6, 5, 4]);
        assert_eq!(programs.ancestors(9), [9; ANCESTORS], "no kernel says so, and it ends");
    }

    #[test]
    fn a_thread_of_linux_waits_for_no_disk() {
        let tree = tempfile::tempdir().unwrap();
        let mut programs = Programs::new(&Root::new(tree.path()), None);
        // hv_balloon of a virtual machine on Hyper-V: it adds one to the load average for ever.
        let balloon = line(90, "hv_balloon", 'D', 0, 1).replacen(" -1 0 ", " -1 2129984 ", 1);
        write(&tree, 90, &balloon);
        write(&tree, 91, &line(91, "python", 'D', 0, 1));
        (0..3).for_each(|second| programs.look(seconds(second)));
        let told = programs.told();
        assert_eq!(told.iter().map(|one| (one.pid, one.waiting)).collect::<Vec<_>>(), [(91, 100)]);
    }

    #[test]
    fn who_has_ended_keeps_what_it_used() {
        let tree = tempfile::tempdir().unwrap();
        let mut programs = Programs::new(&Root::new(tree.path()), None);
        write(&tree, 7, &line(7, "short", 'R', 0, 1));
        programs.look(seconds(0));
        write(&tree, 7, &line(7, "short", 'R', 100, 1));
        programs.look(seconds(1));
        fs::remove_dir_all(tree.path().join("proc/7")).unwrap();
        programs.look(seconds(4));
        let told = programs.told();
        assert_eq!(told.iter().map(|one| (one.pid, one.percent)).collect::<Vec<_>>(), [(7, 25)]);
    }
}
