//! cuBLAS or cuDNN of this Python does not work.
//!
//! # Meaning
//! The driver works and gpucheck's own kernel computes. The library that the framework takes does not: it cannot be
//! loaded, refuses its handle, ends the process, or computes wrongly. Every framework that takes it fails with it.
//!
//! # Detection
//! `libraries.cublas_works` or `libraries.cudnn_works` failed for a framework; its own operations, where they failed too,
//! are laid to that. Where the driver is too old for the library, or the card too old, that is the cause.
//!
//! # Fix
//! Install the distribution that brings the file anew: `pip install --force-reinstall --no-deps`.
//!
//! # Source
//! <https://docs.nvidia.com/cuda/cublas/>, pytorch/pytorch#91958, conda-forge/jaxlib-feedstock#312

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Verdict, Who,
    cuda_libraries::{Library, failed, judge_trial, proof},
    fact::{Facts, FrameworkLibraries, LoaderRule, Python},
    judge,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &[
        "libraries.cublas_works",
        "libraries.cudnn_works",
        "frameworks.tensorflow_computes",
        "frameworks.torch_computes",
        "frameworks.jax_computes",
        "frameworks.cupy_computes",
    ],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let checks = [("libraries.cublas_works", Library::Cublas), ("libraries.cudnn_works", Library::Cudnn)];
    let of = |(id, library)| {
        failed(facts, outcomes, id)
            .filter_map(move |(python, outcome)| broken(facts, python, outcome, library))
    };
    checks.into_iter().flat_map(of).collect()
}

/// The library as its check found it, with all frameworks that it takes down.
fn broken(facts: &Facts, python: &Python, outcome: &Outcome, library: Library) -> Option<Finding> {
    let libraries = &python.cuda_libraries.seen()?.frameworks;
    let fails = |of: &&FrameworkLibraries| {
        let judged = judge_trial(facts, python, of, library);
        judged.is_some_and(|finding| finding.verdict == Verdict::Fail)
    };
    let failing: Vec<&FrameworkLibraries> = libraries.iter().filter(fails).collect();
    let first = failing.first()?;
    let names: Vec<String> = failing.iter().map(|of| of.framework.to_string()).collect();
    let finding = judge::retold(outcome)
        .with("library", library.label())
        .with("framework", names.join(", "))
        .accounting_for(&outcome.id, &outcome.subject);
    let finding = failing
        .iter()
        .fold(finding, |finding, of| finding.accounting_for(proof(of.framework), &outcome.subject));
    let finding = match judge_trial(facts, python, first, library)?.advice.variant {
        Some(variant) => finding.variant(variant),
        None => finding,
    };
    Some(install_anew(python, first, library, finding))
}

/// Adds what replaces the file, by where it came from.
fn install_anew(python: &Python, of: &FrameworkLibraries, library: Library, finding: Finding) -> Finding {
    let Some(taken) = library.taken(of) else { return finding };
    let (wheel, part, conda) = library.package();
    if taken.path.contains(&format!("/nvidia/{part}/lib/")) {
        let installed = python.cuda_parts.seen().into_iter().flat_map(|parts| &parts.distributions);
        let mut owners = installed.filter(|found| found.name.starts_with(wheel));
        let path = judge::quoted(&python.path);
        return match owners.next() {
            Some(owner) => finding.run(format!(
                "{path} -m pip install --force-reinstall --no-deps {}=={}",
                owner.name, owner.version
            )),
            None => finding,
        };
    }
    let prefix = python.interpreter.seen().map(|interpreter| interpreter.prefix.as_str()).unwrap_or_default();
    let is_conda_s = python.cuda_parts.seen().is_some_and(|parts| parts.conda_package(conda).is_some());
    if is_conda_s && !prefix.is_empty() && taken.path.starts_with(&format!("{prefix}/lib/")) {
        return finding
            .run(format!("conda install -y --force-reinstall -p {} {conda}", judge::quoted(prefix)));
    }
    match taken.rule {
        LoaderRule::LibraryPath => finding.run("unset LD_LIBRARY_PATH"),
        LoaderRule::Rpath
        | LoaderRule::Runpath
        | LoaderRule::Cache
        | LoaderRule::Default
        | LoaderRule::Preloaded => finding,
    }
}
