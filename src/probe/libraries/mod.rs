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
    child::Hears,
    worker::{Surroundings, Worker},
};
use gpucheck_checks::fact::{LibraryTrial, Observed};
use serde::{Deserialize, Serialize};
use std::time::Duration;

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

/// Tries one library.
pub fn probe(worker: &Worker, ask: &Ask, around: Surroundings) -> Observed<LibraryTrial> {
    tracing::debug!(file = ask.file, "a library is tried");
    // Where the asking person stands says nothing to a library.
    let around = Surroundings { folder: Some("/".into()), ..around };
    worker.run(SOURCE, ask, (MEMORY, around), &mut Hears(&|_| {}))
}
