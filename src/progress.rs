//! A line on the terminal while Pythons are looked at: how many are done, which is under way, for how long.
//!
//! Invariants: it goes to standard error, only where that is a terminal, only after a moment, and is gone before the
//! report is there; drawing never fails a look.

use std::{
    io::{self, IsTerminal, Write},
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

#[derive(Debug, Default)]
struct State {
    total: usize,
    done: usize,
    under_way: Vec<String>,
    over: bool,
    drawn: bool,
}

impl Progress {
    /// One that is drawn on standard error, where that is a terminal. The words get how many are done, of how many, the
    /// seconds gone by and the name of one that is under way.
    pub fn on_terminal(words: impl Fn(usize, usize, u64, &str) -> String + Send + 'static) -> Self {
        let progress = Self::default();
        if io::stderr().is_terminal() {
            let drawn = progress.clone();
            thread::spawn(move || drawn.draw(&words));
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

    /// Everything is done: the line goes.
    pub fn end(&self) {
        let mut state = self.state();
        state.over = true;
        if std::mem::take(&mut state.drawn) {
            erase();
        }
        self.shared.1.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn draw(&self, words: &dyn Fn(usize, usize, u64, &str) -> String) {
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
            if let Some(first) = state.under_way.first() {
                let line = words(state.done, state.total, start.elapsed().as_secs(), first);
                let _ = write!(io::stderr(), "\r{}\x1b[K", cut(&line, columns().saturating_sub(1)));
                state.drawn = true;
            }
        }
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

fn erase() {
    let _ = write!(io::stderr(), "\r\x1b[K");
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
    fn a_line_stays_on_one_row() {
        assert_eq!(cut("1 of 2: /a\nb", 80), "1 of 2: /a\u{fffd}b");
        assert_eq!(cut("abcdef", 3), "abc");
        assert_eq!(cut("커널 looks", 5), "커널 ");
        assert_eq!(cut("커널", 3), "커");
    }
}
