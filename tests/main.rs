//! The one test binary.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    reason = "clippy knows #[test] functions as tests, and not what they call"
)]

mod children;
mod cli;
mod healthy;
mod platform;
mod protocol;
mod real_nvidia;
mod stage;
