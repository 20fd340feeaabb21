//! Another program holds the GPU's memory.
//!
//! # Meaning
//! TensorFlow takes nearly all memory of a GPU and keeps it until its program ends: a notebook that was left open
//! yesterday holds it still. The next program runs out of memory, or meets errors of cuBLAS and cuDNN that hide it.
//!
//! # Detection
//! NVML: less than 500 MiB are free, or CUDA is refused with "out of memory" (2), and processes are on the GPU.
//! `/proc` tells whose they are, and which of them are Jupyter kernels.
//!
//! # Fix
//! Shut those notebooks down. Let notebooks take memory as they need it: `TF_FORCE_GPU_ALLOW_GROWTH=true`,
//! `XLA_PYTHON_CLIENT_PREALLOCATE=false`.
//!
//! # Source
//! tensorflow/tensorflow#9489, #7072, jupyter/notebook#2201, google/flax#445

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{Facts, GpuProcess, NvmlDevice, PciAddress},
    judge,
    readings::{self, OUT_OF_MEMORY, OUT_OF_MEMORY_WORDS, size},
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["performance.memory_free", "driver.opens_context", "compute.adds_vectors"],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

/// Memory that a context of CUDA may want, in bytes: with more free than this, others are not why it was refused.
const OF_A_CONTEXT: u64 = 2 << 30;
/// A process that holds less, in bytes, is not why memory is gone.
const LITTLE: u64 = 64 << 20;

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
    let holders = holders(device);
    let subject = Subject::Gpu(gpu.clone());
    let summary = format!("{} free of {}", size(memory.free), size(memory.total));
    let finding = Finding::fail(subject.clone(), summary).accounting_for("performance.memory_free", &subject);
    let finding = if refused { readings::accounting_for_refusal(finding, gpu) } else { finding };
    let finding = readings::accounting_for_words(finding, outcomes, OUT_OF_MEMORY_WORDS);
    let finding = holders.iter().fold(finding, |finding, holder| finding.because(describe(facts, holder)));
    Some(advise(facts, device, finding, &holders))
}

/// The processes that hold much, each once; one that NVML does not tell the memory of may.
fn holders(device: &NvmlDevice) -> Vec<&GpuProcess> {
    let mut holders: Vec<&GpuProcess> =
        device.processes().filter(|process| process.memory.is_none_or(|bytes| bytes >= LITTLE)).collect();
    holders.sort_by_key(|process| (std::cmp::Reverse(process.memory), process.pid));
    holders.dedup_by_key(|process| process.pid);
    holders
}

/// The words to it: shut down a notebook, end a program, ask another user, look outside, or mind that it is oneself.
fn advise(facts: &Facts, device: &NvmlDevice, finding: Finding, holders: &[&GpuProcess]) -> Finding {
    let mine = judge::uid(facts);
    let known = |process: &&&GpuProcess| facts.process(process.pid);
    let owned =
        |process: &&&GpuProcess| mine.is_some() && known(process).is_some_and(|known| known.uid == mine);
    let own: Vec<&GpuProcess> = holders.iter().filter(owned).copied().collect();
    if holders.first().is_some_and(|most| facts.process(most.pid).is_some_and(|process| process.asks)) {
        return finding.variant("asking");
    }
    let is_notebook = |process: &&GpuProcess| known(&process).is_some_and(|known| known.notebook.is_some());
    let finding = if holders.is_empty() {
        finding.variant("unseen")
    } else if own.is_empty() {
        finding.variant("others")
    } else if own.iter().any(is_notebook) {
        finding
    } else {
        finding.variant("program")
    };
    // A display holds memory as well, and is nobody's to kill.
    let computing = device.compute_processes.seen();
    let computes = |pid: u32| computing.into_iter().flatten().any(|process| process.pid == pid);
    let ends = own.iter().filter(|process| computes(process.pid));
    ends.fold(finding, |finding, process| finding.run(format!("kill {}", process.pid)))
}

/// Who it is: number, name, memory, notebook, user, age.
fn describe(facts: &Facts, process: &GpuProcess) -> String {
    let known = facts.process(process.pid);
    let name = known.and_then(|known| known.name.as_deref()).or(process.name.as_deref());
    let notebook = known.and_then(|known| known.notebook.as_ref()).map(|notebook| {
        let path = notebook.path.as_ref().map(|path| format!(" of {path}")).unwrap_or_default();
        format!("Jupyter kernel {}{path}", notebook.kernel)
    });
    let who = format!("process {} ({})", process.pid, name.unwrap_or("unknown"));
    let parts = [process.memory.map(size), notebook, known.and_then(readings::owner_and_age)];
    std::iter::once(who).chain(parts.into_iter().flatten()).collect::<Vec<_>>().join(", ")
}
