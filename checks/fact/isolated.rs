//! A look without what is the user's own.

use super::{Distribution, Observed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A look by `python -I`, which leaves out the user's packages, `PYTHONPATH`, the working directory and every other
/// variable of Python's. It is taken where the look by the notebook's own rules failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Isolated {
    /// What started or was imported, such as `tensorflow 2.15.1`; else why it failed as well.
    pub outcome: Observed<String>,
    /// The folders of `sys.path` that it left out and that hide something, in the order of `sys.path`.
    pub shadowing: Vec<Shadowing>,
}

/// A folder that hides packages of the environment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Shadowing {
    /// What puts it before the environment.
    pub place: ShadowingPlace,
    /// Its path.
    pub folder: String,
    /// Its distributions that the environment has as well.
    pub distributions: Vec<Distribution>,
    /// Its modules that the environment or Python itself has as well, where no distribution brought them.
    pub modules: Vec<String>,
}

/// What puts a folder before those of the environment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShadowingPlace {
    /// `pip install --user` installs there.
    UserSite,
    /// `PYTHONPATH` names it.
    PythonPath,
    /// It is the one that the Python was started in, a notebook's own.
    WorkingDirectory,
    /// What asks has put it on its `sys.path` itself.
    SysPath,
}
