//! What slows a machine down: the samples of its GPUs and of its host, read together.
//!
//! Invariants: what was not measured slows nothing down and proves nothing; a number that no machine can have is none.

mod compiling;
mod feeding;
mod gpu;
mod memory;
mod program;
mod sharing;

pub(crate) use compiling::{Compiling, compiling};
use feeding::is_narrow;
pub(crate) use feeding::{Feeding, feeding};
pub(crate) use gpu::{Clocked, GpuWork};
pub(crate) use memory::{Paging, paging};
pub(crate) use program::Program;
pub(crate) use sharing::{Sharing, sharing};

use crate::{
    Finding, Judged, Outcome, Subject,
    fact::{AskedProcess, Facts, HostLoad, Load, Observed, PciAddress},
    readings,
};

/// A GPU that works less, in percent of the time, is idle: a display takes a few.
pub(crate) const WORKS: u32 = 5;
/// A program that takes less of a core, in percent, does nothing: a notebook that waits for its user takes one or two.
pub(crate) const BUSY: u32 = 20;
/// A core, a thread, a disk that is busy for so long, in percent, has nothing left: the rest is lost in switching.
pub(crate) const FULL: u32 = 90;
/// A program that is seen waiting for a disk in so many samples, in percent, is held up by it.
pub(crate) const WAITS: u32 = 30;

/// What was measured of a machine that is at work.
pub(crate) struct Watch<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) load: &'a Load,
    /// None where it could not be measured.
    pub(crate) host: Option<&'a HostLoad>,
    /// Those of which there are samples.
    pub(crate) gpus: Vec<GpuWork<'a>>,
    /// Whose slowness it is about: the process that was asked about, else the one that is most at work.
    pub(crate) program: Option<Program<'a>>,
}

/// What there is to conclude from.
pub(crate) enum Told<'a> {
    /// A machine at work.
    Work(Watch<'a>),
    /// Nobody computes, or the program that was asked about does not.
    Idle(String),
    /// The process that was asked about has ended.
    Ended(&'a AskedProcess),
    /// Nobody computes, for the machine pages.
    Pages,
    /// It could not be measured, for this reason.
    Untold(String),
}

/// Whether these facts are those of a machine that was watched for some seconds. GPUs alone are sampled beside other work.
pub fn is_watched(facts: &Facts) -> bool {
    match &facts.load {
        Observed::Seen(load) | Observed::Interrupted { seen: load, .. } => {
            !matches!(load.host, Observed::NotProbed { .. })
        }
        Observed::Failed(_) => true,
        Observed::NotProbed { .. } => false,
    }
}

/// What there is to conclude from; none where nobody watched.
pub(crate) fn told(facts: &Facts) -> Option<Told<'_>> {
    if !is_watched(facts) {
        return None;
    }
    let Some(load) = facts.load.seen() else { return Some(Told::Untold(facts.load.why_not())) };
    if let Some(ended) = load.asked.as_ref().filter(|asked| asked.ended) {
        return Some(Told::Ended(ended));
    }
    let gpus: Vec<GpuWork> = load.gpus.iter().filter_map(|gpu| GpuWork::new(facts, gpu)).collect();
    if gpus.is_empty() {
        let why = load.gpus.first().map(|gpu| gpu.samples.why_not()).filter(|why| !why.is_empty());
        return Some(Told::Untold(why.unwrap_or_else(|| "no GPU was sampled".to_owned())));
    }
    let host = load.host.seen();
    let program = program::of(facts, load, &gpus);
    let watch = Watch { facts, load, host, gpus, program };
    Some(match watch.is_at_work() {
        Some(true) => Told::Work(watch),
        Some(false) if matches!(paging(facts), Some(Paging::Pages { .. })) => Told::Pages,
        Some(false) => Told::Idle(watch.idleness()),
        None if watch.is_of_unknown() => Told::Untold(
            "whose work a GPU does cannot be seen from here, and the program hardly uses a processor"
                .to_owned(),
        ),
        None if host.is_none() => Told::Untold(load.host.why_not()),
        None => Told::Untold("NVML does not tell how long the GPU works".to_owned()),
    })
}

/// Judges a machine at work. Where it is not, one check says so; to the others it is not applicable.
pub(crate) fn at_work(facts: &Facts, judge: impl FnOnce(&Watch) -> Judged) -> Judged {
    let none = |why: &str| vec![Finding::not_applicable(Subject::Host, why)];
    match told(facts) {
        None => Vec::new(),
        Some(Told::Work(watch)) => judge(&watch),
        Some(Told::Idle(_) | Told::Ended(_)) => none("nothing that was measured computes"),
        Some(Told::Pages) => none("the machine pages, and nothing else can be told"),
        Some(Told::Untold(_)) => none("it was not measured"),
    }
}

impl<'a> Watch<'a> {
    /// Whether what it is about is at work; none where that cannot be told.
    fn is_at_work(&self) -> Option<bool> {
        let on_processors = self.program.as_ref().and_then(Program::is_busy);
        let on_gpu = match (self.load.asked.is_some(), self.gpu()) {
            (true, Some(gpu)) => self.own_activity(gpu),
            _ => self.gpus.iter().map(GpuWork::activity).max().flatten(),
        };
        match (on_processors, on_gpu) {
            (Some(true), _) => Some(true),
            // It may be another's work: who computes for long is at work on the processors too, as a rule.
            (Some(false), Some(_)) if self.is_of_unknown() => None,
            (_, Some(activity)) if activity >= WORKS => Some(true),
            (_, None) => None,
            (None, Some(_)) if self.host.is_none() || self.load.asked.is_some() => None,
            (Some(false) | None, Some(_)) => Some(false),
        }
    }

