//! What boots next: the kernel that the boot loader will take, and what it will find.

use super::Observed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What files tell of the next boot.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NextBoot {
    /// Release of the Linux that boots next.
    pub linux: Observed<String>,
}
