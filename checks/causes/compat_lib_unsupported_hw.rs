//! A compatibility library stands in for the driver's own, and this GPU does not allow it.
//!
//! # Meaning
//! The package `cuda-compat` brings a newer `libcuda.so.1` for programs that are newer than the driver. NVIDIA allows
//! that on its data centre cards alone; on any other, CUDA refuses to start.
//!
//! # Detection
//! `cuInit` returns 804; the path that the loader took names the library. Or CUDA starts for gpucheck, and for a Python,
//! whose variables lead to such a library, it was tried and does not.
//!
//! # Fix
//! Take its folder out of `LD_LIBRARY_PATH` and `/etc/ld.so.conf.d`, or remove the package; or update the driver.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/cuda-compatibility/>, gpustack/gpustack#1254, NVIDIA/nvidia-docker#1515

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    cuda_libraries::{lies_in, other_libcuda},
    fact::{DriverLibrary, Facts},
    judge,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &[
        "driver.initializes",
        "libraries.real_libcuda",
        "frameworks.tensorflow_lists_gpu",
        "frameworks.tensorflow_computes",
        "frameworks.torch_computes",
        "frameworks.jax_computes",
        "frameworks.cupy_computes",
        "frameworks.cudf_computes",
    ],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

/// `CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE`.
const COMPAT_NOT_SUPPORTED: i64 = 804;

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let is_it =
        |driver: &DriverLibrary, code| lies_in(driver, "/compat/") && code == Some(COMPAT_NOT_SUPPORTED);
    let find = "grep -rn compat ~/.bashrc ~/.profile /etc/profile.d /etc/environment";
    let of_pythons = other_libcuda(facts, outcomes, is_it).map(|finding| finding.run(find));
    of_pythons.chain(of_machine(facts)).collect()
}

fn of_machine(facts: &Facts) -> Vec<Finding> {
    let Some(driver) = facts.driver.seen() else { return Vec::new() };
    let Some(path) = driver.library.seen() else { return Vec::new() };
    if driver.init.refusal_code() != Some(COMPAT_NOT_SUPPORTED) {
        return Vec::new();
    }
    let finding = Finding::fail(Subject::Host, format!("the loader took {path}"))
        .accounting_for("driver.initializes", &Subject::Host)
        .because(driver.init.why_not())
        .with("path", path);
    let finding = match facts.module.seen().and_then(|module| module.version.as_deref()) {
        Some(version) => finding.because(format!("the driver's module is {version}")),
        None => finding,
    };
    vec![if judge::in_container(facts) {
        finding.variant("container")
    } else {
        finding.run("grep -rn compat ~/.bashrc ~/.profile /etc/profile.d /etc/environment /etc/ld.so.conf.d")
    }]
}
