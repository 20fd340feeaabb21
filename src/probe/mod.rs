//! One file a source of facts.

pub mod frameworks;
