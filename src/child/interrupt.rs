//! Ctrl-C and its kin end the children too: they sit in process groups that the terminal does not reach.

use std::sync::atomic::{AtomicI32, Ordering};

/// Process groups of running children; 0 is a free place.
static GROUPS: [AtomicI32; 256] = [const { AtomicI32::new(0) }; 256];

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
    for signal in [libc::SIGINT, libc::SIGTERM, libc::SIGHUP] {
        // SAFETY: the handler below only makes async-signal-safe calls (kill, signal, raise) on atomics.
        unsafe {
            let previous = libc::signal(signal, end_children as *const () as libc::sighandler_t);
            if previous == libc::SIG_IGN {
                libc::signal(signal, libc::SIG_IGN);
            }
        }
    }
}

extern "C" fn end_children(signal: i32) {
    for place in &GROUPS {
        let group = place.load(Ordering::SeqCst);
        if group > 0 {
            // SAFETY: kill takes plain numbers; the group is a child's that has not been reaped:
            // its place is freed before that (`Child::reap`).
            unsafe { libc::kill(-group, libc::SIGKILL) };
        }
    }
    // SAFETY: both calls are async-signal-safe; the default action then ends this process.
    unsafe {
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}
