//! The module for unified memory is missing.
//!
//! # Meaning
//! `nvidia-smi` is fine and CUDA fails: its second module, `nvidia_uvm`, is not loaded, or its node is missing or
//! stale.
//!
//! # Detection
//! nvidia is loaded; `/dev/nvidia-uvm` is missing, or its number is not the one in `/proc/devices`; `cuInit` fails.
//!
//! # Fix
//! `sudo apt install nvidia-modprobe && sudo nvidia-modprobe -u -c=0`
//!
//! # Source
//! ggml-org/llama.cpp#7218, ollama/ollama#8638, gorgonia/cu#2

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Verdict, Who,
    fact::{Access, Facts},
    judge,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["module.unified_memory"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let Some(module) = facts.module.seen() else { return Vec::new() };
    let denied =
        module.nodes.iter().any(|node| node.path == "/dev/nvidia-uvm" && node.access == Access::Denied);
    let failed = outcomes
        .iter()
        .find(|outcome| outcome.id == "module.unified_memory" && outcome.verdict == Verdict::Fail);
    match failed {
        Some(outcome) if module.has_driver() && !denied => vec![judge::load_unified_memory(
            facts,
            Finding::fail(Subject::Host, outcome.summary.clone())
                .because(facts.driver.seen().map(|driver| driver.init.why_not()).unwrap_or_default()),
        )],
        _ => Vec::new(),
    }
}
