//! JAX has its plugin for CUDA.
//!
//! # Meaning
//! `pip install jax` brings JAX for the CPU. Its part for NVIDIA's GPUs comes as plugins, `jax-cuda12-plugin` or
//! `jax-cuda13-plugin` with `jax-cuda12-pjrt` or `jax-cuda13-pjrt`, which must have the version of `jaxlib`: another one
//! is left aside with a warning. Before 0.4.26 it was part of `jaxlib`, with `+cuda` in its version; conda's is part of
//! `jaxlib` still.
//!
//! TensorFlow 2.12 requires JAX, and so has one for the CPU beside it that nobody asked for.
//!
//! # Detection
//! Names and versions of the installed distributions; the build string of conda's package. A JAX without CUDA that pip
//! installed because TensorFlow and nothing else there requires it is left alone: pip leaves a file `REQUESTED`
//! beside what a person asked for.
//!
//! # Fix
//! `pip install -U "jax[cuda12]"`, or `cuda13` for a driver from 580 on and a card from Turing on.
//!
//! # Source
//! jax-ml/jax `jaxlib/plugin_support.py`, <https://docs.jax.dev/en/latest/installation.html>, jax-ml/jax#29068, METADATA
//! of tensorflow 2.12.1: `Requires-Dist: jax (>=0.3.15)`

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, Jax},
    wheels,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &["frameworks.python_starts", "pci.gpu_present"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    let judge = |python: &crate::fact::Python| {
        wheels::jax(python, |subject, jax| {
            let finding = judge_plugin(subject, jax).with("jax", jax.label());
            if finding.verdict == Verdict::Fail {
                wheels::install_jax(facts, knowledge, python, jax, finding)
            } else {
                finding
            }
        })
    };
    facts.pythons().map(judge).collect()
}

fn judge_plugin(subject: Subject, jax: &Jax) -> Finding {
    let Some(jaxlib) = jax.version("jaxlib") else {
        return Finding::unknown(subject, format!("{} is there, and jaxlib is not to be found", jax.label()));
    };
    if jaxlib.contains("+cuda") {
        return Finding::pass(subject, format!("jaxlib {jaxlib}"));
    }
    match jax.conda_build.as_deref() {
        Some(build) if build.starts_with("cuda") => {
            return Finding::pass(subject, format!("jaxlib {jaxlib}, conda's build {build}"));
        }
        Some(build) if build.starts_with("cpu") => {
            return Finding::fail(subject, format!("jaxlib {jaxlib} is conda's build {build}, for the CPU"))
                .variant("conda");
        }
        Some(_) | None => {}
    }
    let plugins: Vec<(i32, &str)> = wheels::jax_plugins(jax).collect();
    let numbers = wheels::leading_numbers;
    if let Some((cuda, version)) = plugins.iter().find(|(_, version)| numbers(version) == numbers(jaxlib)) {
        let name = format!("jax-cuda{cuda}-plugin {version}");
        return match jax.version(&format!("jax-cuda{cuda}-pjrt")) {
            Some(_) => Finding::pass(subject, name),
            None => Finding::fail(subject, format!("{name} without jax-cuda{cuda}-pjrt")),
        };
    }
    match plugins.first() {
        Some((cuda, version)) => Finding::fail(
            subject,
            format!("jax-cuda{cuda}-plugin {version} is not of the version of jaxlib {jaxlib}"),
        )
        .variant("other_version"),
        None => Finding::fail(subject, format!("jaxlib {jaxlib} without a plugin for CUDA")),
    }
}
