//! Whose slowness it is: the process that was asked about, else the one that is most at work.
//!
//! Invariant: of another user's process no more is told than its number and its user.

use super::{BUSY, GpuWork, WAITS, WORKS};
use crate::{
    fact::{AskedProcess, Facts, GpuProcess, HostLoad, Load, NvmlDevice, Place, Process, ProcessorUse},
    holder, judge,
};

/// A program, with what it started.
pub(crate) struct Program<'a> {
    pub(crate) pid: u32,
    pub(crate) asked: Option<&'a AskedProcess>,
    /// Its number, and those of what it started.
    pub(crate) pids: Vec<u32>,
    /// Those of them that hand work to a GPU; the others prepare it.
    launchers: Vec<u32>,
    used: Vec<&'a ProcessorUse>,
    /// Whether it has a GPU open; none where that cannot be told.
    pub(crate) on_gpu: Option<bool>,
}

/// The program that it is about.
pub(super) fn of<'a>(facts: &'a Facts, load: &'a Load, gpus: &[GpuWork]) -> Option<Program<'a>> {
    let host = load.host.seen();
    match &load.asked {
        Some(asked) => Some(Program::new(facts, gpus, host, asked.pid, Some(asked))),
        None => busiest(facts, host, gpus).map(|pid| Program::new(facts, gpus, host, pid, None)),
    }
}

/// The process that is most at work: on a GPU by what NVML tells of it, else with one open, else on the processors.
fn busiest(facts: &Facts, host: Option<&HostLoad>, gpus: &[GpuWork]) -> Option<u32> {
    let uses = gpus.iter().filter_map(|gpu| gpu.load.processes.seen()).flatten();
    let is_here = |pid: u32| {
        let mut here = host.into_iter().flat_map(|host| &host.processes);
        sees_numbers(facts) || here.any(|used| used.pid == pid)
    };
    let uses = uses.filter(|part| part.activity >= WORKS && is_here(part.pid));
    let most = uses.max_by_key(|part| (part.activity, part.pid));
    if let Some(most) = most {
        return Some(most.pid);
    }
    let busy: Vec<&ProcessorUse> =
        host.into_iter().flat_map(|host| &host.processes).filter(|used| is_busy(used)).collect();
    let owner = || busy.iter().find_map(|used| owner(facts, gpus, used));
    let on_gpu = |wanted| busy.iter().find(|used| is_on_gpu(facts, gpus, &[used.pid], None) == wanted);
    let works = gpus.iter().any(|gpu| gpu.activity().is_some_and(|activity| activity >= WORKS));
    let listed = || {
        let devices = gpus.iter().filter_map(|gpu| gpu.device);
        devices.flat_map(NvmlDevice::processes).max_by_key(|process| process.memory).map(|it| it.pid)
    };
    let open = on_gpu(Some(true)).map(|used| used.pid);
    if works {
        return open.or_else(listed).or_else(|| on_gpu(None).map(|used| used.pid));
    }
    open.or_else(owner).or_else(|| busy.iter().max_by_key(|used| used.percent).map(|used| used.pid))
}

/// The Python with a GPU open that started this process, which prepares data for it.
fn owner(facts: &Facts, gpus: &[GpuWork], used: &ProcessorUse) -> Option<u32> {
    let is_owner = |pid: &&u32| {
        let is_python = facts.process(**pid).and_then(|known| known.name.as_deref()).is_some_and(is_python);
        is_python && is_on_gpu(facts, gpus, &[**pid], None) == Some(true)
    };
    used.ancestors.iter().find(is_owner).copied()
}

fn is_python(command: &str) -> bool {
    // PyTorch names its main thread, and so its process, pt_main_thread; a script that is run by its own name has that.
    let names = ["python", "ipython", "jupyter", "pt_main_thread", "pt_data_worker", "ipykernel"];
    names.iter().any(|name| command.starts_with(name))
        || command.rsplit_once('.').is_some_and(|(_, end)| end == "py")
}

/// Whether the numbers of processes that NVML tells are those of this place.
pub(super) fn sees_numbers(facts: &Facts) -> bool {
    !judge::in_container(facts) && facts.place() != Place::Wsl
}

