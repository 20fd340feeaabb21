//! The daemon's time: since the machine booted, sleep included.

use rustix::time::{ClockId, Timespec, clock_gettime};
use std::{path::Path, time::Duration};

/// Time since the machine booted.
pub(super) fn now() -> Duration {
    duration(clock_gettime(ClockId::Boottime))
}

/// How long the machine has slept since it booted.
pub(super) fn slept() -> Duration {
    // In this order the difference is never too large.
    let awake = duration(clock_gettime(ClockId::Monotonic));
    now().saturating_sub(awake)
}

/// What tells this boot from others; empty where Linux does not tell.
pub(super) fn boot() -> String {
    let text = std::fs::read_to_string(Path::new("/proc/sys/kernel/random/boot_id"));
    text.unwrap_or_default().trim_end().to_owned()
}

fn duration(time: Timespec) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or_default())
}
