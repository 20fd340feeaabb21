//! Limits of a process's control group and of those above it, of both versions.
//!
//! Invariant: the tightest limit on the way up is the one that holds, and what is used is read where it is set.

use super::host::percent;
use crate::{probe::processes::TEXT, root::Root};
use gpucheck_checks::fact::GroupLimits;
use std::time::Duration;

/// From here on a limit of memory is none: version 1 has no word for it.
const NO_LIMIT: u64 = 1 << 60;

/// A control group, with what it had been held back before.
#[derive(Clone, Debug)]
pub(super) struct Group {
    root: Root,
    processors: Option<Limited>,
    memory: Option<Limited>,
    held_back_before: Option<Held>,
}

/// How often and how long a group was held back.
#[derive(Clone, Copy, Debug, Default)]
struct Held {
    /// Microseconds, of all cores together: with sixty of them a moment for each is a second.
    time: u64,
    /// Microseconds of all the periods in which it was.
    periods: u64,
}

/// Where a limit is set.
#[derive(Clone, Debug)]
struct Limited {
    folder: String,
    version: Version,
    limit: u64,
    /// Microseconds of a period in which that much may be used; none for memory.
    period: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    One,
    Two,
}

impl Group {
    /// The group of a process, by its folder in `/proc`; none where it has none that is seen.
    pub(super) fn of(root: &Root, process: &str) -> Option<Self> {
        let bytes = root.bytes(&format!("{process}/cgroup"), TEXT).ok()?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let lines: Vec<(&str, &str)> = text.lines().filter_map(line).collect();
        if lines.is_empty() {
            return None;
        }
        let mut group = Self { root: root.clone(), processors: None, memory: None, held_back_before: None };
        for (controllers, path) in lines {
            let has = |name: &str| controllers.split(',').any(|controller| controller == name);
            if controllers.is_empty() {
                group.read(Version::Two, &two(root), path, [true, true]);
            } else if has("cpu") || has("memory") {
                let base = one(root, controllers);
                group.read(Version::One, &base, path, [has("cpu"), has("memory")]);
            }
        }
        group.held_back_before = group.held_back();
        Some(group)
    }

    fn read(&mut self, version: Version, base: &str, path: &str, [processors, memory]: [bool; 2]) {
        for level in levels(path) {
            let folder = format!("{base}{level}");
            let limited = |limit, period| Limited { folder: folder.clone(), version, limit, period };
            if processors && let Some((limit, period)) = processors_of(&self.root, &folder, version) {
                keep_tightest(&mut self.processors, limited(limit, Some(period)));
            }
            if memory && let Some(limit) = memory_of(&self.root, &folder, version) {
                keep_tightest(&mut self.memory, limited(limit, None));
            }
        }
    }

    /// How it was held back up to now.
    fn held_back(&self) -> Option<Held> {
        let Limited { folder, version, period, .. } = self.processors.as_ref()?;
        let (name, unit) = match version {
            Version::One => ("throttled_time", 1000),
            Version::Two => ("throttled_usec", 1),
        };
        let told = |name: &str| named(&self.root, &format!("{folder}/cpu.stat"), name);
        let time = told(name)? / unit;
        let periods = told("nr_throttled").zip(*period);
        Some(Held { time, periods: periods.map_or(time, |(count, period)| count.saturating_mul(period)) })
    }

    /// Memory in use, without pages of files that Linux can drop at once.
    fn memory_used(&self) -> Option<u64> {
        let Limited { folder, version, .. } = self.memory.as_ref()?;
        let (used, droppable) = match version {
            Version::One => ("memory.usage_in_bytes", "total_inactive_file"),
            Version::Two => ("memory.current", "inactive_file"),
        };
        let used: u64 = self.root.value(&format!("{folder}/{used}"))?.trim().parse().ok()?;
        let droppable = named(&self.root, &format!("{folder}/memory.stat"), droppable);
        Some(used.saturating_sub(droppable.unwrap_or_default()))
    }