    /// Whether a GPU works, and for whom cannot be seen.
    fn is_of_unknown(&self) -> bool {
        let works = |gpu: &GpuWork| gpu.activity().is_some_and(|activity| activity >= WORKS);
        self.load.asked.is_some() && self.gpu().is_some_and(|gpu| works(gpu) && !self.tells_apart(gpu))
    }

    fn idleness(&self) -> String {
        let seconds = self.load.lasted_ms.saturating_add(500) / 1000;
        match self.program.as_ref().filter(|program| program.asked.is_some()) {
            Some(program) => format!("{} did not compute for {seconds} s", program.name(self.facts)),
            None => format!("no program computed for {seconds} s, on no GPU and on no processor"),
        }
    }

    /// The GPU that the program works on: of those that list it, else of all, the busiest.
    pub(crate) fn gpu(&self) -> Option<&GpuWork<'a>> {
        let program = self.program.as_ref();
        let of_program = |gpu: &&GpuWork| program.is_some_and(|program| program.is_listed_on(gpu));
        let busiest = |gpu: &&GpuWork| gpu.activity();
        // Of equals the first one.
        let mut gpus: Vec<&GpuWork> = self.gpus.iter().filter(of_program).collect();
        if gpus.is_empty() {
            gpus = self.gpus.iter().collect();
        }
        gpus.into_iter().rev().max_by_key(busiest)
    }

    /// Time in which a GPU worked for the program, in percent: where others use it too and NVML tells who, its own part.
    pub(crate) fn own_activity(&self, gpu: &GpuWork) -> Option<u32> {
        if self.is_off_gpu() {
            return Some(0);
        }
        let all = gpu.activity();
        let (Some(program), Some(used)) = (&self.program, gpu.load.processes.seen()) else { return all };
        let part = |own: bool| -> u32 {
            let parts = used.iter().filter(|part| program.pids.contains(&part.pid) == own);
            parts.map(|part| part.activity.min(100)).sum()
        };
        if part(false) < WORKS || !self.tells_apart(gpu) { all } else { Some(part(true).min(100)) }
    }

    /// Whether the program can be told from others on this GPU: in a container NVML may tell the numbers that processes have
    /// outside.
    ///
    /// Source: NVIDIA/nvidia-docker#1483.
    pub(crate) fn tells_apart(&self, gpu: &GpuWork) -> bool {
        let is_listed = || self.program.as_ref().is_some_and(|program| program.is_listed_on(gpu));
        program::sees_numbers(self.facts) || is_listed()
    }

    /// Whether what happens on this GPU concerns the program: it is on it, or no GPU is known to be its own.
    pub(crate) fn concerns(&self, gpu: &GpuWork) -> bool {
        let Some(program) = self.program.as_ref().filter(|program| program.asked.is_some()) else {
            return true;
        };
        !self.gpus.iter().any(|other| program.is_listed_on(other)) || program.is_listed_on(gpu)
    }

    /// Whether a GPU that seems at work does little in that time.
    pub(crate) fn is_narrow(&self, gpu: &GpuWork) -> bool {
        self.own_activity(gpu).is_some_and(|activity| is_narrow(gpu, activity))
    }

    /// Whether the program uses no GPU, for sure.
    pub(crate) fn is_off_gpu(&self) -> bool {
        self.program.as_ref().is_some_and(|program| program.on_gpu == Some(false))
    }
}

/// What is told of GPUs that were seen throttled.
pub(crate) fn throttled(facts: &Facts, outcomes: &[Outcome]) -> Vec<Finding> {
    clocked(facts, outcomes, |clocked| matches!(clocked, Clocked::Throttled(_)))
}

/// What is told of GPUs whose clocks were seen low at full load without a reason, with what sets them back.
pub(crate) fn locked(facts: &Facts, outcomes: &[Outcome]) -> Vec<Finding> {
    let found = clocked(facts, outcomes, |clocked| matches!(clocked, Clocked::Locked(_)));
    let index =
        |finding: &Finding| readings::device(facts, &finding.subject).map_or(0, |device| device.index);
    let unlock = |finding: Finding| {
        let index = index(&finding);
        finding.run(format!("sudo nvidia-smi -i {index} -rgc"))
    };
    found.into_iter().map(unlock).collect()
}

fn clocked(facts: &Facts, outcomes: &[Outcome], is_it: impl Fn(&Clocked) -> bool) -> Vec<Finding> {
    let Some(Told::Work(watch)) = told(facts) else { return Vec::new() };
    let is_it =
        |subject: &Subject| watch.gpus.iter().any(|gpu| gpu.subject() == *subject && is_it(&gpu.clocked()));
    let found = readings::as_told(outcomes, "load.runs_at_full_clocks");
    found.into_iter().filter(|finding| is_it(&finding.subject)).collect()
}

/// Whether this is the process that was asked about.
pub(crate) fn is_asked(facts: &Facts, pid: u32) -> bool {
    let asked = facts.load.seen().and_then(|load| load.asked.as_ref());
    is_watched(facts) && asked.is_some_and(|asked| asked.pid == pid)
}

/// Whether another program was seen to hold the memory of this GPU.
pub(crate) fn is_held(facts: &Facts, gpu: &PciAddress) -> bool {
    let Some(Told::Work(watch)) = told(facts) else { return false };
    let mut gpus = watch.gpus.iter().filter(|known| known.load.pci == *gpu);
    gpus.any(|gpu| matches!(sharing(&watch, gpu), Sharing::Memory(_)))
}
