//! What gpucheck's exit status means.

use gpucheck_checks::{Drift, MachineVerdict, Readiness, Report, Verdict, seats::Seats};

/// The exit statuses, one by one. They do not change their meaning. Of `gpucheck publish` and `gpucheck bake` each says of
/// a template what it says of a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// The GPU is usable, warnings included. The template is ready to be published, warnings included.
    Usable = 0,
    /// The GPU is not usable; the template is not ready; the image is not good. With `--strict` also: it is, and there is
    /// something to mend, or something about it changed.
    NotUsable = 1,
    /// The command line makes no sense. clap ends with the same status.
    Usage = 2,
    /// Nothing that is needed failed, and something that is needed could not be told or tried. The template is not ready only
    /// because of that. `gpucheck bake --allow-unverified` ends with 0 instead; its report lists it all the same.
    Incomplete = 3,
    /// gpucheck itself failed: a file could not be read or written.
    OwnError = 4,
}

impl Exit {
    /// The status for a report.
    pub fn of(report: &Report, strict: bool) -> Self {
        let warned = || {
            !report.roots.is_empty() || report.outcomes.iter().any(|outcome| outcome.verdict == Verdict::Warn)
        };
        if let Some(readiness) = report.readiness {
            return Self::of_template(readiness, report, strict);
        }
        let drifted = || report.drift.as_ref().is_some_and(Drift::matters);
        match report.verdict {
            MachineVerdict::Usable if strict && (warned() || drifted()) => Self::NotUsable,
            MachineVerdict::Degraded if strict => Self::NotUsable,
            MachineVerdict::Incomplete if !report.allowed_unverified => Self::Incomplete,
            MachineVerdict::Incomplete if strict && warned() => Self::NotUsable,
            MachineVerdict::Usable | MachineVerdict::Degraded | MachineVerdict::Incomplete => Self::Usable,
            MachineVerdict::Unusable => Self::NotUsable,
        }
    }

    /// The status for a class: that of its worst seat. One of which nothing is known is no seat that is ready, and a report
    /// that could not be read may be its newest.
    pub fn of_seats(seats: &Seats, strict: bool) -> Self {
        let counts = &seats.seats;
        let is_to_mend = counts.in_part > 0 || !seats.causes.is_empty();
        if counts.not_ready > 0 {
            Self::NotUsable
        } else if seats.is_in_part_unknown() {
            Self::Incomplete
        } else if strict && is_to_mend {
            Self::NotUsable
        } else {
            Self::Usable
        }
    }

    /// The status for a template: one that is held back only by what could not be told has failed at nothing.
    fn of_template(readiness: Readiness, report: &Report, strict: bool) -> Self {
        let is_held_by_failure =
            report.verdict == MachineVerdict::Unusable || report.holds.iter().any(|hold| hold.failed);
        match readiness {
            Readiness::ReadyWithWarnings if strict => Self::NotUsable,
            Readiness::Ready | Readiness::ReadyWithWarnings => Self::Usable,
            Readiness::NotReady if is_held_by_failure => Self::NotUsable,
            Readiness::NotReady => Self::Incomplete,
        }
    }
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
