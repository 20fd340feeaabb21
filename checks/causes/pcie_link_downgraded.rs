//! The GPU's PCI Express link has lost lanes or speed.
//!
//! # Meaning
//! Data reaches the card at half its speed or less: a bad riser, a dirty contact, a failing board.
//!
//! # Detection
//! On a card that works, NVML's width or generation of the link is below the greatest that card and slot can do. Or copies
//! from and to the host were slow, and the link has fewer lanes than it could: those it keeps when idle. In a virtual
//! machine the link that is seen says nothing.
//!
//! # Fix
//! Take another host, or have the card reseated.
//!
//! # Source
//! NVIDIA/NVSentinel#890, <https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{Facts, PciAddress},
    judge, readings,
    speed::{self, Signs},
};

const LINK: &str = "performance.link_full_width";
const COPIES: &str = "performance.copies_at_speed";

pub(crate) static CAUSE: Cause =
    Cause { explains: &[LINK, COPIES], severity: Severity::Degraded, who: Who::Platform, recognize };

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    facts.gpu_addresses().into_iter().filter_map(|gpu| downgraded(facts, &gpu, outcomes)).collect()
}

fn downgraded(facts: &Facts, gpu: &PciAddress, outcomes: &[Outcome]) -> Option<Finding> {
    let subject = Subject::Gpu(gpu.clone());
    let told = readings::troubled(outcomes, LINK).find(|outcome| outcome.subject == subject);
    let is_narrow = || {
        let nvml = facts.nvml_device(gpu).filter(|_| judge::is_bare_metal(facts))?;
        Signs::of(facts, gpu, nvml).narrow_link()
    };
    let slow = speed::troubled(outcomes, &[COPIES], &subject);
    let first = told.or_else(|| slow.first().copied().filter(|_| is_narrow().is_some()))?;
    let finding = judge::retold(first).accounting_for(LINK, &subject).accounting_for(COPIES, &subject);
    Some(finding.run("nvidia-smi -q | grep -A 12 'GPU Link Info'"))
}
