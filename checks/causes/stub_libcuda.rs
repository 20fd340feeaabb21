//! A stub stands in for the CUDA driver library.
//!
//! # Meaning
//! CUDA's toolkit brings a `libcuda.so` in a folder `stubs`, made for linking programs. When the loader finds it before
//! the real one, every CUDA program fails with error 34.
//!
//! # Detection
//! `cuInit` returns 34; the path that the loader took names the stub. Or gpucheck's own loader takes the real one, and
//! that of a Python, with its notebook kernel's variables, a stub.
//!
//! # Fix
//! Take the folder out of `LD_LIBRARY_PATH`: `.bashrc`, the kernel's `kernel.json`, conda's `activate.d`.
//!
//! # Source
//! numba/numba#8985, NVIDIA/warp#219

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    cuda_libraries::{lies_in, other_libcuda},
    fact::Facts,
};

/// `CUDA_ERROR_STUB_LIBRARY`.
const STUB_LIBRARY: i64 = 34;

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
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let of_pythons = other_libcuda(facts, outcomes, |driver, _| lies_in(driver, "/stubs/"));
    let find = "grep -rn stubs ~/.bashrc ~/.profile /etc/profile.d /etc/environment";
    of_pythons.map(|finding| finding.run(find)).chain(of_machine(facts)).collect()
}

fn of_machine(facts: &Facts) -> Vec<Finding> {
    let Some(driver) = facts.driver.seen() else { return Vec::new() };
    if driver.init.refusal_code() != Some(STUB_LIBRARY) {
        return Vec::new();
    }
    let path = driver.library.seen().map_or("an unknown file", String::as_str);
    vec![
        Finding::fail(Subject::Host, format!("the loader took {path}"))
            .accounting_for("driver.initializes", &Subject::Host)
            .because(driver.init.why_not())
            .with("path", path)
            .run("grep -rn stubs ~/.bashrc ~/.profile /etc/profile.d /etc/environment"),
    ]
}
