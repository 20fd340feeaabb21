//! The GPU may draw the power that it is made for.
//!
//! # Meaning
//! Somebody lowered the power limit (`nvidia-smi -pl`), and the card slows down to stay below it.
//!
//! # Detection
//! `nvmlDeviceGetEnforcedPowerLimit` is more than a twentieth below `nvmlDeviceGetPowerManagementDefaultLimit`.
//!
//! # Fix
//! `sudo nvidia-smi -pl WATTS` with the default.
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

/// A card draws between a watt and some kilowatts; in milliwatts.
const POSSIBLE: std::ops::Range<u32> = 1_000..20_000_000;

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    readings::each_gpu(facts, judge_device)
}

fn judge_device(subject: Subject, device: &NvmlDevice) -> Finding {
    let limits = (&device.power.enforced_limit, &device.power.default_limit);
    let (now, default) = match readings::now_and_default(&subject, limits, &POSSIBLE, ("limits", "mW")) {
        Ok(told) => told,
        Err(finding) => return *finding,
    };
    let summary = format!("{} W of {} W", now / 1000, default / 1000);
    if now < default - default / 20 {
        let command = format!("sudo nvidia-smi -i {} -pl {}", device.index, default / 1000);
        Finding::new(subject, Verdict::Warn, summary).run(command)
    } else {
        Finding::pass(subject, summary)
    }
}
