//! libnvidia-ml.so.1.
//!
//! Invariants: what the scenario does not give is `NOT_SUPPORTED`; before `nvmlInit` everything is `UNINITIALIZED`;
//! structures with a version are refused where the version is another.

mod activity;
mod device;
mod events;
mod handle;
mod lists;
mod others;
mod system;

use crate::call::Outcome;
use std::sync::atomic::{AtomicU32, Ordering};

/// `nvmlReturn_t`.
pub(crate) const UNINITIALIZED: u32 = 1;
pub(crate) const INVALID_ARGUMENT: u32 = 2;
pub(crate) const NOT_SUPPORTED: u32 = 3;
pub(crate) const NOT_FOUND: u32 = 6;
pub(crate) const INSUFFICIENT_SIZE: u32 = 7;
pub(crate) const TIMEOUT: u32 = 10;
pub(crate) const ARGUMENT_VERSION_MISMATCH: u32 = 25;

/// What `nvmlInit` counts.
static USERS: AtomicU32 = AtomicU32::new(0);

/// Refuses before `nvmlInit`.
fn initialized() -> Outcome {
    if USERS.load(Ordering::SeqCst) == 0 { Err(UNINITIALIZED) } else { Ok(()) }
}

/// What is exported.
pub(crate) const SYMBOLS: [&[&str]; 8] = [
    system::SYMBOLS,
    system::ERROR_STRING,
    handle::SYMBOLS,
    device::SYMBOLS,
    lists::SYMBOLS,
    activity::SYMBOLS,
    events::SYMBOLS,
    others::SYMBOLS,
];
