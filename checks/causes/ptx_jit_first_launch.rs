//! The framework brings no machine code for the GPU, so the driver compiles its PTX.
//!
//! # Meaning
//! The first run takes minutes, up to half an hour; the driver keeps the result, and later runs are fast. Where its cache
//! is off, too small, or closed to the user, every run is as slow as the first.
//!
//! # Detection
//! What the framework was built for, against the GPU's compute capability; `CUDA_CACHE_DISABLE`, `CUDA_CACHE_MAXSIZE`
//! and the cache's folder as the asking user has them. Where an operation on the GPU failed, it is not this. `gpucheck slow`
//! sees it happen: the GPU is idle, one thread is full, and the cache grows or keeps nothing.
//!
//! # Fix
//! Make the folder writable, unset the variables, run once in the template; or install a version with code for this GPU.
//!
//! # Source
//! tensorflow/tensorflow#62320, pytorch/xla#4089

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Verdict, Who,
    bottleneck::{self, Compiling, Told},
    fact::{Facts, TensorFlow},
    judge,
    knowledge::Fit,
    readings,
    tensorflow::{self, Fitting},
};

const HAS_CODE: &str = "frameworks.tensorflow_has_code_for_gpu";
const COMPUTES: &str = "frameworks.tensorflow_computes";
const COMPILES: &str = "load.compiles_nothing";

pub(crate) static CAUSE: Cause = Cause {
    explains: &[HAS_CODE, "performance.keeps_compiled_code", COMPILES],
    severity: Severity::Degraded,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, knowledge: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let watched = readings::as_told(outcomes, COMPILES);
    if !watched.is_empty() {
        return watched.into_iter().filter_map(|finding| seen(facts, finding)).collect();
    }
    let first_runs: Vec<Finding> = tensorflow::outcomes(outcomes, HAS_CODE, Verdict::Warn)
        .filter(|outcome| !fails(outcomes, &outcome.subject))
        .filter_map(|outcome| first_run(facts, knowledge, outcome))
        .collect();
    let every_run = readings::as_told(outcomes, "performance.keeps_compiled_code");
    if every_run.is_empty() {
        return first_runs;
    }
    let subjects = || first_runs.iter().map(|finding| &finding.subject);
    let with_all = |finding| {
        subjects().fold(finding, |finding: Finding, subject| finding.accounting_for(HAS_CODE, subject))
    };
    every_run.into_iter().map(|finding| keep(facts, with_all(finding))).collect()
}

fn fails(outcomes: &[Outcome], subject: &Subject) -> bool {
    tensorflow::outcomes(outcomes, COMPUTES, Verdict::Fail).any(|outcome| outcome.subject == *subject)
}

/// A Python whose TensorFlow has PTX for a GPU, and code of some kind for all of them.
fn first_run(facts: &Facts, knowledge: &Knowledge, outcome: &Outcome) -> Option<Finding> {
    let (_, found): (_, &TensorFlow) = tensorflow::python_of(facts, &outcome.subject)?;
    let fittings = tensorflow::fittings(facts, knowledge, found)?;
    let compiled: &Fitting = fittings.iter().find(|fitting| fitting.fit == Fit::Ptx)?;
    if fittings.iter().any(|fitting| fitting.fit == Fit::No) {
        return None;
    }
    let (major, minor) = compiled.gpu.capability;
    Some(
        crate::judge::retold(outcome)
            .variant("first_run")
            .with("distribution", found.label())
            .with("gpu", compiled.gpu.name.clone())
            .with("capability", format!("{major}.{minor}")),
    )
}

/// Adds what lets CUDA keep what it compiles.
fn keep(facts: &Facts, finding: Finding) -> Finding {
    let cache = facts.driver.seen().and_then(|driver| driver.compute_cache.as_ref());
    let finding = finding.run("unset CUDA_CACHE_DISABLE && export CUDA_CACHE_MAXSIZE=4294967296");
    match cache.filter(|cache| cache.writable == Some(false)).and_then(|cache| cache.folder.as_deref()) {
        Some(folder) => finding.run(format!("ls -ld {}", judge::quoted(folder))),
        None => finding,
    }
}

/// It was seen to compile: for this run, or for every one.
fn seen(facts: &Facts, finding: Finding) -> Option<Finding> {
    let Some(Told::Work(watch)) = bottleneck::told(facts) else { return None };
    let Compiling::Yes { every_run, .. } = bottleneck::compiling(&watch) else { return None };
    let cache = watch.load.compiled.as_ref()?;
    let folder = cache.folder.as_deref().map(judge::quoted);
    if every_run.is_none() {
        let finding = finding.variant("this_run");
        return Some(match folder {
            Some(folder) => finding.run(format!("du -sh {folder}")),
            None => finding,
        });
    }
    let finding =
        finding.variant("every_run").run("unset CUDA_CACHE_DISABLE && export CUDA_CACHE_MAXSIZE=4294967296");
    Some(match folder.filter(|_| cache.writable == Some(false)) {
        Some(folder) => finding.run(format!("ls -ld {folder}")),
        None => finding,
    })
}
