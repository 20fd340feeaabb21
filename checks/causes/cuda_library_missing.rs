//! JAX or CuPy does not find one of CUDA's libraries.
//!
//! # Meaning
//! The driver works. The framework opens CUDA's libraries by name, and one of them lies nowhere on the loader's way: left
//! out by `pip install --no-deps`, removed with another framework, or of another major version.
//!
//! # Detection
//! `libraries.all_found` failed for JAX or CuPy, and that framework did not compute. TensorFlow's own cases have causes of
//! their own, PyTorch's is `frameworks.torch_finds_libraries`.
//!
//! # Fix
//! Install the distribution that brings it.
//!
//! # Source
//! <https://docs.jax.dev/en/latest/installation.html>, cupy/cupy#8188, jax-ml/jax#14931

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Who,
    cuda_libraries::{failed, proof},
    fact::{Facts, Framework, Python},
    libraries_missing,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["libraries.all_found", "frameworks.jax_computes", "frameworks.cupy_computes"],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    failed(facts, outcomes, "libraries.all_found")
        .filter_map(|(python, outcome)| lacking(python, outcome))
        .collect()
}

fn lacking(python: &Python, outcome: &Outcome) -> Option<Finding> {
    let libraries = &python.cuda_libraries.seen()?.frameworks;
    let others = libraries.iter().filter(|of| matches!(of.framework, Framework::Jax | Framework::Cupy));
    let failing = others.filter_map(|of| {
        let judged = libraries_missing::judge_framework(python, of)?;
        (judged.verdict == crate::Verdict::Fail).then_some((of.framework, judged))
    });
    let mut failing = failing.peekable();
    let (_, first) = failing.peek()?;
    let finding = first.clone().accounting_for(&outcome.id, &outcome.subject);
    Some(
        failing.fold(finding, |finding, (framework, _)| {
            finding.accounting_for(proof(framework), &outcome.subject)
        }),
    )
}
