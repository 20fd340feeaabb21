//! Another program holds the GPU's memory.
//!
//! # Meaning
//! TensorFlow takes nearly all memory of a GPU and keeps it until its program ends: a notebook that was left open
//! yesterday holds it still. The next program runs out of memory, or meets errors of cuBLAS and cuDNN that hide it.
//!
//! # Detection
//! NVML: less than 500 MiB are free, or CUDA is refused with "out of memory" (2), and processes are on the GPU.
//! `/proc` tells whose they are, and which of them are Jupyter kernels or were started by one. The Jupyter servers that
//! run as the asking user tell which notebook that is, whether it computes, since when not, and whether anybody has it
//! open; only a server that can be asked on this machine without encryption is.
//!
//! # Fix
//! Shut those notebooks down, in JupyterLab under Running Terminals and Kernels, in Jupyter Notebook by Kernel > Shut
//! Down Kernel; wait for those that compute. Let notebooks take memory as they need it: `TF_FORCE_GPU_ALLOW_GROWTH=true`,
//! `XLA_PYTHON_CLIENT_PREALLOCATE=false`.
//!
//! # Source
//! <https://code.visualstudio.com/docs/datascience/jupyter-notebooks>, tensorflow/tensorflow#9489, #7072, jupyter/notebook#2201, google/flax#445

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who, bottleneck,
    fact::{Facts, Memory, NvmlDevice, PciAddress},
    holder::{self, Doing, Holder},
    readings::{self, OUT_OF_MEMORY, OUT_OF_MEMORY_WORDS, size},
};

const ITSELF: &str = "load.has_gpu_to_itself";

pub(crate) static CAUSE: Cause = Cause {
    explains: &["performance.memory_free", "driver.opens_context", "compute.adds_vectors", ITSELF],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

/// Memory that a context of CUDA may want, in bytes: with more free than this, others are not why it was refused.
const OF_A_CONTEXT: u64 = 2 << 30;

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let held = |gpu: PciAddress| held(facts, &gpu, outcomes);
    readings::together(facts.gpu_addresses().into_iter().filter_map(held).collect())
}

fn held(facts: &Facts, gpu: &PciAddress, outcomes: &[Outcome]) -> Option<Finding> {
    let device = facts.nvml_device(gpu)?;
    let memory = device.memory.seen().filter(|memory| memory.is_plausible())?;
    let refused = readings::refusal(facts, gpu) == Some(OUT_OF_MEMORY);
    let gone = memory.is_full() || (refused && memory.free < OF_A_CONTEXT);
    if !gone || device.has_mig() || readings::held_by_nobody(facts, device).is_some() {
        return None;
    }
    // Whoever asks why a program is slow is not told to end it.
    let mut holders = holder::holders(facts, device);
    holders.retain(|holder| !bottleneck::is_asked(facts, holder.process.pid));
    let subject = Subject::Gpu(gpu.clone());
    let summary = format!("{} free of {}", size(memory.free), size(memory.total));
    let finding = Finding::fail(subject.clone(), summary).accounting_for("performance.memory_free", &subject);
    let is_watched = bottleneck::is_held(facts, gpu);
    let finding = if is_watched { finding.accounting_for(ITSELF, &subject) } else { finding };
    let finding = if refused { readings::accounting_for_refusal(finding, gpu) } else { finding };
    let finding = readings::accounting_for_words(finding, outcomes, OUT_OF_MEMORY_WORDS);
    let finding = holders.iter().fold(finding, |finding, holder| finding.because(holder.in_words()));
    let finding = unasked(facts, &holders).into_iter().fold(finding, Finding::because);
    Some(advise(device, memory, finding, &holders))
}

/// The servers that did not say which notebook holds memory.
fn unasked(facts: &Facts, holders: &[Holder]) -> Vec<String> {
    let is_untold =
        |holder: &Holder| holder.is_notebook() && !holder.is_of_vs_code() && holder.session.is_none();
    if !holders.iter().any(is_untold) {
        return Vec::new();
    }
    let servers = facts.notebooks.seen().into_iter().flat_map(|notebooks| &notebooks.servers);
    let silent = servers.filter(|server| server.sessions.seen().is_none());
    silent
        .map(|server| {
            format!("Jupyter server {} does not say what it runs: {}", server.pid, server.sessions.why_not())
        })
        .collect()
}

/// The words to it: shut down a notebook, wait for it, end a program, ask another user, look outside, or mind that it is
/// oneself.
fn advise(device: &NvmlDevice, memory: &Memory, finding: Finding, holders: &[Holder]) -> Finding {
    let Some(most) = holders.first() else { return finding.variant("unseen") };
    if most.known.is_some_and(|process| process.asks) {
        return finding.variant("asking");
    }
    let own: Vec<&Holder> = holders.iter().filter(|holder| holder.own).collect();
    let finding = if own.is_empty() {
        finding.variant("others")
    } else if !own.iter().any(|holder| holder.is_notebook()) {
        finding.variant("program")
    } else {
        named(finding, memory, most)
    };
    // A display holds memory as well, and is nobody's to kill; neither is what computes.
    let computing = device.compute_processes.seen();
    let computes = |pid: u32| computing.into_iter().flatten().any(|process| process.pid == pid);
    let ends =
        own.iter().filter(|holder| computes(holder.process.pid) && holder.doing() != Some(Doing::Busy));
    ends.fold(finding, |finding, holder| finding.run(format!("kill {}", holder.process.pid)))
}

/// The notebook by name, with what it does and holds, where all of that is known.
fn named(finding: Finding, memory: &Memory, holder: &Holder) -> Finding {
    if holder.is_of_vs_code() {
        return finding.variant("vscode");
    }
    let (Some(path), Some(doing), Some(bytes)) = (holder.path(), holder.doing(), holder.process.memory)
    else {
        return finding;
    };
    let (held, total) = holder::of_card(bytes, memory.total);
    let finding = finding.with("notebook", path).with("held", held).with("total", total);
    match doing {
        Doing::Busy => finding.variant("busy"),
        // What it started may compute on.
        Doing::Idle { .. } if holder.is_worker() => finding.variant("worker"),
        Doing::Idle { seconds, open } => {
            finding.variant(if open { "idle" } else { "closed" }).with("idle", readings::time(seconds))
        }
    }
}
