//! The numbers under which a child finds its files.
//!
//! Invariant: in this process these numbers are taken for good, so that the pipe on which the standard library hears
//! of a failed exec is never put there, to be overwritten by ours.

use super::{ANSWER_FD, EXTENSION_FD};
use rustix::fs::{Mode, OFlags};
use std::{
    io,
    os::fd::{AsRawFd, OwnedFd},
    sync::{Mutex, PoisonError},
};

static KEPT: Mutex<Vec<OwnedFd>> = Mutex::new(Vec::new());

/// Takes those of the numbers that are free, of which somebody else may have had one the last time. Where that cannot
/// be done no file can be handed over either, and that is told by whoever tries.
pub(super) fn keep() {
    let mut kept = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if kept.len() < 2 {
        let _ = take(&mut kept);
    }
}

fn take(kept: &mut Vec<OwnedFd>) -> io::Result<()> {
    let any = rustix::fs::open("/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty())?;
    loop {
        let file = rustix::io::fcntl_dupfd_cloexec(&any, ANSWER_FD)?;
        let number = file.as_raw_fd();
        if number <= EXTENSION_FD {
            kept.push(file);
        }
        if number >= EXTENSION_FD {
            return Ok(());
        }
    }
}
