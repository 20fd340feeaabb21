//! The GPU's PCI Express link has all its lanes.
//!
//! # Meaning
//! A link that trained with fewer lanes, or slower, than card and slot can do halves the speed at which data reaches
//! the card, or worse: a bad riser, a dirty contact, a failing board.
//!
//! # Detection
//! NVML's width of the link now is below its greatest width, on a card that works; there the generation counts as well.
//! An idle card rests at generation 1 to save power, and says nothing about its link; nor does one in a virtual machine:
//! Amazon's T4s have 8 lanes of 16 in the best of health.
//!
//! # Fix
//! Have the card reseated, or take another machine.
//!
//! # Source
//! influxdata/telegraf plugins/inputs/nvidia_smi/testdata/tesla-t4.xml (x8 of x16, healthy),
//! <https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html>, NVIDIA/NVSentinel#890

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, NvmlDevice},
    readings,
    reasons::GPU_IDLE,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Pci, Source::Nvml],
    needs: &["nvml.sees_gpu"],
    severity: Severity::Degraded,
    who: Who::Platform,
    judge,
};

/// Activity from which a card works, in percent.
const AT_WORK: u32 = 20;
/// Lanes and generations that PCI Express can have.
const LANES: [u32; 6] = [1, 2, 4, 8, 16, 32];
const GENERATIONS: std::ops::RangeInclusive<u32> = 1..=8;

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    readings::each_gpu(facts, |subject, device| match facts.platform.seen() {
        None => Finding::unknown(subject, facts.platform.why_not()),
        Some(platform) if platform.hypervisor.is_some() => {
            Finding::not_applicable(subject, "the host of a virtual machine decides its lanes")
        }
        Some(_) => judge_device(subject, device),
    })
}

fn judge_device(subject: Subject, device: &NvmlDevice) -> Finding {
    let link = &device.link;
    let widths = readings::value(&subject, &link.width)
        .and_then(|now| Ok((*now, *readings::value(&subject, &link.width_max)?)));
    let (width, width_max) = match widths {
        Ok(widths) => widths,
        Err(finding) => return *finding,
    };
    if width_max == 0 {
        return Finding::not_applicable(subject, "the hypervisor hides its link");
    }
    let generations = link.generation.seen().copied().zip(link.generation_max.seen().copied());
    let possible = LANES.contains(&width) && LANES.contains(&width_max) && width <= width_max;
    let generations_possible = generations
        .is_none_or(|(now, most)| GENERATIONS.contains(&now) && GENERATIONS.contains(&most) && now <= most);
    if !(possible && generations_possible) {
        return Finding::unknown(subject, format!("{width} of {width_max} lanes are no link of PCI Express"));
    }
    let summary = match generations {
        Some((now, most)) => format!("x{width} of x{width_max}, generation {now} of {most}"),
        None => format!("x{width} of x{width_max}"),
    };
    let slower = generations.is_some_and(|(now, most)| now < most);
    match (is_at_work(device), width < width_max) {
        (true, narrow) if narrow || slower => Finding::new(subject, Verdict::Warn, summary),
        (false, true) => Finding::unknown(subject, format!("{summary}, on a card that is idle")),
        (true | false, _) => Finding::pass(subject, summary),
    }
}

fn is_at_work(device: &NvmlDevice) -> bool {
    let idle = device.clock_event_reasons.seen().is_none_or(|reasons| reasons & GPU_IDLE != 0);
    !idle && device.utilization.seen().is_some_and(|(gpu, _)| *gpu >= AT_WORK)
}
