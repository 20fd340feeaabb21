//! JAX's plugin supports the GPU.
//!
//! # Meaning
//! The plugin for CUDA 13 begins with Turing (compute capability 7.5), the one for CUDA 12 with Maxwell (5.2).
//!
//! # Detection
//! The name of the plugin that is installed beside the compute capability of the GPU.
//!
//! # Fix
//! Install the plugin for CUDA 12 in its place.
//!
//! # Source
//! <https://docs.jax.dev/en/latest/installation.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, Jax},
    wheels::{self, Gpu},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Nvml, Source::Driver, Source::Frameworks],
    needs: &["frameworks.jax_has_cuda_plugin"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    let gpus = wheels::gpus(facts, knowledge);
    let judge = |python: &crate::fact::Python| {
        wheels::jax(python, |subject, jax| {
            let finding = judge_gpus(subject, jax, &gpus, knowledge).with("jax", jax.label());
            if matches!(finding.verdict, Verdict::Fail | Verdict::Warn) {
                wheels::install_jax(facts, knowledge, python, jax, finding)
            } else {
                finding
            }
        })
    };
    facts.pythons().map(judge).collect()
}

fn judge_gpus(subject: Subject, jax: &Jax, gpus: &[Gpu], knowledge: &Knowledge) -> Finding {
    let Some(plugin) = wheels::jax_cuda(jax).and_then(|cuda| knowledge.jax(cuda)) else {
        return Finding::unknown(subject, "which CUDA it is built for is not told");
    };
    if gpus.is_empty() {
        return Finding::unknown(subject, "the compute capability of no GPU is known");
    }
    let (major, minor) = plugin.capability;
    let summary = format!("JAX for CUDA {} begins with compute capability {major}.{minor}", plugin.cuda);
    let older: Vec<&Gpu> = gpus.iter().filter(|gpu| gpu.capability < plugin.capability).collect();
    if older.is_empty() {
        return Finding::pass(subject, summary);
    }
    let named = wheels::named(&older);
    let finding = if older.len() < gpus.len() {
        Finding::new(subject, Verdict::Warn, format!("{summary}: {named} is older")).variant("some")
    } else {
        Finding::fail(subject, format!("{summary}: {named} is older"))
    };
    finding.with("gpu", named)
}
