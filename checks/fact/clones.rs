//! What every clone of this machine inherits, and should not; what it lacks, and should have.
//!
//! Invariant: of secrets and of UUIDs no more is kept than that they are there, and where.

use super::{Homes, Observed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What files tell of what is cloned.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Clones {
    /// Where variables choose GPUs, by file and line.
    pub variables: Vec<ChosenGpus>,
    /// What of Jupyter's configuration decides who gets in, by file and line.
    pub jupyter: Vec<JupyterAccess>,
    /// What names this very machine, by file and line.
    pub host: Vec<HostTrace>,
    /// Files that hold secrets.
    pub secrets: Vec<SecretFile>,
    /// Folders of caches, and what is in them.
    pub caches: Vec<CacheFolder>,
    /// Homes of people that the asking user may not look into.
    pub closed_homes: Vec<String>,
    /// What lies in one home alone, and what leads into one.
    pub homes: Observed<Homes>,
}

/// A line that sets `CUDA_VISIBLE_DEVICES` or `NVIDIA_VISIBLE_DEVICES`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ChosenGpus {
    /// The variable.
    pub variable: String,
    /// The file.
    pub file: String,
    /// The line in it, from 1.
    pub line: u32,
    /// What it chooses by.
    pub by: ChosenBy,
}

/// What GPUs are chosen by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChosenBy {
    /// UUIDs of GPUs or of their MIG instances, which no other machine has.
    Uuids,
    /// Indexes.
    Indexes(Vec<u32>),
    /// No GPU at all.
    Nothing,
    /// What the line does not tell: another variable, `all`.
    Other,
}

/// A line of Jupyter's configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JupyterAccess {
    /// The file.
    pub file: String,
    /// The line in it, from 1; 0 where the format has none.
    pub line: u32,
    /// The setting, such as `ServerApp.ip`.
    pub setting: String,
    /// What it is set to.
    pub to: AccessValue,
}

/// What a setting of Jupyter's is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AccessValue {
    /// Every address of the machine: `0.0.0.0`, `*`, `::`.
    Everywhere,
    /// This machine alone can reach it: `localhost`, `127.0.0.1`.
    Loopback,
    /// One address or name, which a clone does not have.
    OneAddress,
    /// An empty text, by which nothing is asked for.
    Empty,
    /// A secret.
    Secret,
    /// Something that a line does not tell, such as a call.
    Other,
}

/// A line that names this very machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostTrace {
    /// The file.
    pub file: String,
    /// The line in it, from 1.
    pub line: u32,
    /// What of this machine it names.
    pub names: Named,
}

/// What of a machine is named.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Named {
    /// Its host name.
    HostName,
    /// An address of its own.
    Address,
    /// A second disk by the name that it has at this boot, and the boot waits for it.
    DiskName,
    /// A disk by its UUID that is not the one that the system is on, and the boot waits for it.
    OtherDisk,
}

/// A file that holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SecretFile {
    /// Its path.
    pub path: String,
    /// Whose secret it is, such as `Kaggle`, `SSH`, `Jupyter's cookies`.
    pub of: String,
    /// What signs the cookies of Jupyter's logins.
    pub signs_cookies: bool,
}

/// A folder that caches something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CacheFolder {
    /// Its path.
    pub path: String,
    /// What is in it.
    pub of: Cached,
    /// Bytes of its files.
    pub bytes: u64,
    /// There is more than was counted.
    pub at_least: bool,
}

/// What a cache holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Cached {
    /// Code that the driver compiled for a GPU, which saves minutes.
    CompiledCode,
    /// Packages of pip's.
    Pip,
    /// Packages of conda's.
    Conda,
    /// Packages of apt's.
    Apt,
    /// Weights and data sets that frameworks downloaded, which saves minutes.
    Downloads,
}
