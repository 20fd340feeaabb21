//! What the daemon and those who ask it say to each other, both ends.
//!
//! A question is one line of JSON, an answer one line of JSON, behind which lie as many bytes of the report as that says.
//!
//! Invariants: both lines are bounded; one that is not understood is answered in words; the number of the protocol grows
//! where a field changes its meaning.

use super::view::View;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The number of this protocol.
pub const PROTOCOL: u32 = 1;
/// Longest question, in bytes.
pub const LONGEST_QUESTION: usize = 512;
/// Longest first line of an answer, in bytes.
pub const LONGEST_ANSWER: usize = 16 << 10;
/// Largest report, in bytes.
pub const LARGEST_REPORT: u64 = 32 << 20;
/// Where the daemon listens.
pub const SOCKET: &str = "/run/gpucheck/gpucheck.sock";

/// A question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// What is asked.
    pub ask: Ask,
}

/// What can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ask {
    /// The last report.
    Report,
    /// How things are, without the report.
    Status,
    /// Look now; once a minute at most.
    Look,
    /// Look now, and test all free memory of the GPUs; root alone.
    Deep,
}

/// The first line of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// Version of the daemon.
    pub gpucheck: String,
    /// Why the question is not answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
    /// The root that is looked at.
    pub root: PathBuf,
    /// A look is under way.
    pub looking: bool,
    /// Seconds until the next one.
    pub next_s: Option<u64>,
    /// What is known; none before the first look.
    pub known: Option<Known>,
    /// Bytes of the report that follow.
    pub length: u64,
}

/// What the daemon knows of the machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// The boot in which it was seen.
    pub boot: String,
    /// The answer in one line.
    pub answer: String,
    /// Seconds since the look began.
    pub age_s: u64,
    /// It is not older than the configuration allows, and nothing has happened since.
    pub fresh: bool,
    /// Everything was looked at; otherwise what can be had without touching a GPU.
    pub full: bool,
    /// Seconds since NVML, the files and the log were last found to hold nothing against it, where somebody computed.
    pub confirmed_s: Option<u64>,
    /// Why the last look was not a full one.
    pub held_back: Option<String>,
    /// What the look rested on.
    pub view: Option<View>,
}
