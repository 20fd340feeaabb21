//! cuBLAS and cuDNN, each loaded from the very file that a framework would take and put to work in a process of its own:
//! without Python, with the variables of that framework's environment.
//!
//! Invariants: the libraries that the framework would have loaded before are loaded before; each foreign call is a step on
//! the trail; return codes are numbers; nothing is initialized where no driver stands behind it.

mod api;
mod arithmetic;
mod cublas;
mod cudnn;
mod look;

pub(crate) use look::look;

use crate::{
    child::{self, Identity, Job, Name, Variables},
    worker::Worker,
};
use gpucheck_checks::fact::{LibraryTrial, Observed, ProbeFailure};
use serde::{Deserialize, Serialize};
use std::{ffi::OsString, time::Duration};

/// What a worker calls this source.
pub const SOURCE: &str = "cuda-libraries";
/// Time to answer: a cold disk gives half a gigabyte of library, a cold GPU its context, then a second of work.
pub const DEADLINE: Duration = Duration::from_secs(90);
/// Rows and columns of the matrices that are multiplied against the clock, where memory allows.
pub const USUAL_SIZE: u32 = 4096;
/// Private memory of the worker, in bytes: cuDNN and a context take some two gigabytes.
const MEMORY: u64 = 8 << 30;

/// Which library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// `libcublas`.
    Cublas,
    /// `libcudnn`.
    Cudnn,
}

/// What a worker is asked.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Ask {
    /// Which library it is.
    pub kind: Kind,
    /// Its file.
    pub file: String,
    /// Files that are loaded before it, as far as they can be.
    pub before: Vec<String>,
    /// Why the driver shall not be initialized; none where it shall be.
    pub hold: Option<String>,
    /// Most rows and columns of the matrices that are multiplied against the clock.
    pub size: u32,
}

/// What a worker starts with.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// The environment in the place of this process's; none where it inherits that.
    pub base: Option<Variables>,
    /// Changes to it.
    pub changes: Vec<(Name, Option<OsString>)>,
    /// Whom to become first.
    pub identity: Option<Identity>,
    /// Whether it may make device nodes and load modules.
    pub may_make_nodes: bool,
}

/// Tries one library.
pub fn probe(worker: &Worker, ask: &Ask, around: Surroundings) -> Observed<LibraryTrial> {
    let asked = match serde_json::to_string(ask) {
        Ok(asked) => asked,
        Err(error) => return Observed::Failed(ProbeFailure::NotStarted { message: error.to_string() }),
    };
    let finished = child::run(Job {
        program: worker.program.clone(),
        args: vec!["__probe".into(), SOURCE.into(), asked.into()],
        base: around.base,
        env: around.changes,
        folder: Some("/".into()),
        deadline: worker.deadline,
        memory: MEMORY,
        files: Vec::new(),
        identity: around.identity,
        may_make_nodes: around.may_make_nodes,
        stack_at_deadline: false,
    });
    tracing::debug!(file = ask.file, elapsed_ms = finished.elapsed_ms, log = finished.log, "library tried");
    finished.observed
}
