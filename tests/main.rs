//! The one test binary.

#![allow(
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a test that panics has failed, and says what it skips"
)]

mod broken_pythons;
mod judge;
mod other_users;
mod pythons;
mod real_nvidia;
mod real_tensorflow;
