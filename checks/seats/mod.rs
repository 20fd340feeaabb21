//! Many machines at once: the reports of a class's seats, merged into one answer.
//!
//! A [`SeatReport`] is what counts of one report. A [`Tally`] takes any number of them, one after another and by several
//! hands ([`Tally::merge`]), and ends as [`Seats`].
//!
//! Invariants: the same reports in any order give the same answer, byte for byte; of a seat with several reports the
//! newest counts; what could not be read or told is a seat that is not ready. Of a report no more is kept than the name of
//! its seat, its time and a reference to what it shares with others, some hundred bytes; causes, fixes and names that are
//! kept are bounded, and what is left out is counted.

mod outlier;
mod read;
mod table;
mod tally;
#[cfg(test)]
mod tests;
mod told;

use crate::{MachineVerdict, Readiness, Root, Severity};
pub use outlier::{Outlier, Reading, Template, What};
pub use read::SeatReport;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
pub use tally::{Seat, Tally};

/// The number of this layout of [`Seats`]. It grows when a field changes its meaning or goes away.
pub const SEATS_SCHEMA: u32 = 1;
/// Most names in a list of seats.
pub const NAMES: usize = 40;
/// Most seats that are listed one by one.
pub const LISTED: usize = 2_000;

/// How many seats are ready, why the others are not, and which are unlike the rest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Seats {
    /// Layout of this document.
    pub schema: u32,
    /// Version of the gpucheck that merged.
    pub gpucheck: String,
    /// What the document is: `class`.
    pub profile: String,
    /// How many seats there are, by state.
    pub seats: SeatCounts,
    /// What is wrong, worst first, then by the number of seats.
    pub causes: Vec<SeatCause>,
    /// Causes beyond those that are kept.
    pub causes_left_out: u64,
    /// What kept seats from being told, by the number of seats.
    pub untold: Vec<SeatDoubt>,
    /// Reasons beyond those that are kept.
    pub untold_left_out: u64,
    /// What differs from the template, or from most seats where none is given.
    pub outliers: Vec<Outlier>,
    /// When the template was saved or looked at; null where seats are compared with each other.
    pub template: Option<String>,
    /// Files and documents that could not be read, by name.
    pub unread: Vec<UnreadReport>,
    /// Further ones.
    pub unread_left_out: u64,
    /// The seat whose report is the oldest.
    pub oldest: Option<DatedSeat>,
    /// The seat whose report is the newest.
    pub newest: Option<DatedSeat>,
    /// Reports that did not count, for their seats have newer ones.
    pub older_reports: u64,
    /// Each seat by name; the first of them where they are too many.
    pub listed: Vec<ListedSeat>,
    /// Further ones.
    pub listed_left_out: u64,
}

impl Seats {
    /// Whether something is not known of some seat: its state, or what stands in a report that could not be read. An older
    /// report that could be read does not tell it.
    pub fn is_in_part_unknown(&self) -> bool {
        self.seats.unknown() > 0 || self.seats.all == 0 || !self.unread.is_empty()
    }
}

/// How many seats there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeatCounts {
    /// All.
    pub all: u64,
    /// The GPU is usable; the template is ready.
    pub ready: u64,
    /// The GPU is usable in part.
    pub in_part: u64,
    /// It is not; the template is not ready.
    pub not_ready: u64,
    /// Nothing failed, and something needed could not be told.
    pub untold: u64,
    /// The report is too old to tell.
    pub stale: u64,
    /// There is no report that could be read.
    pub unread: u64,
}

impl SeatCounts {
    /// Those of which nobody knows whether they are ready.
    pub fn unknown(&self) -> u64 {
        self.untold + self.stale + self.unread
    }

    fn add(&mut self, state: SeatState, count: u64) {
        let of_state = match state {
            SeatState::Ready => &mut self.ready,
            SeatState::InPart => &mut self.in_part,
            SeatState::NotReady => &mut self.not_ready,
            SeatState::Untold => &mut self.untold,
            SeatState::Stale => &mut self.stale,
            SeatState::Unread => &mut self.unread,
        };
        *of_state += count;
        self.all += count;
    }
}

/// Whether a seat is ready. Of two reports of the same time the later in this list counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SeatState {
    /// The GPU is usable; the template is ready.
    Ready,
    /// The GPU is usable in part.
    InPart,
    /// Nothing failed, and something needed could not be told.
    Untold,
    /// The GPU is not usable; the template is not ready.
    NotReady,
    /// The report is too old to tell.
    Stale,
    /// There is no report that could be read.
    Unread,
}

impl SeatState {
    /// Of a report: of a template its readiness counts, where only what could not be told holds it back it is untold.
    fn of(report: &SeatReport) -> Self {
        let is_held_by_failure =
            report.verdict == MachineVerdict::Unusable || report.holds.iter().any(|hold| hold.failed);
        match (report.readiness, report.verdict) {
            (Some(Readiness::NotReady), _) if is_held_by_failure => Self::NotReady,
            (_, MachineVerdict::Unusable) => Self::NotReady,
            (Some(Readiness::NotReady), _) | (_, MachineVerdict::Incomplete) => Self::Untold,
            (_, MachineVerdict::Degraded) => Self::InPart,
            (_, MachineVerdict::Usable) => Self::Ready,
        }
    }
}

/// Some seats.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SomeSeats {
    /// How many.
    pub count: u64,
    /// The first of them by name.
    pub names: Vec<String>,
    /// How many names are left out.
    pub names_left_out: u64,
}

/// A cause, the seats that have it, and how it is mended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeatCause {
    /// The failed check that it shows in first.
    pub id: String,
    /// The named disease; null where only a check failed.
    pub cause: Option<String>,
    /// How bad it is.
    pub severity: Severity,
    /// The seats that have it.
    pub seats: SomeSeats,
    /// How many of them have it as their answer: the first thing that is wrong.
    pub first_of: u64,
    /// Its fixes, that of most seats first.
    pub fixes: Vec<SeatFix>,
    /// Seats whose fix is another one than these.
    pub other_fixes: u64,
}

impl SeatCause {
    /// What `gpucheck explain` is given for it: its cause, or its check where it has none.
    pub fn page(&self) -> &str {
        self.cause.as_deref().unwrap_or(&self.id)
    }
}

/// A fix, and the seats that it is for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SeatFix {
    /// The seats.
    pub seats: SomeSeats,
    /// The root as one of them tells it.
    pub root: Root,
}

/// What kept seats from being told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeatDoubt {
    /// The check that could not tell.
    pub id: String,
    /// Why, as one of them tells it.
    pub why: String,
    /// The seats.
    pub seats: SomeSeats,
}

/// What could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnreadReport {
    /// The file, or the seat that has none.
    pub name: String,
    /// Why.
    pub why: String,
}

/// A seat and the time of its report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatedSeat {
    /// The seat.
    pub name: String,
    /// When it was looked at, RFC 3339 in UTC.
    pub taken_at: String,
}

/// A seat, and whether it is ready.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListedSeat {
    /// The seat.
    pub name: String,
    /// Whether it is ready.
    pub state: SeatState,
}
