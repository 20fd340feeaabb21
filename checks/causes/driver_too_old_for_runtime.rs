//! The driver is too old for the framework's CUDA.
//!
//! # Meaning
//! A framework brings the CUDA runtime that it was built with. A driver runs those of its own major version and of older
//! ones; with a newer one the framework finds no GPU: "CUDA driver version is insufficient for CUDA runtime version".
//!
//! # Detection
//! The CUDA version in the framework's own files beside the one that the driver says it runs (`cuDriverGetVersion`). From
//! CUDA 11 on the minor version does not count.
//!
//! # Fix
//! Install the framework for a CUDA that this driver runs, or the newest driver that still supports the card.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html>, serend1p1ty/SeqNet#36,
//! rapidsai/cugraph-gnn#410

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Who, fact::Facts, wheels};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["frameworks.driver_runs_jax", "frameworks.driver_runs_torch"],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, knowledge: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    wheels::driver_too_old(facts, knowledge, outcomes)
}
