//! The CUDA driver library is of another version than the driver's module.
//!
//! # Meaning
//! `nvidia-smi` is fine: it uses another library. `libcuda.so.1` is left over from another installation, was copied
//! into an image, or comes from a compatibility package; CUDA refuses to start with it.
//!
//! # Detection
//! `cuInit` returns 803 while NVML starts; the version in the name of the file that the loader took is not the module's.
//! Where one of the two versions is not known, only a library for compatibility is taken for a stray one. Or CUDA starts for
//! gpucheck, and refuses with 803 where a Python's variables lead to a library for compatibility.
//!
//! # Fix
//! Remove the stray library, then `sudo ldconfig`.
//!
//! # Source
//! NVIDIA/nvidia-docker#1256, easydiffusion/easydiffusion#379, llm-d/llm-d#706

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    cuda_libraries::{lies_in, other_libcuda},
    fact::{Driver, DriverFile, DriverLibrary, Facts, Module},
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

/// `CUDA_ERROR_SYSTEM_DRIVER_MISMATCH`.
const DRIVER_MISMATCH: i64 = 803;

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let is_it = |driver: &DriverLibrary, code| lies_in(driver, "/compat/") && code == Some(DRIVER_MISMATCH);
    other_libcuda(facts, outcomes, is_it).chain(of_machine(facts)).collect()
}

fn of_machine(facts: &Facts) -> Vec<Finding> {
    let Some(driver) = facts.driver.seen() else { return Vec::new() };
    let Some(path) = driver.library.seen() else { return Vec::new() };
    let nvml_is_fine = facts.nvml.seen().is_some_and(|nvml| nvml.init.failure().is_none());
    if driver.init.refusal_code() != Some(DRIVER_MISMATCH) || !nvml_is_fine {
        return Vec::new();
    }
    let module = facts.module.seen().and_then(|module| module.version.as_deref());
    // Unless both versions are seen, the library may be the driver's own; one for compatibility never is.
    let differ = judge::library_version(path).zip(module).map(|(library, module)| library != module);
    if !differ.unwrap_or(path.contains("/compat/")) {
        return Vec::new();
    }
    let loaded = module.unwrap_or("of unknown version");
    let summary = format!("the module is {loaded}, the loader took {path}");
    let finding = Finding::fail(Subject::Host, summary).because(driver.init.why_not()).with("path", path);
    let finding = finding.accounting_for("driver.initializes", &Subject::Host);
    let finding = others(facts.module.seen(), driver)
        .fold(finding, |finding, file| finding.because(format!("{} leads to {}", file.path, target(file))));
    vec![if judge::in_container(facts) {
        finding.variant("container")
    } else if path.contains("/compat/") {
        finding
            .variant("compat")
            .run("grep -rn compat ~/.bashrc ~/.profile /etc/profile.d /etc/environment /etc/ld.so.conf.d")
    } else {
        judge::ask_owner(facts, finding, path)
    }]
}

/// The other libraries of this name in the loader's folders.
fn others<'a>(module: Option<&'a Module>, driver: &'a Driver) -> impl Iterator<Item = &'a DriverFile> {
    let libraries = module.into_iter().flat_map(|module| &module.libraries);
    libraries.filter(|file| file.soname == "libcuda.so.1" && file.target.seen() != driver.library.seen())
}

fn target(file: &DriverFile) -> &str {
    file.target.seen().map_or("nowhere", String::as_str)
}
