//! The GPU's memory is held, and no process is on the GPU.
//!
//! # Meaning
//! A program ended and left its memory behind: children of it live on, or the driver did not clean up.
//!
//! # Detection
//! NVML: more than a gigabyte is in use (and a 64th of all, which drivers up to 470 count as used), and both lists of
//! processes are empty, or name processes that do not exist. Inside a container and under WSL, where the processes of others cannot be seen, this is not
//! told. `/proc/*/fd` names the processes that have CUDA's device node open.
//!
//! # Fix
//! `sudo fuser -v /dev/nvidia*` and end those programs; where there is none, reboot.
//!
//! # Source
//! jupyter/notebook#5421, PaddlePaddle/PaddleOCR#2074, pytorch/pytorch#4293

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{Facts, NvmlDevice, PciAddress, Process},
    readings::{self, OUT_OF_MEMORY, OUT_OF_MEMORY_WORDS, size},
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["performance.memory_free", "driver.opens_context", "compute.adds_vectors"],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let held = |gpu: PciAddress| held(facts, &gpu, outcomes);
    readings::together(facts.gpu_addresses().into_iter().filter_map(held).collect())
}

fn held(facts: &Facts, gpu: &PciAddress, outcomes: &[Outcome]) -> Option<Finding> {
    let device = facts.nvml_device(gpu)?;
    let bytes = readings::held_by_nobody(facts, device)?;
    let subject = Subject::Gpu(gpu.clone());
    let summary = format!("{} in use, and no living process is on it", size(bytes));
    let finding = Finding::fail(subject.clone(), summary).accounting_for("performance.memory_free", &subject);
    let finding = device.processes().fold(finding, |finding, process| {
        finding.because(format!("process {} is still listed, and has ended", process.pid))
    });
    let refused = readings::refusal(facts, gpu) == Some(OUT_OF_MEMORY);
    let finding = if refused { readings::accounting_for_refusal(finding, gpu) } else { finding };
    Some(name_holders(facts, readings::accounting_for_words(finding, outcomes, OUT_OF_MEMORY_WORDS)))
}

fn name_holders(facts: &Facts, finding: Finding) -> Finding {
    let Some(processes) = facts.processes.seen() else {
        return finding.because(facts.processes.why_not()).run("sudo fuser -v /dev/nvidia*");
    };
    let listed: Vec<u32> =
        facts.nvml_devices().flat_map(NvmlDevice::processes).map(|process| process.pid).collect();
    let is_holder = |process: &&Process| process.computes() && !listed.contains(&process.pid);
    let holders: Vec<&Process> = processes.on_gpus.iter().filter(is_holder).collect();
    let nobody_hidden = processes.closed == 0 && processes.whole;
    let finding = holders.iter().fold(finding, |finding, process| finding.because(describe(process)));
    if holders.is_empty() && nobody_hidden {
        finding.because("no process has /dev/nvidia-uvm open").variant("leak").run("sudo reboot")
    } else if holders.is_empty() {
        let text = format!("the open files of {} processes are closed to you", processes.closed);
        finding.because(text).run("sudo fuser -v /dev/nvidia*")
    } else {
        finding.run("sudo fuser -v /dev/nvidia*")
    }
}

fn describe(process: &Process) -> String {
    let name = process.name.as_deref().unwrap_or("unknown");
    let who = format!("process {} ({name}) has /dev/nvidia-uvm open", process.pid);
    let orphan = (process.parent == Some(1)).then(|| "its parent has ended".to_owned());
    let parts = [orphan, readings::owner_and_age(process)];
    std::iter::once(who).chain(parts.into_iter().flatten()).collect::<Vec<_>>().join(", ")
}
