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
    cuda_libraries::{computes, each, init, lies_in},
    fact::{CudaLibraries, DriverLibrary, Facts, LoaderRule, Observed, Python},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &["driver.initializes"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

/// `CUDA_ERROR_SYSTEM_DRIVER_MISMATCH` and `CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE`.
const REFUSED: [i64; 2] = [803, 804];

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    each(facts, |python, libraries| Some(judge(python, libraries, libraries.driver.as_ref()?)))
}

fn judge(python: &Python, libraries: &CudaLibraries, driver: &DriverLibrary) -> Finding {
    let (subject, path) = (python.subject(), &driver.path);
    let leads = if driver.target == *path { String::new() } else { format!(" (leads to {})", driver.target) };
    let (stub, compat) = (lies_in(driver, "/stubs/"), lies_in(driver, "/compat/"));
    let computed = libraries.frameworks.iter().any(|of| computes(python, of.framework) == Some(true));
    if computed || !(stub || compat) {
        return Finding::pass(subject, format!("{path}{leads}"));
    }
    let refused = init(libraries).and_then(Observed::failure);
    let refused = refused.filter(|by| by.refusal_code().is_some_and(|code| REFUSED.contains(&code)));
    let finding = match refused {
        _ if stub => Finding::fail(subject, format!("{path}{leads} is a stub")).variant("stub"),
        Some(by) => Finding::fail(subject, format!("{path}{leads}: {by}")).variant("compat"),
        None => return Finding::pass(subject, format!("{path}{leads}, made for compatibility")),
    };
    let finding = finding.with("path", path.clone()).because(format!("found by {}", rule(driver.rule)));
    if driver.rule == LoaderRule::LibraryPath { finding.run("unset LD_LIBRARY_PATH") } else { finding }
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
