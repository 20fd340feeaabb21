//! The driver compiles the framework's code at every run.
//!
//! # Meaning
//! The framework brings no machine code for this GPU but PTX, which the driver compiles: minutes. It would keep the
//! result in a cache, and the cache is off, too small, or closed to the user.
//!
//! # Detection
//! What the framework was built for, against the GPU's compute capability; `CUDA_CACHE_DISABLE`, `CUDA_CACHE_MAXSIZE`
//! and the cache's folder as the asking user has them.
//!
//! # Fix
//! Make the folder writable, unset the variables, run once in the template; or install a version with code for this GPU.
//!
//! # Source
//! tensorflow/tensorflow#62320, pytorch/xla#4089

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Who, fact::Facts, judge, readings};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["performance.keeps_compiled_code"],
    severity: Severity::Degraded,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let cache = facts.driver.seen().and_then(|driver| driver.compute_cache.as_ref());
    let advise = |finding: Finding| {
        let finding = finding.run("unset CUDA_CACHE_DISABLE && export CUDA_CACHE_MAXSIZE=4294967296");
        match cache.filter(|cache| cache.writable == Some(false)).and_then(|cache| cache.folder.as_deref()) {
            Some(folder) => finding.run(format!("ls -ld {}", judge::quoted(folder))),
            None => finding,
        }
    };
    readings::as_told(outcomes, "performance.keeps_compiled_code").into_iter().map(advise).collect()
}
