//! A stub stands in for the CUDA driver library.
//!
//! # Meaning
//! CUDA's toolkit brings a `libcuda.so` in a folder `stubs`, made for linking programs. When the loader finds it before
//! the real one, every CUDA program fails with error 34.
//!
//! # Detection
//! `cuInit` returns 34; the path that the loader took names the stub.
//!
//! # Fix
//! Take the folder out of `LD_LIBRARY_PATH`: `.bashrc`, the kernel's `kernel.json`, conda's `activate.d`.
//!
//! # Source
//! numba/numba#8985, NVIDIA/warp#219

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Subject, Who, fact::Facts};

/// `CUDA_ERROR_STUB_LIBRARY`.
const STUB_LIBRARY: i64 = 34;

pub(crate) static CAUSE: Cause =
    Cause { explains: &["driver.initializes"], severity: Severity::Unusable, who: Who::Student, recognize };

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let Some(driver) = facts.driver.seen() else { return Vec::new() };
    if driver.init.refusal_code() != Some(STUB_LIBRARY) {
        return Vec::new();
    }
    let path = driver.library.seen().map_or("an unknown file", String::as_str);
    vec![
        Finding::fail(Subject::Host, format!("the loader took {path}"))
            .because(driver.init.why_not())
            .with("path", path)
            .run("grep -rn stubs ~/.bashrc ~/.profile /etc/profile.d /etc/environment"),
    ]
}