fn is_busy(used: &ProcessorUse) -> bool {
    used.percent >= BUSY || u32::from(used.waiting) >= WAITS
}

/// Whether one of these processes has a GPU open, that is a context of CUDA.
///
/// NVML's lists decide where they are whole and every number can be seen: a process may have libcuda loaded and no GPU
/// open. In a container they may not list it, and the device node that it holds has to do.
fn is_on_gpu(facts: &Facts, gpus: &[GpuWork], pids: &[u32], asked: Option<&AskedProcess>) -> Option<bool> {
    let listed = |gpu: &GpuWork| pids.iter().any(|pid| lists(gpu, *pid));
    if gpus.iter().any(listed) {
        return Some(true);
    }
    if asked.and_then(|asked| asked.has_cuda) == Some(false) && pids.len() == 1 {
        return Some(false);
    }
    let is_whole = |gpu: &GpuWork| gpu.device.is_some_and(has_whole_list);
    let all_seen = sees_numbers(facts) && gpus.iter().all(is_whole);
    if all_seen {
        return Some(false);
    }
    let holds = pids.iter().filter_map(|pid| facts.process(*pid)).any(Process::computes);
    holds.then_some(true)
}

/// Whether NVML lists all that compute on a GPU. Those that do so through MPS have a list of their own, and its server is
/// in this one.
///
/// Source: nvml.h, `nvmlDeviceGetMPSComputeRunningProcesses`.
fn has_whole_list(device: &NvmlDevice) -> bool {
    let is_mps = |process: &GpuProcess| {
        let name = process.name.as_deref().and_then(|name| name.rsplit('/').next());
        name.is_some_and(|name| name.starts_with("nvidia-cuda-mps"))
    };
    device.compute_processes.seen().is_some_and(|listed| !listed.iter().any(is_mps))
}

/// Whether NVML lists this process on that GPU, or tells what it used of it.
fn lists(gpu: &GpuWork, pid: u32) -> bool {
    let listed = gpu.device.is_some_and(|device| device.processes().any(|process| process.pid == pid));
    listed || gpu.load.processes.seen().into_iter().flatten().any(|part| part.pid == pid)
}

/// Which of these processes hand work to a GPU: those that NVML lists. Where it lists none, the first if it has CUDA open;
/// what it has started holds its device nodes too, and need not use them.
fn launchers(
    facts: &Facts,
    gpus: &[GpuWork],
    pid: u32,
    pids: &[u32],
    asked: Option<&AskedProcess>,
) -> Vec<u32> {
    let listed = pids.iter().filter(|pid| gpus.iter().any(|gpu| lists(gpu, **pid)));
    let listed: Vec<u32> = listed.copied().collect();
    if !listed.is_empty() {
        return listed;
    }
    let has_cuda = asked.and_then(|asked| asked.has_cuda) == Some(true);
    if has_cuda || facts.process(pid).is_some_and(Process::computes) { vec![pid] } else { pids.to_vec() }
}

impl<'a> Program<'a> {
    fn new(
        facts: &'a Facts,
        gpus: &[GpuWork],
        host: Option<&'a HostLoad>,
        pid: u32,
        asked: Option<&'a AskedProcess>,
    ) -> Self {
        let on_gpus = facts.processes.seen().into_iter().flat_map(|processes| &processes.on_gpus);
        let started = on_gpus.filter(|other| {
            let via = other.notebook.as_ref().and_then(|notebook| notebook.via);
            other.pid != pid && (other.parent == Some(pid) || via == Some(pid))
        });
        let mut pids: Vec<u32> = std::iter::once(pid).chain(started.map(|other| other.pid)).collect();
        let on_gpu = is_on_gpu(facts, gpus, &pids, asked);
        let all = || host.into_iter().flat_map(|host| &host.processes);
        let started = all().filter(|used| used.ancestors.contains(&pid)).map(|used| used.pid);
        let started: Vec<u32> = started.filter(|started| !pids.contains(started)).collect();
        // What has no GPU of its own may still be told to have used one.
        let on_gpu = if started.iter().any(|pid| gpus.iter().any(|gpu| lists(gpu, *pid))) {
            Some(true)
        } else {
            on_gpu
        };
        pids.extend(started);
        let used = all().filter(|used| pids.contains(&used.pid)).collect();
        let launchers = launchers(facts, gpus, pid, &pids, asked);
        Self { pid, asked, pids, launchers, used, on_gpu }
    }

