//! The picture on the terminal while the machine is watched.
//!
//! Invariants: it goes to standard error, only where that is a terminal that can go back a line; whoever ends gpucheck
//! finds it erased; drawing never fails a look.

use crate::{child, locale, render};
use std::{
    io::{self, IsTerminal},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

/// How often it is drawn.
const EVERY: Duration = Duration::from_millis(250);
/// Columns and rows where the terminal does not tell them.
const SIZE: (usize, usize) = (80, 24);

/// A picture that is drawn again and again until it is dropped.
pub(super) struct Live {
    over: Arc<(Mutex<bool>, Condvar)>,
    drawing: Option<JoinHandle<()>>,
}

impl Live {
    /// Draws what this gives, where standard error is a terminal.
    pub(super) fn start(picture: impl Fn() -> render::Picture + Send + 'static) -> Self {
        let over = Arc::default();
        let variable = |name: &str| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned());
        let is_dumb = variable("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
        let is_shown = io::stderr().is_terminal() && !is_dumb;
        let unicode = locale::is_utf8(variable);
        let shared = Arc::clone(&over);
        let drawing = is_shown.then(|| thread::spawn(move || draw(&picture, unicode, &shared)));
        Self { over, drawing }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        let (over, told) = &*self.over;
        *over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        told.notify_all();
        if let Some(drawing) = self.drawing.take() {
            // A panic there has its own words on standard error.
            let _ = drawing.join();
            child::erase();
        }
    }
}

fn draw(picture: &dyn Fn() -> render::Picture, unicode: bool, (over, told): &(Mutex<bool>, Condvar)) {
    child::leave_signals_to_others();
    let mut is_over = over.lock().unwrap_or_else(PoisonError::into_inner);
    while !*is_over {
        drop(is_over);
        let (columns, rows) = size();
        let lines = render::live(&picture(), render::Canvas { columns, rows, unicode });
        // The cursor ends at the beginning, so that to erase below it is all there is to do, whatever the size is by then.
        let back = match lines.len() {
            0 | 1 => String::new(),
            lines => format!("\x1b[{}A", lines - 1),
        };
        child::draw(&format!("\r{}\x1b[J{back}\r", lines.join("\x1b[K\r\n")));
        is_over = over.lock().unwrap_or_else(PoisonError::into_inner);
        if !*is_over {
            (is_over, _) = told.wait_timeout(is_over, EVERY).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

fn size() -> (usize, usize) {
    let (columns, rows) = SIZE;
    let told = rustix::termios::tcgetwinsize(io::stderr()).ok();
    let told = |count: fn(&rustix::termios::Winsize) -> u16, usual: usize| {
        told.as_ref().map(|size| usize::from(count(size))).filter(|count| *count > 0).unwrap_or(usual)
    };
    (told(|size| size.ws_col, columns), told(|size| size.ws_row, rows))
}
