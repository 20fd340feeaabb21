//! The GPU is slowed down for heat or power.
//!
//! # Meaning
//! A card that is too hot, or whose power supply asks for it, lowers its clocks and computes several times slower.
//!
//! # Detection
//! NVML's reasons for its clocks: hardware thermal slowdown, power brake, software thermal slowdown while it works. The
//! limit on power of a card at full load, and the low clocks of an idle one, are as they should be. Where the GPU was put to
//! work and is slow, the reasons that were sampled meanwhile count.
//!
//! # Fix
//! Cooling and power are the host's: take another host, or tell whoever runs it.
//!
//! # Source
//! NVIDIA/NVSentinel#890, <https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{Facts, PciAddress},
    judge, readings,
    speed::{self, SLOW, Signs},
};

const THROTTLED: &str = "performance.clocks_unthrottled";

pub(crate) static CAUSE: Cause = Cause {
    explains: &[THROTTLED, "performance.memory_at_speed", "performance.computes_at_speed"],
    severity: Severity::Degraded,
    who: Who::Platform,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let throttled = |gpu: PciAddress| throttled(facts, &gpu, outcomes);
    readings::together(facts.gpu_addresses().into_iter().filter_map(throttled).collect())
}

fn throttled(facts: &Facts, gpu: &PciAddress, outcomes: &[Outcome]) -> Option<Finding> {
    let subject = Subject::Gpu(gpu.clone());
    let told = readings::troubled(outcomes, THROTTLED).find(|outcome| outcome.subject == subject);
    let is_slowed = || facts.nvml_device(gpu).is_some_and(|nvml| Signs::of(facts, gpu, nvml).is_throttled());
    let slow = speed::troubled(outcomes, &SLOW, &subject);
    let first = told.or_else(|| slow.first().copied().filter(|_| is_slowed()))?;
    let finding = judge::retold(first).accounting_for(THROTTLED, &subject);
    let finding = slow.iter().fold(finding, |finding, outcome| {
        let finding = finding.accounting_for(&outcome.id, &subject);
        if outcome.id == first.id {
            finding
        } else {
            finding.because(format!("{}: {}", outcome.id, outcome.summary))
        }
    });
    Some(finding.run("nvidia-smi -q -d PERFORMANCE,TEMPERATURE,POWER"))
}
