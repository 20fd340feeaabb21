//! The GPU is slowed down for heat or power.
//!
//! # Meaning
//! A card that is too hot, or whose power supply asks for it, lowers its clocks and computes several times slower.
//!
//! # Detection
//! NVML's reasons for its clocks: hardware thermal slowdown, power brake, software thermal slowdown while it works. The
//! limit on power of a card at full load, and the low clocks of an idle one, are as they should be. `gpucheck slow` counts the
//! samples with a reason in which the card works.
//!
//! # Fix
//! Cooling and power are the host's: take another host, or tell whoever runs it.
//!
//! # Source
//! NVIDIA/NVSentinel#890, <https://docs.nvidia.com/deploy/nvml-api/group__nvmlClocksEventReasons.html>

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Who, bottleneck, fact::Facts, readings};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["performance.clocks_unthrottled", "load.runs_at_full_clocks"],
    severity: Severity::Degraded,
    who: Who::Platform,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let found = readings::as_told(outcomes, "performance.clocks_unthrottled");
    readings::together(
        found
            .into_iter()
            .chain(bottleneck::throttled(facts, outcomes))
            .map(|finding| finding.run("nvidia-smi -q -d PERFORMANCE,TEMPERATURE,POWER"))
            .collect(),
    )
}
