//! The human users of a machine, and what each of them sees.
//!
//! Invariants: an account is a line of `/etc/passwd`, and nobody else is asked; nothing of a user's is opened before a
//! child has become that user for good (`look.rs`); a user who misbehaves costs nobody else's look.

mod accounts;
mod login;
mod look;

pub use accounts::{Account, Accounts};
pub(crate) use look::look;
pub use look::{Question, SOURCE, SeenAs, look_as};
