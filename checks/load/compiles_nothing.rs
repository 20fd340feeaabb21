//! The driver does not compile code while a program waits for it.
//!
//! # Meaning
//! A framework without machine code for a GPU brings PTX, which the driver compiles at the first run: the GPU is idle, one
//! thread is full, and minutes go by. It keeps the result in a cache; without one it compiles at every run.
//!
//! # Detection
//! `gpucheck slow`: the GPU is idle, one thread of the program is busy more than 90 % of the time, and CUDA's cache of compiled
//! code grows meanwhile; or the driver's compiler (`libnvidia-ptxjitcompiler`) is loaded in the program and the cache is not
//! there yet or keeps nothing: `CUDA_CACHE_DISABLE`, `CUDA_CACHE_MAXSIZE` below 32 MiB, a folder that is closed.
//!
//! # Fix
//! Wait for the first run once. Where every run is slow: make the folder writable, unset the variables, or install a version
//! of the framework with code for this GPU.
//!
//! # Source
//! <https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html>, tensorflow/tensorflow#62320

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    bottleneck::{self, Compiling},
    fact::Facts,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Nvml, Source::Processes, Source::Load],
    needs: &["load.runs_on_gpu"],
    severity: Severity::Degraded,
    who: Who::Student,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    let host = Subject::Host;
    bottleneck::at_work(facts, |watch| {
        vec![match bottleneck::compiling(watch) {
            _ if watch.is_off_gpu() => Finding::not_applicable(host, "the program uses no GPU"),
            Compiling::No(why) => Finding::pass(host, why),
            Compiling::Maybe(what) => Finding::unknown(
                host,
                format!("{what}: it may compile, or compute by itself; look again for longer (--seconds 30)"),
            ),
            Compiling::Yes { summary, every_run } => {
                Finding::fail(host, summary).because(every_run.unwrap_or_default())
            }
        }]
    })
}
