//! CUDA sees the GPU.
//!
//! # Meaning
//! CUDA lists fewer GPUs than the machine has where `CUDA_VISIBLE_DEVICES` hides them, where MIG is on without
//! instances, or where the driver could not start the card.
//!
//! # Detection
//! A device of CUDA with the PCI address of the card.
//!
//! # Fix
//! `unset CUDA_VISIBLE_DEVICES` and take it out of the notebook, the kernel's `kernel.json` or the profile.
//!
//! # Source
//! <https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#env-vars>, pytorch/pytorch#1040

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Driver, Facts, Observed, PciAddress, ProbeFailure},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Nvml, Source::Driver],
    needs: &["driver.initializes", "pci.gpu_answers", "module.drives_gpu"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    facts.gpu_addresses().into_iter().map(|gpu| judge_gpu(facts, gpu)).collect()
}

fn judge_gpu(facts: &Facts, gpu: PciAddress) -> Finding {
    if let Some(device) = facts.cuda_device(&gpu) {
        let name = device.name.seen().map_or("a GPU without a name", String::as_str);
        return Finding::pass(Subject::Gpu(gpu), format!("{name}, device {}", device.ordinal));
    }
    let subject = Subject::Gpu(gpu);
    let Some(driver) = facts.driver.seen() else {
        return Finding::unknown(subject, facts.driver.why_not());
    };
    match &driver.devices {
        Observed::Seen(devices) if devices.iter().any(|device| device.pci.seen().is_none()) => {
            Finding::unknown(subject, "CUDA lists a device without telling its address")
        }
        Observed::Seen(devices) => hidden(subject, driver, devices.len()),
        Observed::Failed(by) | Observed::Interrupted { by, .. } => Finding::fail(subject, by.to_string()),
        Observed::NotProbed { .. } => no_device(subject, facts, driver),
    }
}

fn hidden(subject: Subject, driver: &Driver, listed: usize) -> Finding {
    visible(Finding::fail(subject, format!("not among the {listed} devices that CUDA lists")), driver)
}

/// `cuInit` says 100 where no device is visible; that is about each GPU, too. A driver that has started and does not
/// live to list its devices has failed at that.
fn no_device(subject: Subject, facts: &Facts, driver: &Driver) -> Finding {
    match (driver.init.failure(), &facts.driver) {
        (Some(by @ ProbeFailure::Refused { code: 100, .. }), _) => {
            visible(Finding::fail(subject, by.to_string()), driver)
        }
        (None, Observed::Interrupted { by, .. }) if driver.init.seen().is_some() => {
            Finding::fail(subject, by.to_string())
        }
        _ => Finding::unknown(subject, crate::judge::why(&facts.driver, |driver| driver.devices.why_not())),
    }
}

fn visible(finding: Finding, driver: &Driver) -> Finding {
    match &driver.visible_devices {
        Some(value) => finding.because(format!("CUDA_VISIBLE_DEVICES={value}")),
        None => finding,
    }
}
