//! Foreign things in processes of their own.
//!
//! Invariants: a child has a deadline, its own process group, no core file, a memory limit and a private pipe
//! for its answer; its standard output is its standard error, so nothing it prints can reach the report; when
//! it cannot be killed it is abandoned, never waited for. Whatever it does is a value.

mod confine;
mod excerpt;
mod follower;
mod inherited;
mod interrupt;
mod promised;
mod run;
mod trail;

pub use excerpt::Excerpt;
pub use follower::{Follower, Hears};
pub use inherited::mend_what_was_inherited;
pub use interrupt::end_children_on_signals;
pub(crate) use interrupt::{draw, erase, leave_signals_to_others};
pub use run::{Finished, Identity, Job, Name, Variables, run, run_followed};
pub use trail::{Message, Progress, ReadTrail, Trail, TrailError};

/// The descriptor on which a child finds its answer pipe.
pub const ANSWER_FD: i32 = 60;
/// The descriptor on which a Python finds the extension.
pub const EXTENSION_FD: i32 = 61;
