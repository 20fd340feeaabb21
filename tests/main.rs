//! The one test binary.

#![allow(
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "a test may fail: that is what it is for"
)]

mod judge;
mod real_nvidia;
