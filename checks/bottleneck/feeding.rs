//! Whether a GPU gets enough to do, and what keeps it waiting.

use super::{FULL, GpuWork, Program, Sharing, WAITS, WORKS, Watch, sharing};
use crate::fact::{HostLoad, HostSample, ProcessorUse};

/// A GPU that works for so long, in percent of the time, waits for nobody much: some is lost between batches always.
const FED: u32 = 60;
/// A GPU that works less than this, in percent, beside one full thread mostly waits for what that thread prepares; with
/// more, the thread mostly hands it kernels.
const LAUNCHED: u32 = 15;
/// What a GPU receives when data is what flows, in KB/s: batches of pictures are hundreds of megabytes a second, commands
/// are a few.
const DATA: u32 = 200_000;
/// Time in which a control group was held back for its limit, in percent, that is felt.
const HELD_BACK: u8 = 20;
/// Time in which some program waited for disks, in percent, that is felt: a fifth of all time is lost.
///
/// Source: <https://docs.kernel.org/accounting/psi.html>.
const DISK_PRESSURE: u8 = 20;
/// The same of all cores together, where Linux does not tell pressure: a waiting core of eight is an eighth.
const DISK_WAIT: u8 = 10;

/// Whether a GPU gets enough to do.
pub(crate) enum Feeding {
    /// It does.
    Fed(String),
    /// It waits: how much it works, in percent, and for what.
    Starved { activity: u32, by: Starver },
    /// It works in every moment and never much: one full thread hands it kernels that are too small.
    Launches { activity: u32, thread: u32 },
    /// Others use its time, and the program waits for its turn: what else it waits for cannot be told.
    Shared,
    /// It waits, and what for cannot be told.
    Untold(String),
}

/// What a GPU waits for.
pub(crate) struct Starver {
    /// The texts to it.
    pub(crate) variant: &'static str,
    /// What is full, with numbers.
    pub(crate) what: String,
    /// More of it.
    pub(crate) evidence: Vec<String>,
}

/// Whether the program's GPU gets enough to do; none where it has none.
pub(crate) fn feeding(watch: &Watch) -> Option<Feeding> {
    let (program, gpu) = (watch.program.as_ref(), watch.gpu()?);
    let Some(activity) = watch.own_activity(gpu) else {
        return Some(Feeding::Untold("NVML does not tell how long the GPU works".to_owned()));
    };
    if activity >= FED {
        return Some(Feeding::Fed(format!("the GPU is at work {activity} % of the time")));
    }
    if matches!(sharing(watch, gpu), Sharing::Time { .. }) {
        return Some(Feeding::Shared);
    }
    let Some(host) = watch.host else {
        let why = watch.load.host.why_not();
        return Some(Feeding::Untold(format!(
            "the GPU is at work {activity} % of the time; the host: {why}"
        )));
    };
    let shared = group(host, program).or_else(|| cores(host)).or_else(|| disk(host, program));
    if let Some(by) = shared {
        return Some(Feeding::Starved { activity, by });
    }
    let thread = program.map_or(0, Program::launching_thread);
    if thread >= FULL && is_launching(gpu, activity) {
        return Some(Feeding::Launches { activity, thread });
    }
    Some(match threads(host, program) {
        Some(by) => Feeding::Starved { activity, by },
        None => Feeding::Untold(format!(
            "the GPU is at work {activity} % of the time, and no processor, disk or limit is full: the program may wait \
             for the network or pause by itself"
        )),
    })
}

fn is_launching(gpu: &GpuWork, activity: u32) -> bool {
    let flows = gpu.received().is_some_and(|received| received >= DATA);
    activity >= LAUNCHED && gpu.is_steady() && !flows
}

/// The limit of the program's control group.
fn group(host: &HostLoad, program: Option<&Program>) -> Option<Starver> {
    let limits = host.limits?;
    let allowed = limits.processors.filter(|allowed| *allowed > 0)?;
    let held = limits.held_back.filter(|held| *held <= 100);
    let used = program.map_or(0, Program::percent);
    let is_full = u64::from(used) * 100 >= u64::from(allowed) * u64::from(FULL);
    if !(is_full || held.is_some_and(|held| held >= HELD_BACK)) {
        return None;
    }
    let what = match held {
        Some(held) => {
            format!(
                "the limit of {} cores held the program back {held} % of the time",
                cores_in_words(allowed)
            )
        }
        None => format!("the program uses all of its limit of {} cores", cores_in_words(allowed)),
    };
    let evidence = program.map(uses).into_iter().collect();
    Some(Starver { variant: "limit", what, evidence })
}

fn uses(program: &Program) -> String {
    format!("the program {}", program.use_in_words())
}

fn cores_in_words(percent: u32) -> String {
    match percent % 100 {
        0 => (percent / 100).to_string(),
        rest => format!("{}.{}", percent / 100, rest / 10),
    }
}

/// All cores.
fn cores(host: &HostLoad) -> Option<Starver> {
    let busy = |sample: &HostSample| {
        let count = u32::try_from(sample.cores.len()).ok().filter(|count| *count > 0)?;
        Some(sample.cores.iter().map(|core| u32::from(*core).min(100)).sum::<u32>() / count)
    };
    let told: Vec<u32> = host.samples.iter().filter_map(busy).collect();
    let mean = told.iter().sum::<u32>().checked_div(u32::try_from(told.len()).ok()?)?;
    let count = host.samples.iter().map(|sample| sample.cores.len()).max()?;
    (mean >= FULL).then(|| Starver {
        variant: "cores",
        what: format!("all {count} cores are busy {mean} % of the time"),
        evidence: host.processes.iter().take(3).map(takes).collect(),
    })
}

