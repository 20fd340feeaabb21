//! A line on the terminal while Pythons are looked at and while GPUs work for minutes: how much is done, what is under
//! way, for how long.
//!
//! Invariants: it goes to standard error, only where that is a terminal, only after a moment, and is gone before the
//! report is there, or whatever ends gpucheck; drawing never fails a look.

use crate::child;
use std::{
    io::{self, IsTerminal},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};
use unicode_width::UnicodeWidthChar;

/// How long nothing is drawn: most looks are over by then.
const PATIENCE: Duration = Duration::from_millis(400);
/// How often the line is drawn.
const EVERY: Duration = Duration::from_millis(200);
/// Columns where the terminal does not tell them.
const COLUMNS: usize = 80;

/// How far the looks are.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    shared: Arc<(Mutex<State>, Condvar)>,
}

/// What the line tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// Pythons are looked at.
    Pythons {
        /// How many are done.
        done: usize,
        /// Of how many.
        total: usize,
        /// Seconds gone by.
        seconds: u64,
        /// One that is under way.
        name: &'a str,
    },
    /// The notebooks of a class are run.
    Notebooks {
        /// How many are done.
        done: usize,
        /// Of how many.
        total: usize,
        /// Seconds since this one began.
        seconds: u64,
        /// The one that is under way.
        name: &'a str,
    },
    /// A GPU is at work.
    Work {
        /// Which, by its address.
        gpu: &'a str,
        /// How far it is.
        progress: child::Progress,
    },
}

#[derive(Debug, Default)]
struct State {
    total: usize,
    done: usize,
    under_way: Vec<String>,
    /// The GPU that told last how far it is.
    work: Option<(String, child::Progress)>,
    notebooks: OfNotebooks,
    over: bool,
    drawn: bool,
}

#[derive(Debug, Default)]
struct OfNotebooks {
    total: usize,
    done: usize,
    under_way: Option<(String, Instant)>,
}

impl Progress {
    /// One that is drawn on standard error, where that is a terminal, in these words.
    pub fn on_terminal(words: impl Fn(Line<'_>) -> String + Send + 'static) -> Self {
        let progress = Self::default();
        if io::stderr().is_terminal() {
            let drawn = progress.clone();
            thread::spawn(move || {
                child::leave_signals_to_others();
                drawn.draw(&words);
            });
        }
        progress
    }

    /// So many more are to be done.
    pub fn expect(&self, more: usize) {
        self.state().total += more;
    }

    /// One is under way until the value returned is dropped.
    pub fn begin(&self, name: &str) -> UnderWay<'_> {
        self.state().under_way.push(name.to_owned());
        UnderWay { progress: self, name: name.to_owned() }
    }

    /// So many notebooks are to be run.
    pub fn expect_notebooks(&self, total: usize) {
        self.state().notebooks.total = total;
    }

    /// One is run until the value returned is dropped.
    pub fn begin_notebook(&self, name: &str) -> NotebookUnderWay<'_> {
        self.state().notebooks.under_way = Some((name.to_owned(), Instant::now()));
        NotebookUnderWay { progress: self }
    }

    /// A GPU is so far.
    pub fn work(&self, gpu: &str, progress: child::Progress) {
        self.state().work = Some((gpu.to_owned(), progress));
    }

    /// No GPU is at work any more.
    pub fn work_is_done(&self) {
        self.state().work = None;
    }

    /// Everything is done: the line goes.
    pub fn end(&self) {
        let mut state = self.state();
        state.over = true;
        if std::mem::take(&mut state.drawn) {
            child::erase();
        }
        self.shared.1.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self, words: &dyn Fn(Line<'_>) -> String) {
        let start = Instant::now();
        let mut wait = PATIENCE;
        loop {
            let state = self.state();
            let (mut state, _) =
                self.shared.1.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner);
            if state.over {
                return;
            }
            wait = EVERY;
            if let Some(line) = state.line(start.elapsed().as_secs()) {
                let line = words(line);
                child::draw(&format!("\r{}\x1b[K", cut(&line, columns().saturating_sub(1))));
                state.drawn = true;
            }
        }
    }
}

impl State {
    /// What is to be told after so many seconds; none where nothing is under way.
    fn line(&self, seconds: u64) -> Option<Line<'_>> {
        if let Some((gpu, progress)) = &self.work {
            return Some(Line::Work { gpu, progress: *progress });
        }
        if let Some((name, since)) = &self.notebooks.under_way {
            let OfNotebooks { done, total, .. } = self.notebooks;
            return Some(Line::Notebooks { done, total, seconds: since.elapsed().as_secs(), name });
        }
        let name = self.under_way.first()?;
        Some(Line::Pythons { done: self.done, total: self.total, seconds, name })
    }
}

/// One that is under way.
#[derive(Debug)]
pub struct UnderWay<'a> {
    progress: &'a Progress,
    name: String,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let mut state = self.progress.state();
        state.done += 1;
        if let Some(at) = state.under_way.iter().position(|name| *name == self.name) {
            state.under_way.remove(at);
        }
    }
}

/// A notebook that is run.
#[derive(Debug)]
pub struct NotebookUnderWay<'a> {
    progress: &'a Progress,
}

impl Drop for NotebookUnderWay<'_> {
    fn drop(&mut self) {
        let mut state = self.progress.state();
        state.notebooks.done += 1;
        state.notebooks.under_way = None;
    }
}

fn columns() -> usize {
    let told = rustix::termios::tcgetwinsize(io::stderr()).map_or(0, |size| usize::from(size.ws_col));
    if told == 0 { COLUMNS } else { told }
}

/// The beginning of a line, without control characters, as wide as it may be.
fn cut(line: &str, columns: usize) -> String {
    let mut room = columns;
    let fits = |c: &char| {
        let width = c.width().unwrap_or(0);
        let fits = width <= room;
        room = room.saturating_sub(width);
        fits
    };
    line.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take_while(fits).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_under_way_is_counted_when_it_ends() {
        let progress = Progress::default();
        progress.expect(2);
        let first = progress.begin("a");
        let second = progress.begin("b");
        drop(first);
        let told = |progress: &Progress| {
            let state = progress.state();
            (state.done, state.total, state.under_way.join(" "), state.over)
        };
        assert_eq!(told(&progress), (1, 2, "b".to_owned(), false));
        drop(second);
        progress.end();
        assert_eq!(told(&progress), (2, 2, String::new(), true));
    }

    #[test]
    fn a_gpu_at_work_is_told_before_pythons_and_until_it_is_done() {
        let progress = Progress::default();
        progress.expect(1);
        let _first = progress.begin("a");
        let pythons = Some(Line::Pythons { done: 0, total: 1, seconds: 3, name: "a" });
        assert_eq!(progress.state().line(3), pythons);
        let told = child::Progress { done: 7, ..child::Progress::default() };
        progress.work("0001:00:00.0", told);
        assert_eq!(progress.state().line(3), Some(Line::Work { gpu: "0001:00:00.0", progress: told }));
        progress.work_is_done();
        assert_eq!(progress.state().line(3), pythons);
    }

    #[test]
    fn a_line_stays_on_one_row() {
        assert_eq!(cut("1 of 2: /a\nb", 80), "1 of 2: /a\u{fffd}b");
        assert_eq!(cut("abcdef", 3), "abc");
        assert_eq!(cut("커널 looks", 5), "커널 ");
        assert_eq!(cut("커널", 3), "커");
    }
}
