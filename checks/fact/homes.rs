//! What lies in one person's home, what everybody's leads into one, and the account that students will log in as.
//!
//! Invariant: of passwords no more is kept than whether there is one.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The homes of a machine, beside what its users share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Homes {
    /// Those of everybody who may log in, and root's.
    pub homes: Vec<PersonsHome>,
    /// Names of the kernels that everybody is offered.
    pub shared_kernels: Vec<String>,
    /// What is there for everybody and leads into a home.
    pub ways_in: Vec<WayIntoHome>,
    /// Homes in which no environment was looked for, as there are so many.
    pub not_searched: u32,
    /// The account that students log in as, where one was named.
    pub student: Option<StudentAccount>,
}

/// What of a class may lie in one home.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct PersonsHome {
    /// Whose it is. Redacted in records.
    pub user: String,
    /// Its path.
    pub path: String,
    /// Its permission bits.
    pub mode: u32,
    /// Kernels in the folder of Jupyter's that this person alone is offered.
    pub kernels: Vec<OwnKernel>,
    /// Environments that have ipykernel or a framework.
    pub environments: Vec<OwnEnvironment>,
    /// Folders into which pip installed a framework for this person alone.
    pub packages: Vec<String>,
    /// Notebooks, the first of them where there are many.
    pub notebooks: u32,
}

/// A kernel that lies in a home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnKernel {
    /// Its name.
    pub name: String,
    /// Its folder.
    pub folder: String,
    /// The first word of its command; none where its `kernel.json` cannot be read.
    pub program: Option<String>,
}

/// An environment that lies in a home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct OwnEnvironment {
    /// Its folder.
    pub prefix: String,
    /// It is one of conda's.
    pub conda: bool,
    /// The interpreter that it was made with, where that lies in nobody's home.
    #[serde(default)]
    pub base: Option<String>,
    /// The version of its Python, such as `3.11.7`, where it is told.
    #[serde(default)]
    pub version: Option<String>,
}

/// Something that is there for everybody and leads into a home.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WayIntoHome {
    /// What leads there.
    pub kind: WayKind,
    /// The file that leads there.
    pub place: String,
    /// Where it leads.
    pub to: String,
    /// Whose home that is. Redacted in records.
    pub user: String,
    /// The first folder on the way that is closed to everybody but its owner and group; none where all are open.
    pub closed: Option<ClosedFolder>,
}

/// What is there for everybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WayKind {
    /// The command of a kernel of Jupyter's.
    Kernel,
    /// An environment that lies in nobody's home.
    Environment,
    /// A Python, a Jupyter or a conda of `/usr/local/bin`.
    Command,
    /// A file that everybody's shell reads, or that each new home gets.
    Shell,
}

/// A folder that others may not enter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClosedFolder {
    /// Its path.
    pub path: String,
    /// Its permission bits.
    pub mode: u32,
}

/// The account that students log in as.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StudentAccount {
    /// Its name. Redacted in records.
    pub user: String,
    /// What `/etc/passwd` says of it; none where it does not list it.
    pub account: Option<LoginAccount>,
    /// The file of cloud-init's that makes it on each clone.
    pub made_by: Option<String>,
    /// What besides files tells who has an account, as `/etc/nsswitch.conf` names it.
    pub directories: Vec<String>,
}

/// An account, as far as it lets somebody in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoginAccount {
    /// Its id.
    pub uid: u32,
    /// Its home.
    pub home: String,
    /// Whether that is a folder.
    pub has_home: bool,
    /// What a login starts.
    pub shell: String,
    /// Whether that is a program which lets somebody in.
    pub shell_lets_in: bool,
    /// Its password.
    pub password: PasswordState,
    /// It has a file of keys that SSH lets in.
    pub has_keys: bool,
}

/// What `/etc/shadow` says of a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PasswordState {
    /// There is one.
    Set,
    /// There is none, and none is asked for.
    Empty,
    /// No password fits.
    Locked,
    /// Only root may read it.
    Untold,
}