    /// Whether it is on the processors, or waits for a disk; none where nobody saw.
    pub(super) fn is_busy(&self) -> Option<bool> {
        (!self.used.is_empty()).then(|| self.used.iter().any(|used| is_busy(used)))
    }

    /// Time of one core that all of it takes, in percent.
    pub(crate) fn percent(&self) -> u32 {
        self.used.iter().map(|used| used.percent).fold(0, u32::saturating_add)
    }

    /// Time of a core that its busiest thread takes, in percent.
    pub(crate) fn busiest_thread(&self) -> u32 {
        self.used.iter().map(|used| used.busiest_thread).max().unwrap_or(0)
    }

    /// The same of the processes that hand work to a GPU.
    pub(crate) fn launching_thread(&self) -> u32 {
        let launchers = self.used.iter().filter(|used| self.launchers.contains(&used.pid));
        launchers.map(|used| used.busiest_thread).max().unwrap_or(0)
    }

    /// Whether a process prepares data for it: it was started by it, or has its name, and no GPU.
    pub(super) fn is_worker(&self, used: &ProcessorUse) -> bool {
        let is_its_own = self.pids.contains(&used.pid) || self.command() == Some(&used.name);
        is_its_own && !self.launchers.contains(&used.pid)
    }

    /// Samples in which it waited for a disk, in percent.
    pub(crate) fn waiting(&self) -> u32 {
        self.used.iter().map(|used| u32::from(used.waiting)).max().unwrap_or(0)
    }

    /// Whether NVML lists it on this GPU.
    pub(super) fn is_listed_on(&self, gpu: &GpuWork) -> bool {
        self.pids.iter().any(|pid| lists(gpu, *pid))
    }

    /// Its own name, such as `python3`; none where nobody saw it.
    pub(crate) fn command(&self) -> Option<&'a str> {
        let used = self.used.iter().find(|used| used.pid == self.pid).map(|used| used.name.as_str());
        used.or_else(|| self.asked?.name.as_deref())
    }

    /// Whether it is a Python, which is what people here ask about.
    pub(crate) fn is_python(&self) -> bool {
        self.command().is_some_and(is_python)
    }

    /// The notebook, else number and name; of another user's, number and user.
    pub(crate) fn name(&self, facts: &Facts) -> String {
        let known = facts.process(self.pid);
        let uid = known.and_then(|known| known.uid);
        let others = uid.zip(judge::uid(facts)).filter(|(uid, mine)| uid != mine);
        if let Some((uid, _)) = others {
            return format!("process {} of user {uid}", self.pid);
        }
        let asked = self.asked.and_then(|asked| asked.notebook.clone());
        let path = || holder::path_of(facts, self.pid);
        asked.or_else(path).unwrap_or_else(|| match self.command() {
            Some(command) => format!("process {} ({command})", self.pid),
            None => format!("process {}", self.pid),
        })
    }

    /// What it takes of the processors, in words.
    pub(crate) fn use_in_words(&self) -> String {
        format!("takes {} % of a core (its busiest thread {} %)", self.percent(), self.busiest_thread())
    }

    /// The driver's compiler is loaded in it; none where that is not told.
    pub(super) fn has_compiler(&self) -> Option<bool> {
        let Some(asked) = self.asked else {
            let launchers = self.used.iter().filter(|used| self.launchers.contains(&used.pid));
            return launchers.filter_map(|used| used.has_compiler).max();
        };
        asked.has_compiler
    }

    /// Whether the cache of compiled code that was seen is that of its user.
    pub(super) fn has_seen_cache(&self, facts: &Facts) -> bool {
        let uid = facts.process(self.pid).and_then(|known| known.uid);
        self.asked.is_some() || uid.zip(judge::uid(facts)).is_none_or(|(uid, mine)| uid == mine)
    }
}