fn takes(used: &ProcessorUse) -> String {
    format!("process {} ({}) takes {} % of a core", used.pid, used.name, used.percent)
}

/// A disk, or a drive on the network. That a disk is always at work alone says little: many serve several at once.
///
/// Source: iostat(1), `%util`.
fn disk(host: &HostLoad, program: Option<&Program>) -> Option<Starver> {
    let mean = |values: Vec<u32>| {
        let count = u32::try_from(values.len()).ok()?;
        values.iter().sum::<u32>().checked_div(count)
    };
    let percents = |of: &dyn Fn(&HostSample) -> Option<u8>| {
        let told = host.samples.iter().filter_map(of).filter(|percent| *percent <= 100);
        mean(told.map(u32::from).collect())
    };
    let pressure = percents(&|sample| sample.disk_pressure);
    let cores = percents(&|sample| Some(sample.waiting));
    let disk = percents(&|sample| sample.busiest_disk.as_ref().map(|(_, busy)| *busy));
    let name =
        host.samples.iter().rev().find_map(|sample| sample.busiest_disk.as_ref()).map(|(name, _)| name);
    let waits = program.map_or(0, Program::waiting);
    let reaches = |value: Option<u32>, least: u32| value.is_some_and(|value| value >= least);
    let held_up = reaches(pressure, u32::from(DISK_PRESSURE)) || reaches(cores, u32::from(DISK_WAIT));
    let is_full = reaches(disk, FULL);
    if !((is_full && held_up) || waits >= WAITS) {
        return None;
    }
    let what = match (name, disk) {
        (Some(name), Some(disk)) if is_full => format!("disk {name} is busy {disk} % of the time"),
        (_, _) => format!("the program waited for a disk or a network drive in {waits} % of the samples"),
    };
    let pressure = pressure.map(|pressure| format!("programs waited for disks {pressure} % of the time"));
    let cores = cores.map(|cores| format!("{cores} % of all processor time waited for disks"));
    Some(Starver { variant: "disk", what, evidence: pressure.into_iter().chain(cores).collect() })
}

/// The threads that prepare data: the program's own, or those of its workers.
fn threads(host: &HostLoad, program: Option<&Program>) -> Option<Starver> {
    let program = program?;
    let thread = program.launching_thread();
    if thread >= FULL {
        let what = format!("one thread of the program is busy {thread} % of the time");
        return Some(Starver { variant: "thread", what, evidence: vec![uses(program)] });
    }
    let is_full = |used: &&ProcessorUse| used.busiest_thread >= FULL && program.is_worker(used);
    let workers: Vec<&ProcessorUse> = host.processes.iter().filter(is_full).collect();
    let evidence = workers.iter().take(3).map(|used| takes(used)).collect();
    let what = match workers.len() {
        0 => return None,
        1 => "one process that prepares data is full".to_owned(),
        count => format!("{count} processes that prepare data are full"),
    };
    Some(Starver { variant: "workers", what, evidence })
}

/// Whether a GPU that seems at work does little in that time: activity counts moments in which anything runs.
pub(crate) fn is_narrow(gpu: &GpuWork, activity: u32) -> bool {
    /// Power of a card that has little to do, as a part of its limit in percent: idle cards take a tenth to a fifth.
    const LITTLE_POWER: u32 = 33;
    /// Memory traffic of one, in percent of the time.
    const LITTLE_TRAFFIC: u32 = 10;
    let (Some(power), Some(limit), Some(memory)) = (gpu.power(), gpu.power_limit(), gpu.memory_activity())
    else {
        return false;
    };
    let little = u64::from(power) * 100 < u64::from(limit) * u64::from(LITTLE_POWER);
    activity >= FED.max(WORKS) && little && memory < LITTLE_TRAFFIC
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_as_cores() {
        for (percent, cores) in [(100, "1"), (250, "2.5"), (1600, "16"), (50, "0.5"), (205, "2.0")] {
            assert_eq!(cores_in_words(percent), cores);
        }
    }

    fn host(samples: Vec<HostSample>) -> HostLoad {
        HostLoad { samples, ..HostLoad::default() }
    }

    #[test]
    fn cores_are_full_together_or_not_at_all() {
        let sample = |cores: &[u8]| HostSample { cores: cores.to_vec(), ..HostSample::default() };
        assert!(cores(&host(vec![sample(&[100, 90]), sample(&[80, 95])])).is_some());
        assert!(cores(&host(vec![sample(&[100, 20])])).is_none());
        assert!(cores(&host(vec![sample(&[])])).is_none());
        assert!(cores(&host(Vec::new())).is_none());
    }

    #[test]
    fn a_disk_at_work_that_nobody_waits_for_is_no_bottleneck() {
        let sample = |busy, pressure, waiting| HostSample {
            busiest_disk: Some(("nvme0n1".to_owned(), busy)),
            disk_pressure: pressure,
            waiting,
            ..HostSample::default()
        };
        for (busy, pressure, waiting, is_full) in [
            (100, Some(2), 1, false),
            (100, Some(45), 1, true),
            (100, None, 14, true),
            (20, Some(45), 14, false),
            (100, None, 0, false),
        ] {
            let found = disk(&host(vec![sample(busy, pressure, waiting)]), None);
            assert_eq!(found.is_some(), is_full, "{busy} {pressure:?} {waiting}");
        }
    }
}
