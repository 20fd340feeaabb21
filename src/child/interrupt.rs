//! Ctrl-C and its kin end the children too: they sit in process groups that the terminal does not reach.

use std::{
    io::{self, Write},
    sync::atomic::{AtomicBool, AtomicI32, Ordering},
};

/// Signals that end this process.
const SIGNALS: [i32; 3] = [libc::SIGINT, libc::SIGTERM, libc::SIGHUP];

/// Process groups of running children; 0 is a free place.
static GROUPS: [AtomicI32; 256] = [const { AtomicI32::new(0) }; 256];

/// Children that are started and not noted yet.
static STARTING: AtomicI32 = AtomicI32::new(0);
/// A signal is ending this process: no child may start any more.
static ENDING: AtomicBool = AtomicBool::new(false);
/// Milliseconds that the end of this process waits for a child that is being started.
const PATIENCE: usize = 500;

/// A picture stands on the terminal, below its cursor.
static PICTURE: AtomicBool = AtomicBool::new(false);
/// Erases it.
const ERASE: &[u8] = b"\r\x1b[J";

/// A child is being started, for as long as the value lives.
pub(super) struct Starting;

/// Announces a child. A signal waits until it is noted, so that none is missed.
pub(super) fn start() -> io::Result<Starting> {
    STARTING.fetch_add(1, Ordering::SeqCst);
    let starting = Starting;
    if ENDING.load(Ordering::SeqCst) {
        return Err(io::Error::new(io::ErrorKind::Interrupted, "gpucheck is ending"));
    }
    Ok(starting)
}

impl Drop for Starting {
    fn drop(&mut self) {
        STARTING.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Draws a picture on standard error that leaves the cursor where it begins. Whatever ends this process erases it; one
/// that cannot be drawn is not.
pub(crate) fn draw(picture: &str) {
    // Whoever ends this process waits for what is being drawn as for a child that is being started.
    if let Ok(_drawing) = start() {
        PICTURE.store(true, Ordering::SeqCst);
        let _ = io::stderr().write_all(picture.as_bytes());
    }
}

/// Erases the picture.
pub(crate) fn erase() {
    if PICTURE.swap(false, Ordering::SeqCst) {
        let _ = io::stderr().write_all(ERASE);
    }
}

/// Lets other threads take the signals that end this process: their handler waits for this one.
pub(crate) fn leave_signals_to_others() {
    // SAFETY: fills a set on this stack with valid signals, and blocks them for this thread alone.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in SIGNALS {
            libc::sigaddset(&raw mut set, signal);
        }
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
    }
}

/// Notes a child's group for as long as the value lives.
pub(super) struct Noted(Option<&'static AtomicI32>);

/// Takes a place for the group. With all places taken the child still ends with its parent.
pub(super) fn note(group: i32) -> Noted {
    Noted(
        GROUPS
            .iter()
            .find(|place| place.compare_exchange(0, group, Ordering::SeqCst, Ordering::SeqCst).is_ok()),
    )
}

impl Drop for Noted {
    fn drop(&mut self) {
        if let Some(place) = self.0 {
            place.store(0, Ordering::SeqCst);
        }
    }
}

/// From now on SIGINT, SIGTERM and SIGHUP kill every child, then do to this process what they always do.
pub fn end_children_on_signals() {
    for signal in SIGNALS {
        // SAFETY: the handler below only makes async-signal-safe calls (kill, nanosleep, write, signal, raise) on atomics.
        unsafe {
            let previous = libc::signal(signal, end_children as *const () as libc::sighandler_t);
            if previous == libc::SIG_IGN {
                libc::signal(signal, libc::SIG_IGN);
            }
        }
    }
}

extern "C" fn end_children(signal: i32) {
    ENDING.store(true, Ordering::SeqCst);
    for _ in 0..PATIENCE {
        if STARTING.load(Ordering::SeqCst) == 0 {
            break;
        }
        let moment = libc::timespec { tv_sec: 0, tv_nsec: 1_000_000 };
        // SAFETY: nanosleep is async-signal-safe; the time lives on this stack.
        unsafe { libc::nanosleep(&raw const moment, std::ptr::null_mut()) };
    }
    for place in &GROUPS {
        let group = place.load(Ordering::SeqCst);
        if group > 0 {
            // SAFETY: kill takes plain numbers; the group is a child's that has not been reaped:
            // its place is freed before that (`Child::reap`).
            unsafe { libc::kill(-group, libc::SIGKILL) };
        }
    }
    if PICTURE.load(Ordering::SeqCst) {
        // SAFETY: write is async-signal-safe; the bytes are static.
        unsafe { libc::write(libc::STDERR_FILENO, ERASE.as_ptr().cast(), ERASE.len()) };
    }
    // SAFETY: both calls are async-signal-safe; the default action then ends this process.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}
