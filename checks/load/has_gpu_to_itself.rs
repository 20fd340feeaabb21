//! The program shares its GPU with no other one that works or holds its memory.
//!
//! # Meaning
//! Programs on one GPU take turns, and each gets a part of its time. One that holds nearly all memory leaves others to work
//! with too little.
//!
//! # Detection
//! `gpucheck slow`: other programs use more than a fifth of the GPU's time (`nvmlDeviceGetProcessUtilization`); without a
//! program that was asked about, two of them do. Or its memory is full, and another program holds most of it. Where the driver
//! does not tell what each process uses, those on the GPU that are at work on the processors are counted.
//!
//! # Fix
//! Shut down the other notebook, or wait for it.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/nvml-api/structnvmlProcessUtilizationSample__t.html>, jupyter/notebook#2201

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Who,
    bottleneck::{self, GpuWork, Sharing, Watch},
    fact::Facts,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Nvml, Source::Processes, Source::Notebooks, Source::Load],
    needs: &["nvml.sees_gpu"],
    severity: Severity::Degraded,
    who: Who::Student,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    bottleneck::at_work(facts, |watch| watch.gpus.iter().map(|gpu| judge_gpu(watch, gpu)).collect())
}

fn judge_gpu(watch: &Watch, gpu: &GpuWork) -> Finding {
    let subject = gpu.subject();
    if !watch.concerns(gpu) {
        return Finding::not_applicable(subject, "the program is not on it");
    }
    match bottleneck::sharing(watch, gpu) {
        Sharing::Alone(words) => Finding::pass(subject, words),
        Sharing::Time { others, own } => {
            let told = others
                .iter()
                .map(|part| format!("process {} uses {} % of its time", part.pid, part.activity));
            let mut told: Vec<String> = told.collect();
            told.extend(own.map(|own| format!("{own} % are left to the program that was asked about")));
            Finding::fail(subject, told.join(", "))
        }
        Sharing::Memory(holder) => {
            Finding::fail(subject, format!("its memory is full: {}", holder.in_words()))
        }
        Sharing::Untold(why) => Finding::unknown(subject, why),
        Sharing::Unseen => Finding::not_applicable(subject, "who is on it cannot be seen from here"),
    }
}
