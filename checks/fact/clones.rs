//! What every clone of this machine inherits, and should not; what it lacks, and should have.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What files tell of what is cloned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Clones {
    /// Bytes in CUDA's caches of compiled code, of each home.
    pub compiled_code: u64,
}
