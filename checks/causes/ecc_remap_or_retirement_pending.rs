//! The GPU's memory has errors that wait for a reset to be mended.
//!
//! # Meaning
//! Memory failed in a way that could not be corrected. Programs that meet the place are ended ("uncorrectable ECC error
//! encountered"); at the next reset the card puts spare memory in its place, while it has some.
//!
//! # Detection
//! NVML: remapped rows or retired pages pending, a row that could not be replaced, uncorrected errors since the driver
//! was loaded, or "reset required" (16). CUDA's word for it is 214. Wrong words and Xids of memory (48, 64, 95, 140 and
//! others) on such a card come from it.
//!
//! # Fix
//! Reset the GPU: stop (deallocate) and start the machine. Where a row could not be replaced: another card or host.
//!
//! # Source
//! leptonai/gpud#80, vllm-project/vllm#5222, Azure/azurehpc#617, <https://docs.nvidia.com/deploy/dynamic-page-retirement/>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    at_work::{self, ECC_UNCORRECTABLE},
    fact::{Facts, PciAddress},
    readings,
    verdict::REFUTATIONS,
    xid,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &[
        "nvml.memory_intact",
        XIDS,
        "nvml.sees_gpu",
        "driver.opens_context",
        "compute.adds_vectors",
        "compute.memory_holds",
        "compute.multiplies_matrices",
        "compute.copies_memory",
    ],
    severity: Severity::Unusable,
    who: Who::Platform,
    recognize,
};

/// `NVML_ERROR_RESET_REQUIRED`.
const RESET_REQUIRED: i64 = 16;
const XIDS: &str = "nvml.reports_no_xid";
const WORDS: &[&str] = &["uncorrectable ECC error", "CUDA_ERROR_ECC_UNCORRECTABLE"];

fn recognize(facts: &Facts, knowledge: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    facts.gpu_addresses().into_iter().filter_map(|gpu| damaged(facts, &gpu, knowledge, outcomes)).collect()
}

fn damaged(facts: &Facts, gpu: &PciAddress, knowledge: &Knowledge, outcomes: &[Outcome]) -> Option<Finding> {
    let subject = Subject::Gpu(gpu.clone());
    if wants_reset(facts, gpu) {
        let finding = Finding::fail(subject.clone(), "NVML: reset required (16)")
            .accounting_for("nvml.sees_gpu", &subject)
            .accounting_for("driver.sees_gpu", &subject);
        return Some(readings::accounting_for_refusal(finding, gpu));
    }
    let told = readings::troubled(outcomes, "nvml.memory_intact").find(|outcome| outcome.subject == subject);
    let refused = readings::refusal(facts, gpu) == Some(ECC_UNCORRECTABLE);
    let at_work = at_work::devices_at(facts, gpu)
        .into_iter()
        .flat_map(at_work::failures)
        .any(|by| by.refusal_code() == Some(ECC_UNCORRECTABLE));
    let summary = match (told, refused || at_work) {
        (Some(outcome), _) => outcome.summary.clone(),
        (None, true) => "CUDA met an error of its memory that could not be corrected (214)".to_owned(),
        (None, false) => return None,
    };
    let failed = readings::device(facts, &subject)
        .and_then(|device| device.remapped_rows.seen())
        .is_some_and(|rows| rows.failed);
    let finding = Finding::fail(subject.clone(), summary).accounting_for("nvml.memory_intact", &subject);
    let evidence = told.map(|outcome| outcome.evidence.clone()).unwrap_or_default();
    let finding = evidence.into_iter().fold(finding, Finding::because);
    let finding = if refused { readings::accounting_for_refusal(finding, gpu) } else { finding };
    // Memory that NVML knows to be faulty gives wrong words, and whatever is made of them.
    let xids = xid::are_of_memory(facts, gpu, knowledge).then_some(XIDS);
    let finding = REFUTATIONS.into_iter().chain(xids).fold(finding, |finding, id| {
        let told = readings::troubled(outcomes, id).find(|outcome| outcome.subject == subject);
        let told = told.map(|outcome| format!("{id}: {}", outcome.summary)).unwrap_or_default();
        finding.accounting_for(id, &subject).because(told)
    });
    let finding = readings::accounting_for_words(finding, outcomes, WORDS);
    Some(if failed {
        finding.variant("failed")
    } else {
        finding.run("nvidia-smi -q -d ECC,ROW_REMAPPER,PAGE_RETIREMENT")
    })
}

/// Whether NVML refuses a device for want of a reset, and this is the card that it leaves out.
fn wants_reset(facts: &Facts, gpu: &PciAddress) -> bool {
    let devices = facts.nvml.seen().and_then(|nvml| nvml.devices.seen());
    let refused = devices.into_iter().flatten().any(|device| device.refusal_code() == Some(RESET_REQUIRED));
    refused && facts.nvml_device(gpu).is_none()
}
