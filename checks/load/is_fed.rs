//! The GPU does not wait for the machine around it.
//!
//! # Meaning
//! Data is read, decoded and prepared by processors and disks before it reaches the GPU. Where one of them is full the GPU
//! waits, and a larger GPU is no faster.
//!
//! # Detection
//! `gpucheck slow`: the GPU works less than 60 % of the time for the program, and something is full: the limit of its control
//! group, all cores, a disk that programs wait for, one thread of the program or its workers.
//!
//! # Fix
//! More workers and prefetching (`num_workers`, `tf.data` with `AUTOTUNE`), data on a local disk, a size with more processors.
//!
//! # Source
//! ultralytics/yolov5#5681, <https://www.tensorflow.org/guide/data_performance>,
//! <https://pytorch.org/tutorials/recipes/recipes/tuning_guide.html>, <https://docs.kernel.org/accounting/psi.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    bottleneck::{self, Compiling, Feeding, Watch},
    fact::Facts,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Nvml, Source::Processes, Source::Load],
    needs: &["load.does_not_page", "load.runs_on_gpu", "load.compiles_nothing"],
    severity: Severity::Degraded,
    who: Who::Student,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    bottleneck::at_work(facts, |watch| vec![judge_work(watch)])
}

fn judge_work(watch: &Watch) -> Finding {
    let host = Subject::Host;
    if watch.is_off_gpu() {
        return Finding::not_applicable(host, "the program uses no GPU");
    }
    if !matches!(bottleneck::compiling(watch), Compiling::No(_)) {
        return Finding::not_applicable(host, "the driver may be compiling");
    }
    match bottleneck::feeding(watch) {
        None => Finding::not_applicable(host, "no GPU was measured"),
        Some(Feeding::Shared) => Finding::not_applicable(host, "others use the GPU's time too"),
        Some(Feeding::Fed(words)) => Finding::pass(host, words),
        Some(Feeding::Launches { activity, .. }) => {
            Finding::pass(host, format!("the GPU is at work {activity} % of the time, in every sample"))
        }
        Some(Feeding::Untold(why)) => Finding::unknown(host, why),
        Some(Feeding::Starved { activity, by }) => {
            let summary = format!("the GPU is at work {activity} % of the time, and {}", by.what);
            let finding = Finding::fail(host, summary);
            let traffic = watch.gpu().and_then(bottleneck::GpuWork::traffic).unwrap_or_default();
            by.evidence.into_iter().fold(finding, Finding::because).because(traffic)
        }
    }
}
