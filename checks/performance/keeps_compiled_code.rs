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
    fact::{ComputeCache, Facts, TensorFlow},
    knowledge::{Fit, fits},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Driver, Source::Frameworks],
    needs: &["driver.initializes"],
    severity: Severity::Degraded,
    who: Who::Student,
    judge,
};

/// A cache that holds no framework's code, in bytes. CUDA's own limit is 256 MiB and more.
const TINY: u64 = 32 << 20;

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

/// The frameworks that the driver has to compile for.
fn compiling(facts: &Facts, knowledge: &Knowledge) -> Vec<String> {
    let capabilities: Vec<(i32, i32)> =
        facts.cuda_devices().filter_map(|device| device.compute_capability.seen().copied()).collect();
    let compiles = |tensorflow: &&TensorFlow| {
        let code = code(tensorflow, knowledge);
        capabilities.iter().any(|capability| code.is_some_and(|code| fits(code, *capability) == Fit::Ptx))
    };
    let tensorflows = facts.pythons().filter_map(|python| python.tensorflow.seen()?.as_ref());
    tensorflows.filter(compiles).map(TensorFlow::label).collect()
}

/// What it carries code for, by its own word or by the table's.
fn code<'a>(tensorflow: &'a TensorFlow, knowledge: &'a Knowledge) -> Option<&'a [String]> {
    let own = tensorflow.build.seen().map(|build| build.compute_capabilities.as_slice());
    let version = tensorflow.distribution().map(|distribution| distribution.version.as_str());
    let table = || knowledge.tensorflow(version?)?.capabilities.as_deref();
    own.filter(|own| !own.is_empty()).or_else(table)
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
