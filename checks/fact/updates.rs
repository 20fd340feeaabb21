//! What updates will change by themselves, and what they would change if they were run.

use super::Observed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What files of apt tell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Updates {
    /// Whether packages are updated without being asked for; not probed where there is no apt.
    pub unattended: Observed<bool>,
}