    /// The limits, and what they did in this time.
    pub(super) fn limits(&self, time: Duration) -> GroupLimits {
        let time = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        // No longer than all cores together, and than the periods in which it was.
        let since = |before: Held| {
            let now = self.held_back()?;
            Some(now.time.saturating_sub(before.time).min(now.periods.saturating_sub(before.periods)))
        };
        let held_back = self.held_back_before.and_then(since);
        let processors = self.processors.as_ref();
        GroupLimits {
            processors: processors.map(|limited| u32::try_from(limited.limit).unwrap_or(u32::MAX)),
            held_back: held_back.map(|held_back| percent(held_back, time)),
            memory: self.memory.as_ref().map(|limited| limited.limit),
            memory_used: self.memory_used(),
        }
    }
}

/// `4:cpu,cpuacct:/path`, of version 2 `0::/path`.
fn line(line: &str) -> Option<(&str, &str)> {
    let (_, rest) = line.split_once(':')?;
    rest.split_once(':').filter(|(_, path)| path.starts_with('/'))
}

/// A path and all above it, the root of the mount last: a container sees its own group there, whatever its path is.
fn levels(path: &str) -> Vec<&str> {
    let path = path.trim_end_matches('/');
    // Above the namespace of the asking process.
    let path = if path.split('/').any(|part| part == "..") { "" } else { path };
    let mut levels = vec![path];
    let ends = path.rmatch_indices('/').map(|(end, _)| end).take(64);
    levels.extend(ends.filter_map(|end| path.get(..end)));
    levels
}

fn two(root: &Root) -> String {
    let base = "/sys/fs/cgroup";
    let is_alone = root.exists(&format!("{base}/cgroup.controllers"));
    if is_alone { base.to_owned() } else { format!("{base}/unified") }
}

/// The mount of these controllers, under one name or all.
fn one(root: &Root, controllers: &str) -> String {
    let places = std::iter::once(controllers).chain(controllers.split(','));
    let mut places = places.map(|name| format!("/sys/fs/cgroup/{name}"));
    places.find(|place| root.is_folder(place)).unwrap_or_else(|| format!("/sys/fs/cgroup/{controllers}"))
}

/// In percent of one core, and the period in microseconds.
fn processors_of(root: &Root, folder: &str, version: Version) -> Option<(u64, u64)> {
    let (quota, period) = match version {
        Version::One => {
            let value = |name: &str| root.value(&format!("{folder}/{name}"));
            (value("cpu.cfs_quota_us")?, value("cpu.cfs_period_us")?)
        }
        Version::Two => {
            let line = root.value(&format!("{folder}/cpu.max"))?;
            let (quota, period) = line.split_once(' ')?;
            (quota.to_owned(), period.to_owned())
        }
    };
    // "max" and -1 are no numbers.
    let quota: u64 = quota.trim().parse().ok()?;
    let period = period.trim().parse().ok()?;
    Some((quota.saturating_mul(100).checked_div(period)?, period))
}

fn memory_of(root: &Root, folder: &str, version: Version) -> Option<u64> {
    let name = match version {
        Version::One => "memory.limit_in_bytes",
        Version::Two => "memory.max",
    };
    let limit = root.value(&format!("{folder}/{name}"))?.trim().parse().ok();
    limit.filter(|limit| *limit < NO_LIMIT)
}

fn named(root: &Root, path: &str, name: &str) -> Option<u64> {
    let text = root.configuration(path)?;
    text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')?.trim().parse().ok())
}

