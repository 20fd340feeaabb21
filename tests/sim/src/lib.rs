//! A driver that is made up: our own libnvidia-ml.so.1 and libcuda.so.1, which replay a scenario.
//!
//! Invariants: nothing is told that the scenario does not give or that does not follow from it; whatever a caller
//! does, the libraries never panic into it.

mod address;
pub mod branches;
mod call;
mod contexts;
mod cuda;
mod link;
mod loaded;
mod machine;
mod nvml;
mod outs;
mod ptx;
pub mod scenario;

pub use link::{Error, Toolkit, cuda_runtime, libraries};
pub use scenario::Scenario;

/// Every symbol that is implemented, of both libraries.
pub fn exported() -> impl Iterator<Item = &'static str> {
    nvml::SYMBOLS.into_iter().chain(cuda::SYMBOLS).flatten().copied()
}
