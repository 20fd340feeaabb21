//! How good the news is, whatever was asked. Words say it everywhere; this only chooses how to draw them.

use gpucheck_checks::{MachineVerdict, Readiness, Report};

/// How good the news is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Good,
    Warning,
    Bad,
}

impl Tone {
    pub(super) fn of(report: &Report) -> Self {
        match (report.readiness, report.verdict) {
            (Some(Readiness::NotReady), _) | (None, MachineVerdict::Unusable) => Self::Bad,
            (Some(Readiness::ReadyWithWarnings), _)
            | (None, MachineVerdict::Degraded | MachineVerdict::Incomplete) => Self::Warning,
            (Some(Readiness::Ready), _) | (None, MachineVerdict::Usable) => Self::Good,
        }
    }
}
