//! What boots next, by files alone.

use crate::root::Root;
use gpucheck_checks::fact::{NextBoot, Observed};

/// Looks at the next boot.
pub fn probe(_: &Root) -> Observed<NextBoot> {
    Observed::Seen(NextBoot::default())
}
