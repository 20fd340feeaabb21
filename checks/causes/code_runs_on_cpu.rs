//! The code runs on the processors, and not on the GPU.
//!
//! # Meaning
//! The framework found no GPU when the kernel started, or the model and its data were never moved there. Nothing fails; it
//! takes ten to a hundred times as long.
//!
//! # Detection
//! `gpucheck slow`: the process that was asked about, else the Python that is most at work while no program uses a GPU, is busy
//! on the processors and has no GPU open: it has not loaded libcuda, or NVML's lists of processes do not have it.
//!
//! # Fix
//! `gpucheck` says from which kernels the GPU can be used. If this one can, move the model and its data to it.
//!
//! # Source
//! <https://www.tensorflow.org/guide/gpu>, <https://pytorch.org/docs/stable/notes/cuda.html>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Who,
    bottleneck::{self, Told},
    fact::Facts,
    readings,
};

const RUNS: &str = "load.runs_on_gpu";

pub(crate) static CAUSE: Cause =
    Cause { explains: &[RUNS], severity: Severity::Degraded, who: Who::Student, recognize };

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let Some(Told::Work(watch)) = bottleneck::told(facts) else { return Vec::new() };
    let Some(program) = &watch.program else { return Vec::new() };
    let named = |finding: Finding| finding.with("program", program.name(facts)).run("gpucheck");
    readings::as_told(outcomes, RUNS).into_iter().map(named).collect()
}
