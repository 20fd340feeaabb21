//! The processes on the GPUs: those that NVML lists, and those that hold a device node of the driver.
//!
//! Invariants: a look at `/proc`, bounded in time and number; a process that ends meanwhile is no trouble; what is closed
//! to the asking user is counted, for it is not known.

use crate::{
    probe::stat::{self, TICKS},
    root::Root,
};
use gpucheck_checks::fact::{Notebook, Observed, Process, Processes};
use std::{
    collections::BTreeSet,
    io,
    time::{Duration, Instant},
};

/// Time for the look at all processes.
const LIMIT: Duration = Duration::from_secs(2);
/// Most processes, and most open files of one, that are looked at.
const PROCESSES: usize = 20_000;
const FILES: usize = 20_000;
/// Most processes that are described.
const DESCRIBED: usize = 256;
/// Most that is read of a file of a process, in bytes.
pub(crate) const TEXT: u64 = 128 << 10;
/// Most generations that are followed upwards.
const GENERATIONS: usize = 32;

/// Looks for the processes on the GPUs: those that `listed` names, and whoever holds a node.
pub fn probe(root: &Root, listed: &BTreeSet<u32>) -> Observed<Processes> {
    let has_nodes = root.names("/dev").iter().any(|name| name.starts_with("nvidia"));
    if !has_nodes {
        return Observed::not_probed("there is no device node of the driver that a process could hold");
    }
    let names = match root.list("/proc") {
        Ok(names) => names,
        Err(error) => return Observed::refused("read /proc", 0, "unreadable", error.to_string()),
    };
    let mut pids: Vec<u32> = names.iter().filter_map(|name| name.parse().ok()).collect();
    pids.sort_unstable();
    let asking = if root.is_this_machine() { ancestors(root) } else { Vec::new() };
    let until = Instant::now() + LIMIT;
    // Where the first process is hidden (hidepid), others are, too.
    let whole = pids.len() <= PROCESSES && pids.first() == Some(&1);
    let mut seen = Processes { whole, ..Processes::default() };
    for pid in pids.into_iter().take(PROCESSES).filter(|pid| *pid != std::process::id()) {
        if Instant::now() > until || seen.on_gpus.len() >= DESCRIBED {
            seen.whole = false;
            break;
        }
        let nodes = nodes(root, pid);
        seen.closed += u32::from(nodes.is_none());
        if listed.contains(&pid) || nodes.as_ref().is_some_and(|nodes| !nodes.is_empty()) {
            let asks = asking.contains(&pid);
            seen.on_gpus.push(Process { asks, ..describe(root, pid, nodes) });
        }
    }
    Observed::Seen(seen)
}

/// The driver's nodes that a process holds; none where its files are closed to us. One that has ended holds nothing.
fn nodes(root: &Root, pid: u32) -> Option<Vec<String>> {
    let folder = format!("/proc/{pid}/fd");
    let files = match root.list(&folder) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => return None,
        Err(_) => Vec::new(),
    };
    let targets = files.iter().take(FILES).filter_map(|file| root.link(&format!("{folder}/{file}")));
    let nodes: BTreeSet<String> = targets.filter(|target| target.starts_with("/dev/nvidia")).collect();
    Some(nodes.into_iter().collect())
}

fn describe(root: &Root, pid: u32, nodes: Option<Vec<String>>) -> Process {
    let stat = root.value(&format!("/proc/{pid}/stat")).unwrap_or_default();
    let words = stat::split(&stat).map(|(_, words)| words).unwrap_or_default();
    let number = |at: usize| words.get(at).and_then(|word| word.parse::<u64>().ok());
    Process {
        pid,
        name: root.value(&format!("/proc/{pid}/comm")).filter(|name| !name.is_empty()),
        uid: owner(root, pid),
        parent: number(1).and_then(|parent| u32::try_from(parent).ok()),
        age_s: number(19).zip(uptime(root)).and_then(|(start, up)| up.checked_sub(start / TICKS)),
        nodes,
        notebook: notebook(root, pid),
        asks: false,
    }
}

/// The processes that this one descends from.
fn ancestors(root: &Root) -> Vec<u32> {
    let above = |pid: &u32| parent(root, *pid);
    std::iter::successors(parent(root, std::process::id()), above).take(GENERATIONS).collect()
}

/// The real user id, in `/proc/PID/status`: the folder belongs to root where the process may not be dumped.
pub(crate) fn owner(root: &Root, pid: u32) -> Option<u32> {
    status(root, pid, "Uid:")?.split_whitespace().next()?.parse().ok()
}

