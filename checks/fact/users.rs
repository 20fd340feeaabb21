//! The people who have an account on this machine, and what each of them may open.

use super::{DeviceNode, Observed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The human users of a machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Users {
    /// Id of the user who asked.
    pub asking: u32,
    /// Those whom `/etc/passwd` lists with a shell to log in with and a home of their own, by their ids.
    pub humans: Vec<HumanUser>,
    /// How many more there are beyond those.
    pub more: u32,
    /// Ids of owners of homes whom `/etc/passwd` does not list.
    pub not_listed: Vec<u32>,
    /// What besides files tells who has an account, as `/etc/nsswitch.conf` names it: `sss`, `ldap`.
    pub directories: Vec<String>,
}

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HumanUser {
    /// The name. Redacted in records.
    pub name: String,
    /// The id.
    pub uid: u32,
    /// What was seen as this user; not probed where nobody looked.
    #[serde(default)]
    pub look: Observed<UserLook>,
}

/// What was seen as a user, beside kernels and Pythons, which stand among those of the machine.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct UserLook {
    /// Device nodes of the driver, and whether this user may open them.
    pub nodes: Vec<DeviceNode>,
    /// Notebook kernels that this user is offered.
    pub kernels: u32,
    /// Pythons that were looked at as this user.
    pub pythons: u32,
}
