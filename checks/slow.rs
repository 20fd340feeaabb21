//! Why it is slow: the profile of a machine that was watched for some seconds.
//!
//! Invariants: a machine that is not usable is told so first; of what slows it down one comes first, in an order that does
//! not depend on the numbers; what was not at work is never told to be well.

use crate::{
    Knowledge, MachineVerdict, Measured, MeasuredGpu, NothingMeasured, Report, Root, Severity, Source,
    Verdict,
    bottleneck::{self, GpuWork, Told},
    diagnose::{JudgedOutcome, conclude, report},
    fact::Facts,
    registry,
};
use std::collections::BTreeSet;

/// The profile's name.
const PROFILE: &str = "slow";

/// What slows a machine down, by the check that tells: what makes the others meaningless comes first. A machine that pages
/// is slow whatever it computes on; who computes on the processors compiles nothing; who shares a GPU or is throttled is slow
/// however well the GPU is fed.
const ORDER: [&str; 7] = [
    "load.does_not_page",
    "load.runs_on_gpu",
    "load.compiles_nothing",
    "load.runs_at_full_clocks",
    "load.has_gpu_to_itself",
    "load.is_fed",
    "load.fills_gpu",
];

/// What the judged checks may read: no Python is started and CUDA is not asked, for that would be measured too.
const READ: [Source; 9] = [
    Source::Platform,
    Source::Pci,
    Source::Module,
    Source::Log,
    Source::Installation,
    Source::Nvml,
    Source::Processes,
    Source::Notebooks,
    Source::Load,
];

/// What a look of a moment says of that which is watched here: the samples know better.
const WATCHED: [&str; 3] =
    ["performance.clocks_unthrottled", "performance.memory_free", "performance.host_memory_free"];

/// What makes a GPU slow that works without a rest: what else there is to mend does not.
const SLOWING: [&str; 2] = ["performance.power_limit_default", "performance.clocks_default"];

/// The sources that the profile reads.
pub fn slow_sources() -> BTreeSet<Source> {
    READ.into()
}

/// Whether the profile judges this check: those of the machine, those of its speed as far as its sources tell, and those
/// of what was watched.
fn judges(id: &str) -> bool {
    let Some((layer, _)) = id.split_once('.') else { return false };
    let reads_little =
        || registry::check(id).is_some_and(|check| check.item.reads.iter().all(|read| READ.contains(read)));
    match layer {
        "pci" | "module" | "nvml" | "load" => true,
        "performance" => !WATCHED.contains(&id) && reads_little(),
        _ => false,
    }
}

/// Names what slows a machine down, or the program on it that was asked about. Any facts give a report.
pub fn slow(facts: &Facts, knowledge: &Knowledge) -> Report {
    let (judged, named) = conclude(facts, knowledge, judges);
    let mut roots: Vec<Root> = named.into_iter().map(|(_, root)| root).collect();
    roots.sort_by_key(|root| (root.severity, rank(&root.id)));
    let verdict = verdict(facts, &judged, &roots);
    let measured = Some(measured(facts));
    Report { measured, ..report(facts, knowledge, judged, (PROFILE, verdict, roots)) }
}

/// The place of a check in the order: what was watched, then what makes it slow all the same.
fn rank(id: &str) -> (usize, usize) {
    let place = || if SLOWING.contains(&id) { ORDER.len() } else { ORDER.len() + 1 };
    (ORDER.iter().position(|known| *known == id).unwrap_or_else(place), registry::position(id))
}

/// Not usable; slow; not told, where nothing was at work or something could not be seen; or nothing slows it down.
fn verdict(facts: &Facts, judged: &[JudgedOutcome], roots: &[Root]) -> MachineVerdict {
    let works = matches!(bottleneck::told(facts), Some(Told::Work(_)));
    let slows = |root: &Root| root.id.starts_with("load.") || (works && SLOWING.contains(&root.id.as_str()));
    let untold = judged.iter().map(|judged| &judged.outcome).any(|outcome| {
        outcome.id.starts_with("load.") && outcome.verdict == Verdict::Unknown && outcome.root.is_none()
    });
    if roots.iter().any(|root| root.severity == Severity::Unusable) {
        MachineVerdict::Unusable
    } else if roots.iter().any(slows) {
        MachineVerdict::Degraded
    } else if untold || !works {
        MachineVerdict::Incomplete
    } else {
        MachineVerdict::Usable
    }
}

fn measured(facts: &Facts) -> Measured {
    let told = bottleneck::told(facts);
    let load = facts.load.seen();
    let asked = load.and_then(|load| load.asked.as_ref());
    let nothing = match &told {
        Some(Told::Idle(_)) if asked.is_some() => Some(NothingMeasured::ProgramIdle),
        Some(Told::Idle(_)) => Some(NothingMeasured::Idle),
        Some(Told::Ended(_)) => Some(NothingMeasured::ProgramEnded),
        Some(Told::Work(_) | Told::Pages | Told::Untold(_)) | None => None,
    };
    let program = match &told {
        Some(Told::Work(watch)) => watch.program.as_ref().map(|program| program.name(facts)),
        Some(Told::Idle(_) | Told::Ended(_) | Told::Pages | Told::Untold(_)) | None => {
            asked.map(|asked| asked.notebook.clone().unwrap_or_else(|| format!("process {}", asked.pid)))
        }
    };
    let gpus = load.into_iter().flat_map(|load| &load.gpus);
    let gpus = gpus.filter_map(|gpu| GpuWork::new(facts, gpu)).map(|gpu| MeasuredGpu {
        address: gpu.load.pci.clone(),
        activity: gpu.activity(),
        memory_activity: gpu.memory_activity(),
        power_mw: gpu.power(),
        power_limit_mw: gpu.power_limit(),
    });
    Measured { lasted_ms: load.map_or(0, |load| load.lasted_ms), program, nothing, gpus: gpus.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::CHECKS;

    #[test]
    fn every_check_of_the_layer_has_its_place() {
        let layer: BTreeSet<&str> =
            CHECKS.iter().map(|check| check.id).filter(|id| id.starts_with("load.")).collect();
        assert_eq!(layer, ORDER.into());
        for id in ORDER.iter().chain(&WATCHED).chain(&SLOWING) {
            assert!(registry::check(id).is_some(), "{id}");
        }
    }

    #[test]
    fn no_check_that_would_be_measured_is_judged() {
        assert!(
            judges("nvml.sees_gpu") && judges("load.is_fed") && judges("performance.power_limit_default")
        );
        for id in ["driver.initializes", "frameworks.python_starts", "performance.keeps_compiled_code", "odd"]
        {
            assert!(!judges(id), "{id}");
        }
    }
}
