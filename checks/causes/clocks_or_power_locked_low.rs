//! Somebody set the GPU's clocks or its power limit low.
//!
//! # Meaning
//! A setting of `nvidia-smi` (`-pl`, `-ac`) was left behind, and the card computes slower than it could.
//!
//! # Detection
//! NVML: the power limit in force is below the default one, or the application clocks are below theirs. A GPU that was put to
//! work and is slow is so for that, unless NVML's reasons for its clocks under load name neither setting. `gpucheck slow`:
//! at full load the clocks are below 60 % of the greatest, and there is no reason for it.
//!
//! # Fix
//! `sudo nvidia-smi -rac`, `sudo nvidia-smi -pl WATTS` with the default, and `sudo nvidia-smi -rgc` for locked clocks.
//!
//! # Source
//! NVIDIA/open-gpu-kernel-modules#507, <https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceCommands.html>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who, bottleneck,
    fact::{Facts, NvmlDevice, PciAddress},
    readings,
    speed::{self, SLOW, Signs},
};

const POWER: &str = "performance.power_limit_default";
const CLOCKS: &str = "performance.clocks_default";

pub(crate) static CAUSE: Cause = Cause {
    explains: &[
        POWER,
        CLOCKS,
        "performance.memory_at_speed",
        "performance.computes_at_speed",
        "load.runs_at_full_clocks",
    ],
    severity: Severity::Degraded,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let low = |gpu: PciAddress| low(facts, &gpu, facts.nvml_device(&gpu)?, outcomes);
    let low = facts.gpu_addresses().into_iter().filter_map(low);
    readings::together(low.chain(bottleneck::locked(facts, outcomes)).collect())
}

fn low(facts: &Facts, gpu: &PciAddress, device: &NvmlDevice, outcomes: &[Outcome]) -> Option<Finding> {
    let subject = &Subject::Gpu(gpu.clone());
    let of = |id| readings::troubled(outcomes, id).find(|outcome| outcome.subject == *subject);
    let (power, clocks) = (of(POWER), of(CLOCKS));
    let power_text = power.map(|outcome| format!("power limit {}", outcome.summary));
    let clocks_text = clocks.map(|outcome| format!("application clock {}", outcome.summary));
    let told: Vec<String> = power_text.into_iter().chain(clocks_text).collect();
    if told.is_empty() {
        return None;
    }
    let finding = Finding::fail(subject.clone(), told.join(", "))
        .accounting_for(POWER, subject)
        .accounting_for(CLOCKS, subject);
    let is_it = Signs::of(facts, gpu, device).can_be_by_setting();
    let slow = if is_it { speed::troubled(outcomes, &SLOW, subject) } else { Vec::new() };
    let finding = slow.iter().fold(finding, |finding, outcome| {
        finding.accounting_for(&outcome.id, subject).because(format!("{}: {}", outcome.id, outcome.summary))
    });
    let index = device.index;
    let finding = match (power, device.power.default_limit.seen()) {
        (Some(_), Some(default)) => finding.run(format!("sudo nvidia-smi -i {index} -pl {}", default / 1000)),
        _ => finding,
    };
    Some(if clocks.is_some() { finding.run(format!("sudo nvidia-smi -i {index} -rac")) } else { finding })
}
