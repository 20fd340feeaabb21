//! Whoever follows a child while it runs: hears of it, and may end it before its deadline.

use super::Progress;
use serde_json::value::RawValue;

/// Whoever follows a child while it runs.
pub trait Follower {
    /// How far it is.
    fn progress(&mut self, _: Progress) {}
    /// A piece of what it sees.
    fn piece(&mut self, _: &RawValue) {}
    /// Whether it may be ended: what it does then counts as not having answered in time.
    fn has_enough(&self) -> bool {
        false
    }
}

/// A follower that hears how far a child is.
pub struct Hears<'a>(pub &'a dyn Fn(Progress));

impl Follower for Hears<'_> {
    fn progress(&mut self, progress: Progress) {
        (self.0)(progress);
    }
}
