//! For which machines an image is meant.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A machine that an image is to work on, as whoever bakes it calls it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// A size of Azure's or a GPU's name: `Standard_NC4as_T4_v3`, `T4`.
    pub name: String,
}
