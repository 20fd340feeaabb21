//! The GPU computes as fast as its cores and its clock allow.
//!
//! # Meaning
//! A card that is hot, short of power, or whose clocks or power limit somebody lowered computes at a fraction of its
//! speed, and programs see no error.
//!
//! # Detection
//! Chains of fused multiply-adds, timed by the GPU, against its cores times its greatest clock times two. Below 50 % is a
//! finding, with the reason where NVML shows one. A card made for the 75 W of a slot, such as the T4 and the L4, or one
//! that NVML says is at its own power limit, runs far below its greatest clock under such load, as it should: there it is
//! 30 %. A MIG instance is judged by its own multiprocessors; a virtual GPU is not: the hypervisor shares the card.
//!
//! # Fix
//! By the reason: cool the card, set clocks and power back (`sudo nvidia-smi -rac`, `-rgc`, `-pl WATTS`). Where none
//! shows, stop (deallocate) and start the machine to take another host.
//!
//! # Source
//! CUDA C++ Programming Guide, "Throughput of Native Arithmetic Instructions"; arXiv:1903.07486,
//! <https://forums.developer.nvidia.com/t/about-gpu-peak-performance/264462>

use crate::{
    Bar, Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who, at_work,
    fact::{Facts, NvmlDevice, WorkDevice},
    speed::{Signs, Speed, Unit, per_second},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Pci, Source::Nvml, Source::Driver, Source::Work, Source::Load],
    needs: &["nvml.sees_gpu", "compute.multiplies_matrices"],
    severity: Severity::Degraded,
    who: Who::Platform,
    judge,
};

fn judge(facts: &Facts, knowledge: &Knowledge) -> Judged {
    at_work::each_measured(facts, |subject, done| {
        at_work::measured(facts, subject, &done.arithmetic, |gpu, nvml, arithmetic| {
            let subject = Subject::Gpu(gpu.clone());
            let now = per_second(arithmetic.operations, arithmetic.device_us)?;
            let (cores, mhz) = limit(facts, knowledge, nvml, done)?;
            let limit = u64::from(cores) * u64::from(mhz) * 2;
            let signs = Signs::of(facts, gpu, nvml);
            let at_limit = signs.is_at_power_limit();
            let bar = if at_limit { Bar::ArithmeticAtPowerLimit } else { Bar::Arithmetic };
            let most = capability(facts, done).map_or(100, |capability| knowledge.most_of_cores(capability));
            let bar = knowledge.bar(bar) * most / 100;
            let speed = Speed { now, limit, most: limit, unit: Unit::Operations };
            let finding = speed.judge(subject.clone(), bar).because(format!(
                "{}: {cores} cores at {mhz} MHz, two operations a cycle",
                Unit::Operations.words(limit)
            ));
            if finding.verdict != Verdict::Warn {
                return Ok(finding);
            }
            if let Some(other) = signs.another_program() {
                return Ok(Finding::unknown(subject, format!("{}, and {other}", finding.summary)));
            }
            Ok(signs.explain(finding).run("nvidia-smi -q -d PERFORMANCE,CLOCK,TEMPERATURE,POWER"))
        })
    })
}

fn capability(facts: &Facts, done: &WorkDevice) -> Option<(i32, i32)> {
    let cuda = facts.cuda_devices().find(|cuda| cuda.ordinal == done.ordinal)?;
    cuda.compute_capability.seen().copied()
}

/// Cores and their greatest clock, in MHz. NVML counts the cores of the card, CUDA the multiprocessors of the instance.
fn limit(
    facts: &Facts,
    knowledge: &Knowledge,
    nvml: &NvmlDevice,
    done: &WorkDevice,
) -> Result<(u32, u32), String> {
    let told = nvml.cores.seen().copied().filter(|cores| *cores > 0 && !nvml.has_mig());
    let made_of = done.made_of.seen();
    let each = capability(facts, done).and_then(|capability| knowledge.cores_per_multiprocessor(capability));
    let counted = made_of.zip(each).map(|(made_of, each)| made_of.multiprocessors.saturating_mul(each));
    let cores = told.or(counted).filter(|cores| *cores > 0);
    let possible = |mhz: &u32| (50..10_000).contains(mhz);
    let clock = nvml.clocks.sm_max.seen().copied().filter(possible);
    let clock = clock.or_else(|| made_of.map(|made_of| made_of.clock_khz / 1000).filter(possible));
    match (cores, clock) {
        (Some(cores), Some(mhz)) => Ok((cores, mhz)),
        (None, _) => {
            Err("its number of cores is not told, nor in the table by its compute capability".to_owned())
        }
        (Some(_), None) => Err("its greatest clock is not told".to_owned()),
    }
}
