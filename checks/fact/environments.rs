//! The environments of Python that lie on a machine, as their files tell; none is started for it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A Python with a folder of its own for packages.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Environment {
    /// Its folder, by the path that its owner would name; `/usr` for a Python of the system.
    pub prefix: String,
    /// The path of its interpreter.
    pub python: String,
    /// That interpreter is gone, as after an update of the Python that a virtual environment was made from.
    #[serde(default)]
    pub gone: bool,
    /// What it is, each kind once.
    #[serde(default)]
    pub kinds: Vec<EnvironmentKind>,
    /// The version of its Python, such as `3.11.7`, or `3.11` where no more is told.
    #[serde(default)]
    pub version: Option<String>,
    /// Visual Studio Code would offer it.
    #[serde(default)]
    pub vscode: bool,
    /// Why its packages are not all told; none where they are.
    #[serde(default)]
    pub untold: Option<String>,
    /// The folders of its packages, in the order in which it looks into them.
    #[serde(default)]
    pub folders: Vec<String>,
}

/// What kind of environment one is; several hold for many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EnvironmentKind {
    /// A virtual environment: it has a `pyvenv.cfg`.
    Venv,
    /// One of conda's or mamba's: it has a `conda-meta`.
    Conda,
    /// A version that pyenv installed.
    Pyenv,
    /// A Python or a virtual environment of uv's.
    Uv,
    /// A virtual environment of Poetry's.
    Poetry,
    /// A virtual environment of Pipenv's.
    Pipenv,
    /// A virtual environment of Hatch's.
    Hatch,
    /// A Python that belongs to the system.
    System,
    /// One of those that Microsoft's Data Science VM comes with.
    DataScienceVm,
    /// One of The Littlest JupyterHub's two.
    Tljh,
}
