//! The daemon's log: lines on standard error, with the priority before them where systemd's journal reads.
//!
//! Source: sd-daemon(3), "Logging".

use serde::{Deserialize, Serialize};
use std::{
    env,
    io::{self, Write},
};

/// How grave a message is, as syslog(3) numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// The daemon cannot go on.
    Error = 3,
    /// Somebody should mend something.
    Warning = 4,
    /// Something has changed.
    Notice = 5,
    /// What is done, and why.
    Info = 6,
    /// In detail.
    Debug = 7,
}

/// The log.
#[derive(Clone, Copy, Debug)]
pub(super) struct Journal {
    /// The least grave messages that are written.
    pub(super) level: Level,
    has_priorities: bool,
}

impl Journal {
    pub(super) fn new(level: Level) -> Self {
        Self { level, has_priorities: env::var_os("JOURNAL_STREAM").is_some() }
    }

    /// Writes a line; what cannot be written is lost.
    pub(super) fn say(self, level: Level, text: &str) {
        if level > self.level {
            return;
        }
        let clean: String = text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
        let _ = if self.has_priorities {
            writeln!(io::stderr(), "<{}>{clean}", level as u8)
        } else {
            writeln!(io::stderr(), "gpucheckd: {clean}")
        };
    }
}
