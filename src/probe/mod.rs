//! The probes: one place a source of facts, and the only callers of nvml-wrapper, cudarc and sysinfo.
//!
//! Invariants: a probe cannot fail, what goes wrong is its answer; it records and never judges; whatever is not
//! ours runs in a child (see [`crate::child`]).

pub mod cuda;
pub mod frameworks;
pub mod library;
pub mod module;
pub mod notebooks;
pub mod nvml;
pub mod pci;
pub mod platform;