/// What follows this word in `/proc/PID/status`.
fn status(root: &Root, pid: u32, word: &str) -> Option<String> {
    let bytes = root.bytes(&format!("/proc/{pid}/status"), TEXT).ok()?;
    String::from_utf8_lossy(&bytes).lines().find_map(|line| Some(line.strip_prefix(word)?.to_owned()))
}

/// Whole seconds since Linux started.
pub(crate) fn uptime(root: &Root) -> Option<u64> {
    root.value("/proc/uptime")?.split(['.', ' ']).next()?.parse().ok()
}

/// The notebook of a Jupyter kernel, or of the kernel that started this process, itself or through others.
fn notebook(root: &Root, pid: u32) -> Option<Notebook> {
    let line = std::iter::successors(Some(pid), |pid| parent(root, *pid)).take(GENERATIONS);
    let (found, kernel) = line.into_iter().find_map(|pid| Some((pid, kernel(root, pid)?)))?;
    let path = (!is_closed(root, found)).then(|| session_name(root, found)).flatten();
    Some(Notebook { kernel, path, via: (found != pid).then_some(found) })
}

fn parent(root: &Root, pid: u32) -> Option<u32> {
    status(root, pid, "PPid:")?.trim().parse().ok().filter(|parent| *parent > 1)
}

/// The id of a Jupyter kernel: `python -m ipykernel_launcher -f .../kernel-<id>.json`, in VS Code
/// `--f=.../kernel-v2-<id>.json`.
fn kernel(root: &Root, pid: u32) -> Option<String> {
    let arguments = texts(root, &format!("/proc/{pid}/cmdline"));
    let is_kernel = |argument: &String| argument.contains("ipykernel") || argument.contains("jupyter");
    if !arguments.iter().any(is_kernel) {
        return None;
    }
    let kernel = arguments.iter().find_map(|argument| {
        let file = argument.rsplit(['/', '=']).next()?;
        file.strip_prefix("kernel-")?.strip_suffix(".json")
    });
    kernel.map(str::to_owned)
}

/// A Jupyter kernel that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RunningKernel {
    pub(crate) pid: u32,
    pub(crate) kernel: String,
    /// Its notebook, as it was told when it was started.
    pub(crate) path: Option<String>,
}

/// The asking user's kernels; of what they started themselves nothing, though it may go by the same command.
pub(crate) fn kernels(root: &Root) -> Vec<RunningKernel> {
    let until = Instant::now() + LIMIT;
    let pids = root.names("/proc");
    let pids = pids.iter().filter_map(|name| name.parse().ok()).take(PROCESSES);
    let mut kernels: Vec<RunningKernel> = pids
        .take_while(|_| Instant::now() < until)
        .filter_map(|pid| {
            let kernel = kernel(root, pid)?;
            (!is_closed(root, pid)).then(|| RunningKernel { pid, kernel, path: session_name(root, pid) })
        })
        .collect();
    let all: BTreeSet<(u32, String)> =
        kernels.iter().map(|found| (found.pid, found.kernel.clone())).collect();
    kernels.retain(|found| {
        parent(root, found.pid).is_none_or(|above| !all.contains(&(above, found.kernel.clone())))
    });
    kernels
}

/// Whether it is another user's: what that user calls a notebook is nobody else's, though the administrator could look.
fn is_closed(root: &Root, pid: u32) -> bool {
    root.is_this_machine() && owner(root, pid) != Some(rustix::process::geteuid().as_raw())
}

/// What a server told a kernel when it started it; it stays when the notebook is renamed.
fn session_name(root: &Root, pid: u32) -> Option<String> {
    let variables = texts(root, &format!("/proc/{pid}/environ"));
    variables.iter().find_map(|variable| variable.strip_prefix("JPY_SESSION_NAME=")).map(str::to_owned)
}

/// The texts of a file in which each ends with a NUL.
pub(crate) fn texts(root: &Root, path: &str) -> Vec<String> {
    let bytes = root.bytes(path, TEXT).unwrap_or_default();
    bytes.split(|byte| *byte == 0).map(|text| String::from_utf8_lossy(text).into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_is_known_by_descent() {
        let ancestors = ancestors(&Root::new("/"));
        let parent = std::os::unix::process::parent_id();
        assert_eq!(ancestors.first(), Some(&parent).filter(|parent| **parent > 1));
        assert!(!ancestors.contains(&std::process::id()) && !ancestors.contains(&1));
    }
}
