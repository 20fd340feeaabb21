//! Each Python's loader finds the driver's own libcuda.
//!
//! # Meaning
//! Every framework opens `libcuda.so.1`, and its loader takes the first on its way: with the notebook kernel's variables
//! that may be another one than gpucheck's own. A stub of the toolkit's (`stubs`) is made for linking and starts no GPU; one
//! for compatibility (`compat`) works on some cards alone, and with some drivers alone.
//!
//! # Detection
//! The way of the dynamic loader is gone with the variables of that Python, without loading anything; the file is looked at
//! where its links end. A stub is always a failure. One for compatibility is a failure where CUDA does not start with it (803
//! or 804) in a process of its own, and nothing is said against it where a framework computes.
//!
//! # Fix
//! Take the folder out of `LD_LIBRARY_PATH`: `kernel.json`, `.bashrc`, conda's `activate.d`.
//!
//! # Source
//! numba/numba#8985, NVIDIA/warp#219, <https://docs.nvidia.com/deploy/cuda-compatibility/>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Who,
    cuda_libraries::{Library, computes, each},
    fact::{CudaLibraries, DriverLibrary, Facts, LibraryTrial, LoaderRule, Observed, Python},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &["driver.initializes"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    each(facts, |python, libraries| Some(judge(python, libraries, libraries.driver.as_ref()?)))
}

fn judge(python: &Python, libraries: &CudaLibraries, driver: &DriverLibrary) -> Finding {
    let (subject, path) = (python.subject(), &driver.path);
    let leads = if driver.target == *path { String::new() } else { format!(", which is {}", driver.target) };
    let lies = |folder: &str| driver.target.contains(folder) || path.contains(folder);
    let computed = libraries.frameworks.iter().any(|of| computes(python, of.framework) == Some(true));
    if computed || !(lies("/stubs/") || lies("/compat/")) {
        return Finding::pass(subject, format!("{path}{leads}"));
    }
    let finding = if lies("/stubs/") {
        Finding::fail(subject, format!("{path}{leads} is a stub")).variant("stub")
    } else if let Some(by) = init(libraries).and_then(Observed::failure) {
        Finding::fail(subject, format!("{path}{leads}: {by}")).variant("compat")
    } else if init(libraries).is_some_and(|init| init.seen().is_some()) {
        return Finding::pass(subject, format!("{path}{leads}: CUDA starts with it"));
    } else {
        return Finding::pass(subject, format!("{path}{leads}, made for compatibility"));
    };
    let finding = finding.with("path", path.clone()).because(format!("found by {}", rule(driver.rule)));
    if driver.rule == LoaderRule::LibraryPath { finding.run("unset LD_LIBRARY_PATH") } else { finding }
}

/// `cuInit` with that Python's variables, where it was tried.
fn init(libraries: &CudaLibraries) -> Option<&Observed<()>> {
    let trials = libraries.frameworks.iter().flat_map(|of| Library::ALL.map(|library| library.trial(of)));
    let tried = |trial: &LibraryTrial| !matches!(trial.init, Observed::NotProbed { .. });
    trials.filter_map(Observed::seen).find(|trial| tried(trial)).map(|trial| &trial.init)
}

fn rule(rule: LoaderRule) -> &'static str {
    match rule {
        LoaderRule::Rpath => "DT_RPATH",
        LoaderRule::LibraryPath => "LD_LIBRARY_PATH",
        LoaderRule::Runpath => "DT_RUNPATH",
        LoaderRule::Cache => "/etc/ld.so.cache",
        LoaderRule::Default => "the loader's own folders",
        LoaderRule::Preloaded => "the framework itself",
    }
}
