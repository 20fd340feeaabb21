//! A Python from within which this program is called.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A Python that asks from within: the kernel of a notebook, or a program.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Asking {
    /// It is the kernel of a notebook.
    pub notebook: bool,
    /// Names of variables that it has changed since it was started.
    pub changed: Vec<String>,
    /// The frameworks that have looked for GPUs in it already (`tensorflow`, `torch`, `jax`), with how many each
    /// found: a framework looks once in the life of a process.
    pub running: BTreeMap<String, u32>,
}
