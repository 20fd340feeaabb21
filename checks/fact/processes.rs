//! The processes on the GPUs.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The processes on the GPUs, as far as `/proc` shows them to the asking user.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Processes {
    /// Those that NVML lists or that hold a device node of the driver, by number; gpucheck's own left out.
    pub on_gpus: Vec<Process>,
    /// Processes whose open files are closed to the asking user.
    pub closed: u32,
    /// Every process was looked at; false where time or number put an end to it.
    pub whole: bool,
}

/// A process on a GPU.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Process {
    /// Its number, in the namespace of the asking user.
    pub pid: u32,
    /// Its name.
    pub name: Option<String>,
    /// The number of the user that it runs as.
    pub uid: Option<u32>,
    /// Its parent.
    pub parent: Option<u32>,
    /// Seconds since it was started.
    pub age_s: Option<u64>,
    /// The device nodes that it holds, each once, sorted; none where its open files are closed to the asking user.
    pub nodes: Option<Vec<String>>,
    /// The notebook that it works for, where it is a Jupyter kernel or was started by one.
    pub notebook: Option<Notebook>,
    /// It started gpucheck, itself or through others: the notebook that asks.
    #[serde(default)]
    pub asks: bool,
}

impl Process {
    /// Whether it has CUDA open: whoever computes holds `/dev/nvidia-uvm`; `nvidia-persistenced` and displays do not.
    pub fn computes(&self) -> bool {
        self.nodes.iter().flatten().any(|node| node == "/dev/nvidia-uvm")
    }
}

/// The notebook that a Jupyter kernel works for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notebook {
    /// The kernel's id, from the name of its connection file.
    pub kernel: String,
    /// The notebook's path, `JPY_SESSION_NAME`; redacted in records.
    pub path: Option<String>,
    /// The kernel's process, where this one was started by it; none where it is the kernel.
    #[serde(default)]
    pub via: Option<u32>,
}
