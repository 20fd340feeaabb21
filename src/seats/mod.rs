//! `gpucheck class`: the reports of many machines, merged as they come.
//!
//! Reports are read side by side, as many as there are cores, each by a tally of its own; in the end the tallies are one.
//!
//! Invariants: no report is kept, and none waits but in a line of fixed length, so memory does not grow with their number
//! beyond what [`gpucheck_checks::seats`] keeps of each; what cannot be read is counted and named, and ends nothing; in
//! folders no link is followed and nothing but a regular file is opened.

mod files;
mod named;
mod report;
mod stream;

use crate::{
    baseline,
    cli::{ClassArgs, Format, ShowArgs},
    error::Error,
    exit::Exit,
    layout, show,
};
use gpucheck_checks::{
    Knowledge, Profile, Report, Selection,
    seats::{Seat, Tally, Template},
};
use jiff::Timestamp;
use named::Named;
use report::{Reader, Times};
use std::{
    fs,
    io::Read,
    num::NonZero,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread,
};

/// Largest report that is read, in bytes; one has some ten thousand.
const LARGEST: usize = 16 << 20;
/// Most readers: with more, what hands out the work is what takes time.
const READERS: usize = 16;

/// Something to read.
enum Work {
    /// A file, and whose report it is; one that was named may be a link.
    File { seat: String, path: PathBuf, is_named: bool },
    /// Whole reports of a stream, and where in it they begin.
    Part { begins: u64, bytes: Vec<u8> },
    /// What cannot be read.
    Missing { seat: Seat, why: String },
}

/// Merges reports, and shows the answer.
///
/// # Errors
/// There is no report at all, nothing to compare with, or the answer cannot be written.
pub fn run(asked: &ClassArgs, show: &ShowArgs) -> Result<Exit, Error> {
    let of_one = [Format::Junit, Format::Prometheus, Format::Parts];
    let mut formats = std::iter::once(show.format).chain(show.report.iter().map(|file| file.format));
    if let Some(format) = formats.find(|format| of_one.contains(format)) {
        return Err(Error::NotOfClass { format: format.name() });
    }
    let template = asked.baseline.as_deref().map(template).transpose()?;
    let now = Timestamp::now().as_second();
    let oldest = asked.max_age.map(|age| now.saturating_sub_unsigned(age));
    let none = || Error::NoReports(asked.reports.iter().map(|path| path.display().to_string()).collect());
    let named = Named::new(&asked.reports);
    if named.is_empty() {
        return Err(none());
    }
    let tally = merged(named, Times { now, oldest });
    if tally.is_empty() {
        return Err(none());
    }
    let seats = tally.seats(env!("CARGO_PKG_VERSION"), template.as_ref(), time);
    show::seats(&seats, show)
}

/// Seconds since 1970, as reports write them.
fn time(seconds: i64) -> String {
    Timestamp::from_second(seconds).map(|time| time.to_string()).unwrap_or_default()
}

/// All reports, read side by side.
fn merged(named: Named, times: Times) -> Tally {
    let readers = thread::available_parallelism().map_or(1, NonZero::get).min(READERS);
    let (sender, receiver) = mpsc::sync_channel::<Vec<Work>>(2 * readers);
    // The readers' alone: when the last of them has gone, whoever hands out does not wait for one.
    let receiver = Arc::new(Mutex::new(receiver));
    let read = move |receiver: Arc<Mutex<mpsc::Receiver<Vec<Work>>>>| {
        let mut reader = Reader::new(times);
        loop {
            let work = receiver.lock().unwrap_or_else(PoisonError::into_inner).recv();
            match work {
                Ok(work) => work.into_iter().for_each(|work| reader.read(work)),
                Err(_) => return reader.tally,
            }
        }
    };
    thread::scope(|scope| {
        let each = std::iter::repeat_n(receiver, readers);
        let readers: Vec<_> = each.map(|receiver| scope.spawn(move || read(receiver))).collect();
        let mut line = Line { sender, waiting: Vec::new() };
        named.hand_out(&mut line);
        drop(line);
        let tallies = readers.into_iter().map(|reader| match reader.join() {
            Ok(tally) => tally,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        let merge = |mut one: Tally, other| {
            one.merge(other);
            one
        };
        tallies.reduce(merge).unwrap_or_default()
    })
}

/// The line in which work waits, a few pieces handed on at a time.
struct Line {
    sender: mpsc::SyncSender<Vec<Work>>,
    waiting: Vec<Work>,
}

impl Line {
    /// Files that are handed on together.
    const FILES: usize = 64;

    fn put(&mut self, work: Work) {
        let is_large = matches!(work, Work::Part { .. });
        self.waiting.push(work);
        if is_large || self.waiting.len() >= Self::FILES {
            self.hand_on();
        }
    }

    fn hand_on(&mut self) {
        // It fails where every reader has panicked, which is told when they are joined.
        let _ = self.sender.send(std::mem::take(&mut self.waiting));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.hand_on();
    }
}

/// What seats are compared with: what `gpucheck publish` saved, or a report.
fn template(path: &Path) -> Result<Template, Error> {
    match baseline::load(path) {
        Ok(baseline) => {
            let knowledge = Knowledge::built_in().map_err(|error| Error::OwnKnowledge(error.to_string()))?;
            let report = Profile::Check.judge(&baseline.facts, &knowledge, &Selection::default());
            Ok(Template { taken_at: baseline.taken_at, machine: report.machine })
        }
        Err(Error::NoBaseline { .. }) => {
            let none = |message: String| Error::NoTemplate { path: path.to_owned(), message };
            let mut text = Vec::new();
            let file = fs::File::open(path).map(|file| file.take(layout::LARGEST + 1));
            file.and_then(|mut file| file.read_to_end(&mut text)).map_err(|error| none(error.to_string()))?;
            let (text, _) = layout::read(text).map_err(none)?;
            let report: Report = serde_json::from_str(&text).map_err(|error| none(error.to_string()))?;
            Ok(Template { taken_at: report.taken_at, machine: report.machine })
        }
        Err(error) => Err(error),
    }
}
