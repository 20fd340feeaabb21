//! What is installed where, and who changed it: by which a machine is compared with what it was.

use super::Observed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Packages, variables, and what logs tell of their changes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Inventory {
    /// Versions of packages by their names, by the environment's folder; not probed where nobody looked.
    pub environments: Observed<BTreeMap<String, BTreeMap<String, String>>>,
}
