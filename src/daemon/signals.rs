//! Signals as something to wait for.

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
};

/// Those that mean something here.
const HEARD: [i32; 4] = [libc::SIGTERM, libc::SIGINT, libc::SIGHUP, libc::SIGCHLD];

/// What was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// End.
    End,
    /// Read the configuration again.
    Reload,
    /// A child has ended.
    Child,
}

/// From now on they wait until they are read.
pub(super) fn hear() -> io::Result<OwnedFd> {
    let set = set(&HEARD);
    // SAFETY: system calls on a set of this stack; the number that comes back is a new descriptor of nobody else's.
    unsafe {
        libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut());
        let number = libc::signalfd(-1, &raw const set, libc::SFD_NONBLOCK | libc::SFD_CLOEXEC);
        if number < 0 { Err(io::Error::last_os_error()) } else { Ok(OwnedFd::from_raw_fd(number)) }
    }
}

/// A child inherits that they wait, and nobody would read them there.
pub(super) fn let_through() {
    let none = set(&[]);
    // SAFETY: a system call on a set of this stack.
    unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const none, std::ptr::null_mut()) };
}

fn set(signals: &[i32]) -> libc::sigset_t {
    // SAFETY: fills a set on this stack with valid signals.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        for signal in signals {
            libc::sigaddset(&raw mut set, *signal);
        }
        set
    }
}

/// The next one that waits.
pub(super) fn next(signals: &OwnedFd) -> Option<Heard> {
    // SAFETY: any bytes are such a structure.
    let mut found: libc::signalfd_siginfo = unsafe { std::mem::zeroed() };
    let size = size_of::<libc::signalfd_siginfo>();
    // SAFETY: the structure lives on this stack and is as large as is said.
    let read = unsafe { libc::read(signals.as_raw_fd(), (&raw mut found).cast(), size) };
    if usize::try_from(read) != Ok(size) {
        return None;
    }
    Some(match i32::try_from(found.ssi_signo).unwrap_or_default() {
        libc::SIGHUP => Heard::Reload,
        libc::SIGCHLD => Heard::Child,
        _ => Heard::End,
    })
}
