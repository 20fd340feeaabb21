//! The GPU's PCI Express link has lost lanes or speed.
//!
//! # Meaning
//! Data reaches the card at half its speed or less: a bad riser, a dirty contact, a failing board.
//!
//! # Detection
//! On a card that works, NVML's width or generation of the link is below the greatest that card and slot can do.
//!
//! # Fix
//! Take another host, or have the card reseated.
//!
//! # Source
//! NVIDIA/NVSentinel#890, <https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html>

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Who, fact::Facts, readings};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["performance.link_full_width"],
    severity: Severity::Degraded,
    who: Who::Platform,
    recognize,
};

fn recognize(_: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let found = readings::as_told(outcomes, "performance.link_full_width");
    found.into_iter().map(|finding| finding.run("nvidia-smi -q | grep -A 12 'GPU Link Info'")).collect()
}
