//! The words of `gpucheck class`. They stand in the section `[report.seats]` of a catalogue.

use super::Phrase;
use serde::Deserialize;

/// What is said of many machines.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeatsWords {
    /// What a page answers.
    pub question: String,
    /// How many seats are ready: `{ready}`, `{all}`.
    pub answer: Phrase,
    /// Before the seats, one by one.
    pub seats: String,
    /// How many seats are in a state: `{count}`, `{state}`.
    pub count: Phrase,
    /// Whether a seat is ready.
    pub state: SeatStateWords,
    /// A cause and its seats: `{title}`, `{count}`, `{all}`.
    pub cause: Phrase,
    /// Which they are: `{names}`.
    pub which: Phrase,
    /// After the names that are told: `{names}`, `{count}`.
    pub and_more: Phrase,
    /// Seats that need another form of a fix: `{count}`.
    pub other_fixes: Phrase,
    /// Causes that are left out: `{count}`.
    pub causes_left_out: Phrase,
    /// Before what differs from most seats.
    pub unlike_most: String,
    /// Before what differs from the template: `{date}`.
    pub unlike_template: Phrase,
    /// What most seats or the template have: `{what}`, `{expected}`, `{count}`, `{of}`.
    pub usual: Phrase,
    /// Where no value is that of most: `{what}`, `{of}`.
    pub mixed: Phrase,
    /// Who has another value: `{value}`, `{count}`, `{names}`.
    pub other: Phrase,
    /// The value of what is not there.
    pub absent: String,
    /// Seats with further values: `{count}`.
    pub others: Phrase,
    /// Column: in what seats differ.
    pub what: String,
    /// Column: what it is as a rule.
    pub expected: String,
    /// Column: what it is on others.
    pub deviant: String,
    /// Before what could not be read.
    pub unread: String,
    /// When the machines were looked at: `{from}`, `{first}`, `{to}`, `{last}`.
    pub taken: Phrase,
    /// Reports that did not count: `{count}`.
    pub older: Phrase,
}

/// Whether a seat is ready.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeatStateWords {
    /// It is.
    pub ready: String,
    /// In part.
    pub in_part: String,
    /// It is not.
    pub not_ready: String,
    /// It could not be told.
    pub untold: String,
    /// Its report is too old.
    pub stale: String,
    /// It has no report that could be read.
    pub unread: String,
}