fn keep_tightest(kept: &mut Option<Limited>, found: Limited) {
    if kept.as_ref().is_none_or(|kept| found.limit < kept.limit) {
        *kept = Some(found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    const MINUTE: Duration = Duration::from_mins(1);

    fn tree(files: &[(&str, &str)]) -> (tempfile::TempDir, Root) {
        let tree = tempfile::tempdir().unwrap();
        for (path, text) in files {
            write(&tree, path, text);
        }
        let root = Root::new(tree.path());
        (tree, root)
    }

    fn write(tree: &tempfile::TempDir, path: &str, text: &str) {
        let place = tree.path().join(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }

    #[test]
    fn the_tightest_limit_on_the_way_up_holds() {
        let (tree, root) = tree(&[
            ("proc/7/cgroup", "0::/user.slice/kim.scope\n"),
            ("sys/fs/cgroup/cgroup.controllers", "cpu memory\n"),
            ("sys/fs/cgroup/user.slice/cpu.max", "200000 100000\n"),
            ("sys/fs/cgroup/user.slice/cpu.stat", "usage_usec 5\nthrottled_usec 1000000\n"),
            ("sys/fs/cgroup/user.slice/memory.max", "max\n"),
            ("sys/fs/cgroup/user.slice/kim.scope/cpu.max", "max 100000\n"),
            ("sys/fs/cgroup/user.slice/kim.scope/memory.max", "1000000\n"),
            ("sys/fs/cgroup/user.slice/kim.scope/memory.current", "900000\n"),
            ("sys/fs/cgroup/user.slice/kim.scope/memory.stat", "anon 5\ninactive_file 300000\n"),
        ]);
        let group = Group::of(&root, "/proc/7").unwrap();
        write(&tree, "sys/fs/cgroup/user.slice/cpu.stat", "usage_usec 5\nthrottled_usec 16000000\n");
        let limits = GroupLimits {
            processors: Some(200),
            held_back: Some(25),
            memory: Some(1_000_000),
            memory_used: Some(600_000),
        };
        assert_eq!(group.limits(MINUTE), limits);
    }

    #[test]
    fn a_moment_on_each_of_many_cores_is_a_moment() {
        let (tree, root) = tree(&[
            ("proc/7/cgroup", "0::/\n"),
            ("sys/fs/cgroup/cgroup.controllers", "cpu memory\n"),
            ("sys/fs/cgroup/cpu.max", "800000 100000\n"),
            ("sys/fs/cgroup/cpu.stat", "nr_periods 10\nnr_throttled 2\nthrottled_usec 900000\n"),
        ]);
        let group = Group::of(&root, "/proc/7").unwrap();
        // 64 cores, 10 ms each, in 30 of 600 periods.
        let stat = "nr_periods 610\nnr_throttled 32\nthrottled_usec 20100000\n";
        write(&tree, "sys/fs/cgroup/cpu.stat", stat);
        assert_eq!(group.limits(MINUTE).held_back, Some(5));
    }

    #[test]
    fn version_one_has_words_of_its_own() {
        // A container without a namespace for groups: its path is that of the machine underneath.
        let (tree, root) = tree(&[
            (
                "proc/7/cgroup",
                "9:name=systemd:/docker/1b\n4:cpu,cpuacct:/docker/1b\n3:memory:/docker/1b\n0::/\n",
            ),
            ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "150000\n"),
            ("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n"),
            ("sys/fs/cgroup/cpu,cpuacct/cpu.stat", "nr_periods 1\nthrottled_time 0\n"),
            ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n"),
        ]);
        let group = Group::of(&root, "/proc/7").unwrap();
        write(&tree, "sys/fs/cgroup/cpu,cpuacct/cpu.stat", "nr_periods 9\nthrottled_time 6000000000\n");
        let limits =
            GroupLimits { processors: Some(150), held_back: Some(10), memory: None, memory_used: None };
        assert_eq!(group.limits(MINUTE), limits);
    }

    #[test]
    fn without_limits_there_is_nothing_to_tell() {
        let (_tree, root) = tree(&[
            ("proc/7/cgroup", "4:cpu:/\n0::/../other\n"),
            ("proc/8/cgroup", "garbage\n:\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n"),
            ("sys/fs/cgroup/cpu/cpu.cfs_period_us", "0\n"),
        ]);
        assert_eq!(Group::of(&root, "/proc/7").unwrap().limits(MINUTE), GroupLimits::default());
        assert!(Group::of(&root, "/proc/8").is_none() && Group::of(&root, "/proc/9").is_none());
    }

    #[test]
    fn a_path_is_gone_up_to_the_mount() {
        assert_eq!(levels("/a/b"), ["/a/b", "/a", ""]);
        assert_eq!(levels("/"), [""]);
        assert_eq!(levels("/../../x"), [""]);
    }
}
