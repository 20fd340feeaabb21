//! A GPU that works runs at its full clocks.
//!
//! # Meaning
//! A card that is too hot, or whose power supply asks for it, lowers its clocks and computes several times slower. So does one
//! whose clocks somebody locked. The program sees no error.
//!
//! # Detection
//! `gpucheck slow`: in most samples in which the card works NVML gives a reason: hardware thermal slowdown (0x40), power brake
//! (0x80), software thermal slowdown (0x20), hardware slowdown (0x8). Or, at full load, the clocks are below 60 % of the
//! greatest and there is no reason at all: they were locked. A card at its power limit (0x4) is as it should be.
//!
//! # Fix
//! Cooling and power are the host's: take another host. Locked clocks: `sudo nvidia-smi -rgc`.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html>, NVIDIA/NVSentinel#890,
//! NVIDIA/open-gpu-kernel-modules#507

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Who,
    bottleneck::{self, Clocked, GpuWork},
    fact::Facts,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Nvml, Source::Load],
    needs: &["nvml.sees_gpu"],
    severity: Severity::Degraded,
    who: Who::Platform,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    bottleneck::at_work(facts, |watch| watch.gpus.iter().map(judge_gpu).collect())
}

fn judge_gpu(gpu: &GpuWork) -> Finding {
    let subject = gpu.subject();
    match gpu.clocked() {
        Clocked::Full(words) => Finding::pass(subject, words),
        Clocked::Throttled(words) => Finding::fail(subject, words),
        Clocked::Locked(words) => {
            Finding::fail(subject, format!("{words}, and no reason is told")).because(gpu.in_words())
        }
        Clocked::Idle => Finding::not_applicable(subject, "it hardly works"),
        Clocked::Untold => Finding::not_applicable(subject, "this card or its driver does not tell"),
    }
}
