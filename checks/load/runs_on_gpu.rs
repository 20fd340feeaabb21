//! The code that is at work uses the GPU.
//!
//! # Meaning
//! A notebook whose framework finds no GPU, or whose model was never moved there, computes on the processors: ten to a
//! hundred times slower, without an error.
//!
//! # Detection
//! `gpucheck slow`: the process that was asked about, else the Python that is most at work, is busy on the processors and has
//! no GPU open. It has not loaded libcuda, or NVML's lists of processes do not have it, where they show every process; in a
//! container, where they may not, it is known by the device node that it holds.
//!
//! # Fix
//! `gpucheck` says whether this kernel can use the GPU. If it can, the code has to: `model.to("cuda")` and the same for its
//! data in PyTorch; no `CUDA_VISIBLE_DEVICES=-1`, no `tf.device("/CPU:0")` in TensorFlow.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html> (`nvmlDeviceGetComputeRunningProcesses`),
//! <https://www.tensorflow.org/guide/gpu>, <https://pytorch.org/docs/stable/notes/cuda.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    bottleneck::{self, Program, Told, Watch},
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
    let host = Subject::Host;
    let finding = match bottleneck::told(facts) {
        None => return Vec::new(),
        Some(Told::Untold(why)) => Finding::unknown(host, why),
        Some(Told::Idle(what)) => Finding::unknown(host, format!("{what}: there is nothing to measure")),
        Some(Told::Ended(asked)) => Finding::unknown(host, format!("process {} has ended", asked.pid)),
        Some(Told::Pages) => Finding::not_applicable(host, "the machine pages, and nothing else can be told"),
        Some(Told::Work(watch)) => judge_work(&watch),
    };
    vec![finding]
}

fn judge_work(watch: &Watch) -> Finding {
    let host = Subject::Host;
    let Some(program) = &watch.program else {
        return Finding::pass(host, "a GPU is at work for programs that cannot be seen from here");
    };
    let name = program.name(watch.facts);
    match program.on_gpu {
        Some(true) => Finding::pass(host, format!("{name} has a GPU open")),
        None => unseen(watch, &name),
        Some(false) if program.asked.is_none() && !program.is_python() => {
            let what = format!("no program uses a GPU; the busiest one is {name}, which is no Python");
            Finding::unknown(host, format!("{what}: ask about one with --pid or --notebook"))
        }
        Some(false) => off_gpu(watch, program, &name),
    }
}

/// A program of which nobody sees whether it has a GPU open.
fn unseen(watch: &Watch, name: &str) -> Finding {
    let works = watch.gpus.iter().any(|gpu| gpu.activity().is_some_and(|it| it >= bottleneck::WORKS));
    let what = if works { "a GPU is at work" } else { "no GPU is at work" };
    Finding::unknown(Subject::Host, format!("whether {name} has a GPU open cannot be seen from here; {what}"))
}

fn off_gpu(watch: &Watch, program: &Program, name: &str) -> Finding {
    let finding =
        Finding::fail(Subject::Host, format!("{name} has no GPU open, and {}", program.use_in_words()));
    let unloaded = program.asked.is_some_and(|asked| asked.has_cuda == Some(false));
    let finding = finding.because(if unloaded { "it has not loaded libcuda" } else { "" });
    let words = |gpu: &bottleneck::GpuWork| format!("{}: {}", gpu.subject(), gpu.in_words());
    watch.gpus.iter().map(words).fold(finding, Finding::because)
}
