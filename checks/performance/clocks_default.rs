//! The GPU's application clocks are not set low.
//!
//! # Meaning
//! Somebody set the clocks that programs run with (`nvidia-smi -ac`) below those that the card comes with. Clocks that
//! were locked (`nvidia-smi -lgc`) cannot be told apart from idle ones in one look.
//!
//! # Detection
//! `nvmlDeviceGetApplicationsClock` is below `nvmlDeviceGetDefaultApplicationsClock`.
//!
//! # Fix
//! `sudo nvidia-smi -rac`
//!
//! # Source
//! <https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, NvmlDevice},
    readings,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Nvml],
    needs: &["nvml.sees_gpu"],
    severity: Severity::Degraded,
    who: Who::Instructor,
    judge,
};

/// Clocks that a card can have, in MHz.
const POSSIBLE: std::ops::Range<u32> = 50..10_000;

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    readings::each_gpu(facts, judge_device)
}

fn judge_device(subject: Subject, device: &NvmlDevice) -> Finding {
    let clocks = (&device.clocks.application_sm, &device.clocks.application_sm_default);
    let (now, default) = match readings::now_and_default(&subject, clocks, &POSSIBLE, ("clocks", "MHz")) {
        Ok(told) => told,
        Err(finding) => return *finding,
    };
    let summary = format!("{now} MHz, {default} MHz by default");
    if now < default {
        let command = format!("sudo nvidia-smi -i {} -rac", device.index);
        Finding::new(subject, Verdict::Warn, summary).run(command)
    } else {
        Finding::pass(subject, summary)
    }
}
