//! The GPU has fallen off the bus.
//!
//! # Meaning
//! The card stopped answering: hardware, power, or the host underneath. Nothing inside the machine can bring it back.
//!
//! # Detection
//! Its config space reads all ones; NVML says 15, "GPU is lost", at the look or while it is watched; or the kernel log says
//! that it has fallen off the bus (Xid 79, or either message without a number) and NVML does not list it.
//!
//! # Fix
//! Stop (deallocate) and start the virtual machine; a reboot from inside may not reset the card.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/xid-errors/> (Xid 79), NVIDIA/NVSentinel#155, leptonai/gpud#604, #1209,
//! lyulyul/shine-cluster#172

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{ConfigSpace, Facts, KernelLog, PciAddress},
    xid::{self, FALLEN_OFF, GPU_IS_LOST},
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &[
        "pci.gpu_answers",
        "module.drives_gpu",
        "nvml.sees_gpu",
        "driver.initializes",
        "driver.sees_gpu",
        "nvml.reports_no_xid",
    ],
    severity: Severity::Unusable,
    who: Who::Platform,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let devices = facts.nvml.seen().and_then(|nvml| nvml.devices.seen());
    let lost = devices.into_iter().flatten().any(|device| device.refusal_code() == Some(GPU_IS_LOST));
    facts
        .gpus()
        .filter_map(|gpu| {
            let subject = Subject::Gpu(gpu.address.clone());
            let is_listed = facts.nvml_device(&gpu.address).is_some();
            let said = facts.log.seen().and_then(|log| said_of(log, &gpu.address));
            let summary = if gpu.config == ConfigSpace::AllOnes {
                "its config space reads all ones"
            } else if lost && !is_listed {
                "NVML: GPU is lost (15)"
            } else if said.is_some() && !is_listed {
                "the kernel log says so, and NVML does not list it"
            } else if xid::lost_since(facts, &gpu.address).is_some() {
                "NVML lost it while it was watched"
            } else {
                return None;
            };
            Some(Finding::fail(subject, summary).because(said.unwrap_or_default()))
        })
        .collect()
}

/// The driver says it in three forms: with the number 79, at run time without it, and while it starts.
fn said_of(log: &KernelLog, address: &PciAddress) -> Option<String> {
    let numbered = log.xids(FALLEN_OFF).find(|xid| xid.pci == *address);
    let while_running = format!("GPU {address}: GPU has fallen off the bus");
    let at_start = format!("The NVIDIA GPU {address}");
    numbered
        .map(|xid| format!("Xid 79: {}", xid.text))
        .or_else(|| log.with(&while_running).next().map(str::to_owned))
        .or_else(|| log.messages(&at_start).find(|message| message.contains("fallen off the bus")))
}
