//! What the driver compiles for the GPU is compiled before the template is cloned.
//!
//! # Meaning
//! A framework without machine code for this GPU is compiled by the driver at the first run, which takes minutes. CUDA keeps the
//! result in the home; a template that has it saves them in every clone.
//!
//! # Detection
//! A framework has PTX and no machine code for the GPU (as `performance.keeps_compiled_code` tells), and no home has more than
//! 32 MiB in `.nv/ComputeCache`.
//!
//! # Fix
//! Run the class's first notebook once, as the user that the students log in as.
//!
//! # Source
//! <https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html>, tensorflow/tensorflow#62320

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    compiled::{TINY, compiling},
    fact::{Cached, Clones, Facts},
    judge,
    readings::size,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Driver, Source::Frameworks, Source::Clones],
    needs: &["driver.initializes", "performance.keeps_compiled_code"],
    severity: Severity::Degraded,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, knowledge: &Knowledge) -> Judged {
    let compiling = compiling(facts, knowledge);
    judge::asked(&facts.clones, |clones| judge_clones(&compiling, clones))
}

fn judge_clones(compiling: &[String], clones: &Clones) -> Finding {
    let host = Subject::Host;
    let Some(framework) = compiling.first() else {
        return Finding::not_applicable(host, "no framework here is known to compile for this GPU");
    };
    let caches = clones.caches.iter().filter(|cache| cache.of == Cached::CompiledCode);
    match caches.max_by_key(|cache| cache.bytes) {
        Some(cache) if cache.bytes >= TINY => {
            Finding::pass(host, format!("{} in {}", size(cache.bytes), cache.path))
        }
        _ => Finding::new(
            host,
            Verdict::Warn,
            format!("{framework} is compiled at the first run, and no home has the result"),
        )
        .with("framework", framework.clone())
        .run("python -c \"import tensorflow as tf; print(tf.reduce_sum(tf.random.normal([1000, 1000])))\""),
    }
}
