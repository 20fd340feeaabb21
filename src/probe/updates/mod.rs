//! What updates will change, by files alone.

use crate::root::Root;
use gpucheck_checks::fact::{Observed, Updates};

/// Looks at the updates.
pub fn probe(_: &Root) -> Observed<Updates> {
    Observed::Seen(Updates::default())
}
