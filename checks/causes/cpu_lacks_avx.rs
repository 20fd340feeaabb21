//! The processor lacks AVX, which TensorFlow's builds need.
//!
//! # Meaning
//! TensorFlow's builds since 1.6 use AVX instructions. On a processor without them, or in a virtual machine that hides
//! them, the import dies: `Illegal instruction (core dumped)`; in Jupyter the kernel appears to have died.
//!
//! # Detection
//! The import ended with SIGILL, and `avx` is not among the flags in `/proc/cpuinfo`.
//!
//! # Fix
//! Another processor or size; of one's own hypervisor the processor's own model (`host-passthrough`).
//!
//! # Source
//! tensorflow/tensorflow#17411, #62342, #33038, <https://www.tensorflow.org/install/pip#hardware_requirements>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Who,
    fact::{Facts, ProbeFailure, Python},
};

/// Number of the signal for an instruction that the processor does not know.
const SIGILL: i32 = 4;

pub(crate) static CAUSE: Cause = Cause {
    explains: &["frameworks.tensorflow_imports"],
    severity: Severity::Unusable,
    who: Who::Platform,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    if facts.platform.seen().and_then(|platform| platform.cpu.seen()?.avx) != Some(false) {
        return Vec::new();
    }
    facts.pythons().filter_map(killed).collect()
}

fn killed(python: &Python) -> Option<Finding> {
    let found = python.tensorflow.seen()?.as_ref()?;
    let by = found.best_look()?.listing.failure()?;
    let ProbeFailure::Crashed { signal: SIGILL, .. } = by else { return None };
    let subject = python.subject();
    Some(
        Finding::fail(subject, by.to_string())
            .because("no avx among the processor's flags")
            .with("distribution", found.label()),
    )
}
