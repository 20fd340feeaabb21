//! CUDA keeps the code that it compiles for this GPU.
//!
//! # Meaning
//! A framework without machine code for a GPU brings PTX, which the driver compiles at the first run: minutes. It keeps
//! the result in a cache; without one it compiles at every run.
//!
//! # Detection
//! A framework has PTX and no machine code for the GPU, and the cache is of no use: `CUDA_CACHE_DISABLE` is set,
//! `CUDA_CACHE_MAXSIZE` is below 32 MiB, or the asking user may not write its folder (`CUDA_CACHE_PATH`, else
//! `~/.nv/ComputeCache`).
//!
//! # Fix
//! Make the folder writable, unset the variables; or install a version of the framework with code for this GPU.
//!
//! # Source
//! <https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#env-vars>, tensorflow/tensorflow#62320

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    compiled::{TINY, compiling},
    fact::{ComputeCache, Facts},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Driver, Source::Frameworks],
    needs: &["driver.initializes"],
    severity: Severity::Degraded,
    who: Who::Student,
    judge,
};

fn judge(facts: &Facts, knowledge: &Knowledge) -> Judged {
    let host = Subject::Host;
    if facts.gpu_addresses().is_empty() {
        return Vec::new();
    }
    let compiling = compiling(facts, knowledge);
    let Some(first) = compiling.first() else {
        return vec![Finding::not_applicable(host, "no framework here is known to compile for this GPU")];
    };
    let Some(cache) = facts.driver.seen().and_then(|driver| driver.compute_cache.as_ref()) else {
        return vec![Finding::unknown(host, "nobody looked at CUDA's cache")];
    };
    let finding = match trouble(cache) {
        Some(trouble) => Finding::new(host, Verdict::Warn, trouble).with("framework", first.clone()),
        None if cache.writable == Some(true) => {
            Finding::pass(host, format!("in {}", cache.folder.as_deref().unwrap_or("its folder")))
        }
        None => Finding::unknown(host, "whether CUDA's cache can be written could not be told"),
    };
    let because =
        |finding: Finding, framework| finding.because(format!("{framework} has PTX alone for this GPU"));
    vec![compiling.into_iter().fold(finding, because)]
}

fn trouble(cache: &ComputeCache) -> Option<String> {
    let set = |value: &&String| value.trim().parse::<i64>().is_ok_and(|value| value != 0);
    if let Some(value) = cache.disable.as_ref().filter(set) {
        return Some(format!("CUDA_CACHE_DISABLE={value} turns the cache off"));
    }
    if let Some(size) =
        cache.max_size.as_ref().filter(|size| size.trim().parse().is_ok_and(|size: u64| size < TINY))
    {
        return Some(format!("CUDA_CACHE_MAXSIZE={size} bytes hold no framework's code"));
    }
    let folder = cache.folder.as_deref().unwrap_or("its folder");
    (cache.writable == Some(false)).then(|| format!("{folder} is closed to you"))
}
