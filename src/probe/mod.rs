//! One file a source of facts.

pub mod cuda;
pub mod library;
pub mod nvml;
