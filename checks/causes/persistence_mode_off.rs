//! The driver shuts the GPU down after each program.
//!
//! # Meaning
//! Without persistence mode a card is started anew for each program, and each waits for seconds.
//!
//! # Detection
//! NVML took more than two seconds until it had opened the first card, with persistence mode off and nobody on a card.
//!
//! # Fix
//! `sudo systemctl enable --now nvidia-persistenced`; in Ubuntu, whose unit has persistence mode off, a drop-in first; where
//! that service is missing, its package; where no package brings it, `sudo nvidia-smi -pm 1` at each boot.
//!
//! # Source
//! NVIDIA/nvidia-docker#723, Azure/aks-gpu#105, <https://docs.nvidia.com/deploy/driver-persistence/>

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Who, fact::Facts, persistence, readings};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["performance.starts_quickly"],
    severity: Severity::Degraded,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let found = readings::as_told(outcomes, "performance.starts_quickly");
    let off = |finding: &Finding| finding.summary.contains("persistence mode is off");
    let run = |finding: Finding| persistence::start_at_boot(facts, finding);
    found.into_iter().filter(off).map(run).collect()
}
