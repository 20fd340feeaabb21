//! A driver that is made up: our own libnvidia-ml.so.1 and libcuda.so.1, which replay a scenario.
//!
//! Invariants: nothing is told that the scenario does not give or that does not follow from it; whatever a caller
//! does, the libraries never panic into it.

pub mod scenario;

pub use scenario::Scenario;
