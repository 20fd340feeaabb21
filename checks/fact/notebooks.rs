//! Jupyter's kernels and servers, as files, `/proc` and the servers themselves tell; none is started.

use super::{Distribution, Observed, Packages};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What a person finds who opens a notebook.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Notebooks {
    /// Every kernel specification, in the order in which Jupyter looks for them.
    pub kernelspecs: Vec<Kernelspec>,
    /// The Jupyter servers that run as the asking user.
    pub servers: Vec<Server>,
    /// `LD_LIBRARY_PATH`, `XLA_FLAGS` and `CUDA_VISIBLE_DEVICES` of the asking shell, those that are set.
    pub shell: BTreeMap<String, String>,
    /// How many folders of specifications there are beyond those that were looked into.
    pub more: u32,
}

impl Notebooks {
    /// A specification's name; with its folder where others have the same, and with its user where it is not everybody's.
    pub fn name_of(&self, spec: &Kernelspec) -> String {
        let is_same = |other: &&Kernelspec| other.name == spec.name && other.user == spec.user;
        let is_one_of_several = self.kernelspecs.iter().filter(is_same).count() > 1;
        let folder = is_one_of_several.then(|| spec.folder.clone());
        let user = spec.user.as_ref().map(|user| format!("of {user}"));
        let more: Vec<String> = [folder, user].into_iter().flatten().collect();
        if more.is_empty() { spec.name.clone() } else { format!("{} ({})", spec.name, more.join(", ")) }
    }
}

/// A kernel specification.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Kernelspec {
    /// The name that notebooks store.
    pub name: String,
    /// Its folder.
    pub folder: String,
    /// What its `kernel.json` says.
    pub spec: Observed<Spec>,
    /// What it starts.
    pub program: Program,
    /// The environment of the Python that it starts; none where that is not told.
    pub environment: Option<KernelEnvironment>,
    /// The conda environment that a server with `nb_conda_kernels` activates before it starts this; none for all others.
    #[serde(default)]
    pub activates: Option<String>,
    /// The user who alone has it, or for whom it is another than for everybody; none where it is everybody's, or the
    /// asking user's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
}

/// `kernel.json`, as far as it is of use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Spec {
    /// What Jupyter's menu shows.
    pub display_name: Option<String>,
    /// Such as `python`.
    pub language: Option<String>,
    /// The command.
    pub argv: Vec<String>,
    /// `LD_LIBRARY_PATH`, `XLA_FLAGS` and `CUDA_VISIBLE_DEVICES`, those that it sets.
    pub env: BTreeMap<String, String>,
    /// The names of all variables that it sets; what they are set to may be a secret.
    #[serde(default)]
    pub sets: Vec<String>,
    /// The names of those whose value is no text: a number, `true`, null.
    #[serde(default)]
    pub odd_values: Vec<String>,
    /// How Jupyter interrupts it, `signal` or `message`; none where it does not say.
    #[serde(default)]
    pub interrupt_mode: Option<String>,
}

impl Kernelspec {
    /// Whether it surely runs where nothing could use a GPU.
    pub fn lacks_framework(&self) -> bool {
        self.environment.as_ref().is_some_and(|there| !there.may_have_framework())
    }
}

impl Spec {
    /// Whether it is a kernel for Python.
    pub fn is_python(&self) -> bool {
        let is_ipykernel = |word: &String| word == "ipykernel" || word.starts_with("ipykernel_launcher");
        self.language.as_ref().is_some_and(|language| language.eq_ignore_ascii_case("python"))
            || self.argv.iter().any(is_ipykernel)
    }
}

/// What a kernel specification starts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// A file.
    File {
        /// Its path.
        path: String,
        /// Whether it can be started.
        state: ProgramState,
    },
    /// The Python that the Jupyter server itself runs in: Jupyter puts it in the place of a bare `python`.
    OfServer,
    /// Something else, for this reason.
    Untold {
        /// As a fragment.
        why: String,
    },
}

/// Whether a program can be started.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProgramState {
    /// It is a file that may be executed.
    Executable,
    /// It is there and nobody may execute it.
    NotExecutable,
    /// It is gone, or a link that leads nowhere.
    Missing,
    /// The asking user may not look.
    Hidden,
}

/// The environment that a kernel runs in, as its files tell.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct KernelEnvironment {
    /// Its folder.
    pub prefix: String,
    /// Why its packages are not all told; none where they are.
    pub untold: Option<String>,
    /// TensorFlow's distribution.
    pub tensorflow: Option<Distribution>,
    /// Whether that TensorFlow was built with CUDA.
    pub tensorflow_has_cuda: Option<bool>,
    /// PyTorch and JAX.
    pub packages: Packages,
}

impl KernelEnvironment {
    /// Whether there may be a framework in it that could use a GPU: by what its files tell, or for want of that.
    pub fn may_have_framework(&self) -> bool {
        self.untold.is_some() || self.tensorflow.is_some() || self.packages.has_framework()
    }
}

/// A Jupyter server that runs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Server {
    /// Its process.
    pub pid: i32,
    /// Its program, such as `/opt/conda/bin/python3.11`.
    pub program: String,
    /// `LD_LIBRARY_PATH`, `XLA_FLAGS` and `CUDA_VISIBLE_DEVICES` that it was started with, those that are set.
    pub environment: BTreeMap<String, String>,
    /// The folder that it serves.
    #[serde(default)]
    pub root: Option<String>,
    /// What it says of its kernels, each once for every notebook and console that uses it.
    #[serde(default = "super::never_asked::<Vec<Session>>")]
    pub sessions: Observed<Vec<Session>>,
}

/// A kernel that runs, and what it runs for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Session {
    /// The kernel's id, as in the name of its connection file.
    pub kernel: String,
    /// The notebook's path below the server's folder; none where no notebook or console has it. Redacted in records.
    pub path: Option<String>,
    /// `notebook`, `console`.
    pub kind: Option<String>,
    /// The name of its specification.
    pub spec: Option<String>,
    /// `idle`, `busy`, `starting`, `dead` and what else there is.
    pub state: Option<String>,
    /// How many windows and programs are connected to it.
    pub connections: Option<u32>,
    /// Seconds since it last did anything.
    pub idle_s: Option<u64>,
}
