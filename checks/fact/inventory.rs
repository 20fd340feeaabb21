//! What is installed where, and who changed it: by which a machine is compared with what it was.

use super::{History, Observed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Packages, variables, and what logs tell of their changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Inventory {
    /// What each environment holds, by its folder; a Python of the system's by its interpreter. One that was asked for
    /// and is not there is refused, with the system's error number.
    pub environments: BTreeMap<String, Observed<Stock>>,
    /// The variables of the asking shell that decide what a framework finds; none of them a secret.
    pub variables: BTreeMap<String, String>,
    /// What logs tell of changes; not probed where nobody compares.
    pub history: Observed<History>,
}

/// What an environment holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Stock {
    /// The path of its interpreter.
    pub python: String,
    /// The version of its Python.
    pub version: Option<String>,
    /// Versions of Python's distributions by their normal names.
    pub distributions: BTreeMap<String, String>,
    /// The folders of those distributions that do not lie in the environment itself, such as a person's own.
    pub elsewhere: BTreeMap<String, String>,
    /// Versions of conda's packages, each with its build after a blank, by name; empty outside conda.
    pub conda: BTreeMap<String, String>,
    /// There are more than were told.
    pub more: bool,
}
