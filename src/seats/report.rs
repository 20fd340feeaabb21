//! One report after another, into a tally.

use super::{LARGEST, Work, files};
use gpucheck_checks::seats::{Seat, SeatReport, Tally};
use jiff::Timestamp;
use memchr::memmem;
use serde::{Deserialize, de::IgnoredAny};
use serde_json::Deserializer;

/// Longest message about what could not be read, in characters: it may repeat what stands there.
const LONGEST: usize = 200;

/// By how many seconds a clock may be ahead of this one.
const AHEAD: i64 = 300;

/// Which times of reports count, in seconds since 1970.
#[derive(Clone, Copy)]
pub(super) struct Times {
    pub(super) now: i64,
    /// Before it a report is too old.
    pub(super) oldest: Option<i64>,
}

/// A reader, and what it has read.
pub(super) struct Reader {
    pub(super) tally: Tally,
    times: Times,
    buffer: Vec<u8>,
}

impl Reader {
    pub(super) fn new(times: Times) -> Self {
        Self { tally: Tally::default(), times, buffer: Vec::new() }
    }

    pub(super) fn read(&mut self, work: Work) {
        match work {
            Work::File { seat, path, is_named } => {
                let seat = Seat::Named(seat.into());
                match files::read(&path, is_named, &mut self.buffer) {
                    Ok(()) => match serde_json::from_slice(&self.buffer) {
                        Ok(report) => self.take(seat, report),
                        Err(error) => self.tally.miss(seat, no_report(&error)),
                    },
                    Err(why) => self.tally.miss(seat, why),
                }
            }
            Work::Part { begins, bytes } => self.part(begins, &bytes),
            Work::Missing { seat, why } => self.tally.miss(seat, why),
        }
    }

    fn take(&mut self, seat: Seat, report: SeatReport) {
        if let Some(why) = report.is_no_answer() {
            return self.tally.miss(seat, why);
        }
        let taken = report.taken_at.parse::<Timestamp>().ok().map(Timestamp::as_second);
        // It would never be too old, and count before each later one that tells the truth.
        if taken.is_some_and(|taken| taken > self.times.now.saturating_add(AHEAD)) {
            let taken_at = excerpt(&report.taken_at);
            let why = format!(
                "its time, {taken_at}, is in the future: set that machine's clock or this one's, and look again"
            );
            return self.tally.miss(seat, why);
        }
        // Whoever asks for young reports is not given one of no age.
        let is_stale = self.times.oldest.is_some_and(|oldest| taken.is_none_or(|taken| taken < oldest));
        self.tally.take(seat, taken, is_stale, report);
    }

    /// The reports in a part of a stream. What stands between two of them and is none is told once, however much it is: it
    /// says of how many seats as little as of which.
    fn part(&mut self, begins: u64, bytes: &[u8]) {
        let (mut at, mut is_told) = (0, false);
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.trim_ascii_start().is_empty()) {
            at += rest.len() - rest.trim_ascii_start().len();
            let rest = rest.trim_ascii_start();
            let place = begins + at as u64;
            let (report, length) = next::<SeatReport>(rest);
            match report {
                Ok(mut report) => {
                    let name = report.seat.take().filter(|name| !name.trim().is_empty());
                    let seat = name.map_or(Seat::At(place), |name| Seat::Named(excerpt(&name).into()));
                    self.take(seat, report);
                    is_told = false;
                    at += length;
                }
                Err(error) => {
                    if !std::mem::replace(&mut is_told, true) {
                        self.tally.miss(Seat::At(place), no_report(&error));
                    }
                    at += match next::<IgnoredAny>(rest) {
                        // JSON, and something else.
                        (Ok(_), length) => length,
                        (Err(_), _) => memmem::find(rest, b"\n{").map_or(rest.len(), |end| end + 1),
                    };
                }
            }
        }
    }
}

/// The document that a text begins with, and its length.
fn next<'a, T: Deserialize<'a>>(text: &'a [u8]) -> (serde_json::Result<T>, usize) {
    let mut documents = Deserializer::from_slice(text).into_iter();
    let first = documents.next();
    let length = documents.byte_offset();
    // Only blanks hold no document.
    (first.unwrap_or_else(|| Err(serde::de::Error::custom("no document"))), length)
}

fn no_report(error: &serde_json::Error) -> String {
    let message = excerpt(&error.to_string());
    format!("not a whole report of gpucheck in JSON: {message}")
}

pub(super) fn too_large() -> String {
    format!("more than {} MiB, which no report has", LARGEST >> 20)
}

fn excerpt(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
