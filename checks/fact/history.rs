//! What package managers and installers noted of what they did.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was done, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct History {
    /// Each run of one of them.
    pub events: Vec<Event>,
    /// There was more than is told here.
    pub more: bool,
}

/// One run of a package manager or an installer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// When it began, RFC 3339: with `Z` where that is known to be UTC, and without an offset where the log has the
    /// machine's local time, as those of apt, dpkg, conda and NVIDIA's installer have.
    pub at: String,
    /// Who did it.
    pub by: Installer,
    /// The log, or the folder whose files tell.
    pub log: String,
    /// The command line as the log has it; none where it has none, as pip leaves none.
    #[serde(default)]
    pub command: Option<String>,
    /// Whether an ordinary user asked for it, by sudo or otherwise; none where the log does not say.
    #[serde(default)]
    pub by_user: Option<bool>,
    /// The folder of the environment that it changed; none for the system's packages.
    #[serde(default)]
    pub environment: Option<String>,
    /// What was asked for by name, where that is told; the rest came with it.
    #[serde(default)]
    pub asked_for: Vec<String>,
    /// What it changed.
    #[serde(default)]
    pub changes: Vec<PackageChange>,
    /// How many more it changed that have nothing to do with the driver or Linux.
    #[serde(default)]
    pub others: u32,
}

/// Who installs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Installer {
    /// apt, which tells its command.
    Apt,
    /// dpkg itself.
    Dpkg,
    /// conda or mamba.
    Conda,
    /// pip.
    Pip,
    /// uv.
    Uv,
    /// Poetry.
    Poetry,
    /// NVIDIA's own installer of the driver.
    Nvidia,
    /// Another one.
    Other,
}

/// A package that was changed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PackageChange {
    /// Its name, without an architecture.
    pub package: String,
    /// Its version before; none where there was none or that is not told.
    pub from: Option<String>,
    /// Its version afterwards; none where it was removed. conda's with the build after a blank.
    pub to: Option<String>,
}
