//! What a class needs beyond the GPU: Jupyter that starts, ways in, and the notebooks of the class.

use super::{Observed, never_asked};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was seen and tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Classroom {
    /// Services by which students get in, those that are installed.
    pub ways_in: Vec<WayIn>,
    /// The Jupyter that was started for this look; nothing where none is installed.
    #[serde(default = "never_asked::<Option<JupyterServer>>")]
    pub jupyter: Observed<Option<JupyterServer>>,
    /// The folder of notebooks that was asked about.
    pub folder: Option<String>,
    /// The notebooks in it, by path.
    #[serde(default = "never_asked::<Vec<ClassNotebook>>")]
    pub notebooks: Observed<Vec<ClassNotebook>>,
    /// How many notebooks and folders there are beyond those that were looked at.
    pub more: u32,
    /// The memory of a GPU that the class needs, in bytes; none where nobody said.
    pub needs_memory: Option<u64>,
}

impl Default for Classroom {
    fn default() -> Self {
        Self {
            ways_in: Vec::new(),
            jupyter: never_asked(),
            folder: None,
            notebooks: never_asked(),
            more: 0,
            needs_memory: None,
        }
    }
}

/// A way into the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WayInKind {
    /// OpenSSH.
    Ssh,
    /// Remote desktop: xrdp.
    Xrdp,
    /// X2Go, which comes through SSH.
    X2go,
    /// Jupyter as a service.
    Jupyter,
    /// JupyterHub, The Littlest JupyterHub.
    Jupyterhub,
}

/// A service by which students get in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WayIn {
    /// Which.
    pub kind: WayInKind,
    /// The unit that starts it, such as `ssh.service`.
    pub name: String,
    /// The file that describes it to systemd; none where it has no unit of its own.
    pub unit: Option<String>,
    /// It starts at boot: a target wants it, or the socket that starts it.
    pub enabled: bool,
    /// Nothing may start it: it is masked.
    pub masked: bool,
    /// Its process is there; none where processes could not be looked at.
    pub running: Option<bool>,
    /// The port that it is to be found at, in decimals, where it is known.
    pub port: Option<u16>,
    /// Whether something listens there; none where that could not be looked at, or no port is known.
    pub listening: Option<Listening>,
    /// Desktops that are installed for it: `xfce`, `mate`; none where it needs none.
    pub desktops: Option<Vec<String>>,
}

/// For whom a port is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Listening {
    /// For everybody who reaches the machine.
    Everywhere,
    /// For this machine alone.
    Loopback,
    /// For nobody.
    Nowhere,
}

/// A Jupyter that was started on loopback, asked, and ended.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JupyterServer {
    /// What was started, in words: `/opt/conda/bin/jupyter lab`.
    pub program: String,
    /// Files of its configuration that were found, strongest last.
    #[serde(default)]
    pub configuration: Vec<String>,
    /// What it answered.
    pub answer: Observed<JupyterAnswer>,
    /// Last lines of what it said.
    #[serde(default)]
    pub log: Vec<String>,
    /// From start to its answer or its end, in milliseconds.
    pub elapsed_ms: u64,
}

/// What a Jupyter server says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JupyterAnswer {
    /// Its version.
    pub version: Option<String>,
    /// The names of the kernels that it offers.
    pub kernels: Vec<String>,
    /// The kernel that it takes where a notebook names none.
    pub default_kernel: Option<String>,
}

/// A notebook of the class.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClassNotebook {
    /// Its path below the folder.
    pub path: String,
    /// What it holds.
    pub content: Observed<NotebookContent>,
    /// How it ran.
    #[serde(default = "never_asked::<NotebookRun>")]
    pub run: Observed<NotebookRun>,
}

/// What a notebook's file says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NotebookContent {
    /// Its format, such as 4.
    pub format: u32,
    /// The name of the kernel that it asks for.
    pub kernel: Option<String>,
    /// Its language, such as `python`.
    pub language: Option<String>,
    /// How many cells of code it has.
    pub code_cells: u32,
    /// The frameworks for GPUs that it imports, by their modules: `tensorflow`.
    pub imports: Vec<String>,
    /// Lines of code that fit this machine alone, or none.
    pub baked: Vec<Baked>,
    /// How many lines there are beyond those.
    pub more: u32,
}

/// A line of code that names something of one machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Baked {
    /// The cell, counted from 1 among all cells.
    pub cell: u32,
    /// The line in it, counted from 1.
    pub line: u32,
    /// What it names.
    pub what: BakedWhat,
    /// The line, cut.
    pub text: String,
}

/// What a line of code names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum BakedWhat {
    /// A GPU by its number, beyond the first.
    Index(u32),
    /// A GPU by its UUID.
    Uuid(String),
    /// No GPU at all: they are hidden.
    Hidden,
    /// A file or folder of another machine or of one user.
    Path(String),
    /// A package that is installed anew with each run.
    Install(String),
}

/// How a notebook ran.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct NotebookRun {
    /// How it ended.
    pub end: RunEnd,
    /// From start to end, in milliseconds.
    pub elapsed_ms: u64,
    /// What its kernel and what that started did on GPUs.
    #[serde(default = "never_asked::<RunOnGpu>")]
    pub gpu: Observed<RunOnGpu>,
}

/// How the run of a notebook ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunEnd {
    /// Every cell ran.
    Ran,
    /// A cell raised an error.
    Raised {
        /// The cell, counted from 1 among all cells.
        cell: u32,
        /// The error's class.
        name: String,
        /// What it says.
        value: String,
        /// Last lines of its traceback.
        traceback: Vec<String>,
    },
    /// It was ended after its time.
    TimedOut {
        /// The cell that ran then; none where none had begun.
        cell: Option<u32>,
        /// The time, in milliseconds.
        after_ms: u64,
    },
    /// Its kernel ended.
    KernelDied {
        /// The cell that ran then.
        cell: Option<u32>,
    },
    /// There is no kernel of that name.
    NoKernel {
        /// The name.
        name: String,
    },
    /// Its kernel did not start.
    KernelFailed {
        /// Why.
        why: String,
    },
}

/// What a run did on GPUs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunOnGpu {
    /// Whether one of its processes had a context on one.
    pub used: bool,
    /// The most memory that its processes held at one moment on all GPUs together, in bytes; none where the driver does not
    /// tell.
    pub peak_memory: Option<u64>,
    /// How often the GPUs were looked at.
    pub looks: u32,
}
