//! This JAX has no plugin for CUDA.
//!
//! # Meaning
//! `pip install jax` brings JAX for the CPU alone. It says "An NVIDIA GPU may be present on this machine, but a
//! CUDA-enabled jaxlib is not installed. Falling back to cpu." A plugin of another version than `jaxlib` is left aside.
//!
//! # Detection
//! The installed distributions: no `jax-cuda12-plugin` or `jax-cuda13-plugin` with the version of `jaxlib` and its
//! `-pjrt`, and a `jaxlib` that is neither an older one with CUDA in it nor a build of conda's.
//!
//! # Fix
//! Install JAX with its extra for CUDA: 13 for a driver from 580 on and a card from Turing on, else 12.
//!
//! # Source
//! jax-ml/jax#29068, sanchit-gandhi/whisper-jax#211, jax-ml/jax `jaxlib/plugin_support.py`

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Who, fact::Facts, wheels};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["frameworks.jax_has_cuda_plugin"],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, knowledge: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    wheels::failed(facts, outcomes, "frameworks.jax_has_cuda_plugin")
        .filter_map(|(python, finding)| {
            let jax = python.packages.seen()?.jax.as_ref().filter(|jax| jax.conda_build.is_none())?;
            let finding = finding.with("jax", jax.label());
            let finding = match wheels::jax_plugins(jax).next() {
                Some(_) => finding.variant("other_version"),
                None => finding,
            };
            Some(wheels::install_jax(facts, knowledge, python, jax, finding))
        })
        .collect()
}
