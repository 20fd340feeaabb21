//! The work is large enough for the GPU.
//!
//! # Meaning
//! A small model on small batches is over on the GPU before the program has handed it the next piece: one thread of Python is
//! full with that, and the GPU is never. Or something always runs on the GPU and uses a small part of it.
//!
//! # Detection
//! `gpucheck slow`: the GPU works in every sample and less than 60 % of the time, one thread of the program is full and nothing
//! else is; or it is always at work, draws less than a third of its power limit and hardly uses its memory.
//!
//! # Fix
//! Larger batches; fewer and larger steps (`steps_per_execution`, `tf.function(jit_compile=True)`, `torch.compile`); a smaller
//! size of machine does as well.
//!
//! # Source
//! <https://www.tensorflow.org/guide/gpu_performance_analysis>,
//! <https://docs.nvidia.com/deploy/nvml-api/structnvmlUtilization__t.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Who,
    bottleneck::{self, Compiling, Feeding, GpuWork, Watch},
    fact::Facts,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Nvml, Source::Processes, Source::Load],
    needs: &["load.is_fed", "load.runs_at_full_clocks"],
    severity: Severity::Degraded,
    who: Who::Student,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    bottleneck::at_work(facts, |watch| watch.gpus.iter().map(|gpu| judge_gpu(watch, gpu)).collect())
}

fn judge_gpu(watch: &Watch, gpu: &GpuWork) -> Finding {
    let subject = gpu.subject();
    if let Some(by) = gpu.load.samples.failure() {
        return Finding::unknown(
            subject,
            format!("it stopped answering while it was measured: {by}{}", xids(gpu)),
        );
    }
    let is_its_own = watch.gpu().is_some_and(|own| own.load.pci == gpu.load.pci);
    if watch.is_off_gpu() || !is_its_own {
        return Finding::not_applicable(subject, "the program does not work on it");
    }
    if !matches!(bottleneck::compiling(watch), Compiling::No(_)) {
        return Finding::not_applicable(subject, "the driver may be compiling");
    }
    match bottleneck::feeding(watch) {
        Some(Feeding::Launches { thread, .. }) => {
            let summary =
                format!("{}; one thread of the program is busy {thread} % of the time", gpu.in_words());
            Finding::fail(subject, summary).because(gpu.traffic().unwrap_or_default())
        }
        Some(Feeding::Fed(_)) if watch.is_narrow(gpu) => Finding::fail(subject, gpu.in_words()),
        Some(Feeding::Fed(_)) => Finding::pass(subject, gpu.in_words()),
        Some(Feeding::Starved { .. } | Feeding::Shared | Feeding::Untold(_)) | None => {
            Finding::not_applicable(subject, "it waits for something else")
        }
    }
}

/// The Xids that NVML told meanwhile.
fn xids(gpu: &GpuWork) -> String {
    let told: Vec<String> = gpu.load.xids.iter().flatten().map(|xid| format!(", Xid {xid}")).collect();
    told.concat()
}
