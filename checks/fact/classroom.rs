//! What a class needs beyond the GPU: Jupyter that starts, ways in, and the notebooks of the class.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was seen and tried.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Classroom {
    /// The folder of notebooks that was asked about.
    pub folder: Option<String>,
}
