//! Every machine, what is expected of it, and what is got.

use crate::{
    Kind,
    error::Error,
    expect::{Expected, ExpectedRoot, Got, word},
    facts, machine, names,
    run::{self, Ran},
};
use std::{
    path::Path,
    sync::{Mutex, atomic::AtomicUsize, atomic::Ordering},
    thread,
    time::Duration,
};

/// A machine in the matrix.
pub struct Row {
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: Kind,
    /// What became of it.
    pub result: Result<Cell, Error>,
}

/// What became of a machine.
pub enum Cell {
    /// It was looked at or judged.
    Done {
        /// What is expected of it.
        expected: Expected,
        /// What was said.
        got: Got,
        /// How long it took.
        took: Duration,
    },
    /// It cannot be simulated here.
    Skipped(String),
}

impl Row {
    /// Nothing is wrong with it. One that cannot be simulated here is not wrong.
    pub fn is_right(&self) -> bool {
        self.result.is_ok() && self.differences().is_empty()
    }

    /// It was not skipped.
    pub fn was_run(&self) -> bool {
        !matches!(self.result, Ok(Cell::Skipped(_)))
    }

    /// What differs from what is expected.
    pub fn differences(&self) -> Vec<String> {
        match &self.result {
            Ok(Cell::Done { expected, got, .. }) => expected.differences(got),
            Ok(Cell::Skipped(_)) => Vec::new(),
            Err(error) => vec![error.to_string()],
        }
    }

    /// How long it took, where it was run.
    pub fn took(&self) -> Option<Duration> {
        match &self.result {
            Ok(Cell::Done { took, .. }) => Some(*took),
            Ok(Cell::Skipped(_)) | Err(_) => None,
        }
    }
}

impl std::fmt::Display for Row {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let kind = if self.kind == Kind::Simulated { "simulated" } else { "facts" };
        write!(f, "{:34} {kind:10}", self.name)?;
        match &self.result {
            Ok(Cell::Skipped(why)) => write!(f, "skipped: {why}")?,
            Err(_) => write!(f, "WRONG")?,
            Ok(Cell::Done { expected, got, took }) => {
                let right = if self.is_right() { "right" } else { "WRONG" };
                write!(
                    f,
                    "{right} {:6} ms  expected {:40} got {}",
                    took.as_millis(),
                    answer(&word(expected.verdict), &expected.roots),
                    answer(&word(got.verdict), &got.roots)
                )?;
            }
        }
        self.differences().iter().try_for_each(|difference| write!(f, "\n    {difference}"))
    }
}

fn answer(verdict: &str, roots: &[ExpectedRoot]) -> String {
    let roots: Vec<String> = roots.iter().map(ToString::to_string).collect();
    if roots.is_empty() { verdict.to_owned() } else { format!("{verdict}: {}", roots.join(", ")) }
}

/// Every machine of these kinds, by some at a time, in the order of their names.
pub fn rows(machines: &Path, kinds: &[Kind], gpucheck: &Path) -> Vec<Row> {
    let all: Vec<(String, Kind)> =
        kinds.iter().flat_map(|kind| names(machines, *kind).into_iter().map(|name| (name, *kind))).collect();
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(Vec::new());
    let at_a_time = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..at_a_time {
            scope.spawn(|| {
                while let Some((name, kind)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let row = Row {
                        name: name.clone(),
                        kind: *kind,
                        result: cell(machines, name, *kind, gpucheck),
                    };
                    rows.lock().unwrap_or_else(std::sync::PoisonError::into_inner).push(row);
                }
            });
        }
    });
    let mut rows = rows.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    rows.sort_by(|a, b| a.name.cmp(&b.name));
    rows
}

fn cell(machines: &Path, name: &str, kind: Kind, gpucheck: &Path) -> Result<Cell, Error> {
    match kind {
        Kind::Simulated => {
            let machine = machine::Machine::load(machines, name)?;
            let ran = run::check(&machine, gpucheck)?;
            Ok(match ran {
                Ran::Skipped(why) => Cell::Skipped(why),
                Ran::Got(got, took) => Cell::Done { expected: machine.expected, got, took },
            })
        }
        Kind::Facts => {
            let machine = facts::Machine::load(machines, name)?;
            let facts = serde_json::to_vec(&machine.facts).map_err(|error| Error::of(name, error))?;
            let (got, took) = run::judge(name, &facts, gpucheck)?;
            Ok(Cell::Done { expected: machine.expect, got, took })
        }
    }
}

/// The matrix as lines, with its sum; and whether all is right.
pub fn table(rows: &[Row]) -> (String, bool) {
    let ran: Vec<&Row> = rows.iter().filter(|row| row.was_run()).collect();
    let right = ran.iter().filter(|row| row.is_right()).count();
    let skipped = match rows.len() - ran.len() {
        0 => String::new(),
        skipped => format!(", {skipped} skipped"),
    };
    let slowest = match ran.iter().max_by_key(|row| row.took()) {
        None => String::new(),
        Some(row) => {
            format!("; the slowest took {} ms: {}", row.took().unwrap_or_default().as_millis(), row.name)
        }
    };
    let mut lines: Vec<String> = rows.iter().map(ToString::to_string).collect();
    lines.push(format!("{right} of {} right{skipped}{slowest}\n", ran.len()));
    (lines.join("\n"), right == ran.len())
}
