//! The probes: one place a source of facts, and the only callers of nvml-wrapper, cudarc and sysinfo.
//!
//! Invariants: a probe cannot fail, what goes wrong is its answer; it records and never judges; whatever is not
//! ours runs in a child (see [`crate::child`]).

pub mod classroom;
pub mod clones;
pub mod cuda;
pub mod environments;
pub mod frameworks;
pub mod image;
pub mod installation;
pub mod inventory;
pub mod libraries;
pub mod library;
mod lines;
pub mod load;
pub mod log;
pub mod module;
pub mod next_boot;
pub mod notebooks;
pub mod nvml;
pub(crate) mod passwd;
pub mod pci;
pub mod platform;
pub mod processes;
mod stat;
pub(crate) mod units;
pub mod updates;
pub mod users;
mod wildcard;

/// When the machine booted: `btime` in `/proc/stat`, in seconds since 1970.
pub(crate) fn boot_time(root: &crate::root::Root) -> Option<u64> {
    let mut lines = lines::Lines::first(root.open("/proc/stat").ok()?, 1 << 20);
    lines.find_map(|line| line.strip_prefix("btime ")?.trim().parse().ok())
}
