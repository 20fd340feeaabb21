//! What a report says of a machine that was watched, in numbers.

use crate::fact::PciAddress;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a machine did while it was watched.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Measured {
    /// How long, in milliseconds.
    pub lasted_ms: u64,
    /// What it is about: a notebook, or a process; none where no program is to be seen.
    pub program: Option<String>,
    /// Why there was nothing to measure; none where there was.
    pub nothing: Option<NothingMeasured>,
    /// Each GPU.
    pub gpus: Vec<MeasuredGpu>,
}

/// Why there was nothing to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum NothingMeasured {
    /// No program computed.
    Idle,
    /// The program that was asked about did not.
    ProgramIdle,
    /// It has ended.
    ProgramEnded,
}

/// What a GPU did, at the mean of all samples.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MeasuredGpu {
    /// PCI address.
    pub address: PciAddress,
    /// Time in which it worked, in percent.
    pub activity: Option<u32>,
    /// Time in which its memory was read or written, in percent.
    pub memory_activity: Option<u32>,
    /// Power, in milliwatts.
    pub power_mw: Option<u32>,
    /// The limit on it.
    pub power_limit_mw: Option<u32>,
}
