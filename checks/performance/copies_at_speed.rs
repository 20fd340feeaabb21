//! Copies between host and GPU are as fast as the PCI Express link allows.
//!
//! # Meaning
//! Each batch goes over the link. One that trained with fewer lanes or at a lower generation, or that makes errors and
//! sends again, feeds the GPU at a fraction of the speed, and programs see no error.
//!
//! # Detection
//! Copies from and to page-locked memory of the host, timed by the GPU, against the lanes and the generation that card
//! and slot can have together. Below 60 % is a finding; in a virtual machine, where the link that is seen may be made
//! up, below 25 %. A virtual GPU is not judged: the hypervisor shares the card.
//!
//! # Fix
//! Take another host: stop (deallocate) and start the machine. On your own hardware reseat the card, and look where its
//! slot gets its lanes from.
//!
//! # Source
//! PCI-SIG, PCI Express Base Specification; Azure/azurehpc-health-checks (check_gpu_bw), NVIDIA/NVSentinel#890

use crate::{
    Bar, Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who, at_work,
    fact::{Facts, NvmlDevice, Observed, Transfer},
    judge,
    speed::{Signs, Speed, Unit, per_second},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Pci, Source::Nvml, Source::Driver, Source::Work, Source::Load],
    needs: &["nvml.sees_gpu", "compute.copies_memory"],
    severity: Severity::Degraded,
    who: Who::Platform,
    judge: judge_all,
};

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    at_work::each_measured(facts, |subject, done| {
        // Both or the one that there is.
        let ways = [("up", &done.upload), ("down", &done.download)];
        let tried = |(_, copy): &(&str, &Observed<Transfer>)| !matches!(copy, Observed::NotProbed { .. });
        let ways: Vec<_> = ways.into_iter().filter(tried).collect();
        let (_, first) = *ways.first()?;
        at_work::measured(facts, subject, first, |gpu, nvml, _| {
            let subject = Subject::Gpu(gpu.clone());
            let limit = limit(knowledge, nvml)?;
            let mut speeds = Vec::new();
            for (way, copy) in &ways {
                let copy = copy.seen().ok_or_else(|| copy.why_not())?;
                let now = per_second(copy.bytes, copy.device_us)?;
                speeds.push((*way, Speed { now, limit, most: limit, unit: Unit::Bytes }));
            }
            let virtual_machine = !judge::is_bare_metal(facts) || nvml.has_mig();
            let bar = if virtual_machine { Bar::CopiesInVirtualMachine } else { Bar::Copies };
            let mut finding = judge_speeds(&subject, &speeds, knowledge.bar(bar))?;
            if finding.verdict == Verdict::Unknown {
                finding.summary += ": more than its link can carry";
            }
            if finding.verdict != Verdict::Warn {
                return Ok(finding);
            }
            let signs = Signs::of(facts, gpu, nvml);
            if let Some(other) = signs.another_program() {
                return Ok(Finding::unknown(subject, format!("{}, and {other}", finding.summary)));
            }
            let narrow = signs.narrow_link().unwrap_or_else(|| "its link has all its lanes".to_owned());
            Ok(finding.because(narrow).run("nvidia-smi -q | grep -A 12 'GPU Link Info'"))
        })
    })
}

/// The worse of both directions, with the numbers of both: `up 6.2, down 6.4 of 15.8 GB/s, 39 %`.
fn judge_speeds(subject: &Subject, speeds: &[(&str, Speed)], bar: u64) -> Result<Finding, String> {
    let judged = speeds.iter().map(|(_, speed)| speed.judge(subject.clone(), bar));
    let slowest = speeds.iter().map(|(_, speed)| speed).min_by_key(|speed| speed.now);
    let worst = judged.min_by_key(|finding| at_work::rank(finding.verdict));
    let (Some(mut finding), Some(slowest)) = (worst, slowest) else {
        return Err("nothing was copied".to_owned());
    };
    let each = speeds.iter().map(|(way, speed)| format!("{way} {}", speed.unit.number(speed.now)));
    let each: Vec<String> = each.collect();
    finding.summary =
        format!("{} of {}, {} %", each.join(", "), Unit::Bytes.words(slowest.limit), slowest.percent());
    Ok(finding)
}

/// What the link can carry in one direction, in MB/s.
fn limit(knowledge: &Knowledge, nvml: &NvmlDevice) -> Result<u64, String> {
    let link = nvml.link.generation_max.seen().zip(nvml.link.width_max.seen());
    let Some((generation, lanes)) = link.filter(|(_, lanes)| (1..=32).contains(*lanes)) else {
        return Err("NVML does not tell what its link can do".to_owned());
    };
    let lane = knowledge
        .lane_mbs(*generation)
        .ok_or_else(|| format!("generation {generation} of PCI Express is not in the table"))?;
    Ok(lane * u64::from(*lanes))
}
