//! For which machines an image is meant, and what of it decides whether it can be theirs.

use super::Observed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The machines that an image is meant for, and the image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Targets {
    /// The machines, each once, in the order in which they were asked for.
    pub machines: Vec<Target>,
    /// The memory of a GPU that the class needs, in bytes; none where nobody said.
    pub needs_memory: Option<u64>,
    /// The image.
    pub image: Image,
}

/// A machine that an image is to work on, as whoever bakes it calls it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Target {
    /// A size of Azure's or a GPU's name: `Standard_NC4as_T4_v3`, `T4`.
    pub name: String,
}

/// What an image is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Image {
    /// Its files lie in a folder, and nothing in it was started; otherwise it is the machine that was looked at.
    pub mounted: bool,
    /// The processor that its programs are for, as `uname -m` prints it: `x86_64`, `aarch64`.
    pub architecture: Observed<String>,
    /// It has what starts a machine, `init` or systemd: an image of a container has none.
    pub has_init: bool,
}
