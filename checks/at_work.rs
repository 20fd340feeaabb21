//! What checks of the GPUs' work have in common.
//!
//! Invariants: work that nobody asked for has no outcome; a GPU that was refused memory, or whose work was ended from
//! outside, has not failed; a GPU whose work went wrong is never passed over for what came out right before.

use crate::{
    Finding, Judged, Subject, Verdict,
    fact::{Facts, Level, NvmlDevice, Observed, PciAddress, ProbeFailure, WorkDevice},
};

/// Judges each GPU that was put to work. Where MIG divides it, the one in trouble speaks for it.
///
/// Work that was not asked for is not judged, nor is a GPU that had none while others had: why is told elsewhere.
pub(crate) fn each_gpu(facts: &Facts, judge: impl Fn(Subject, &WorkDevice) -> Option<Finding>) -> Judged {
    let untold = |subject| {
        let by = facts.work.failure()?;
        Some(Finding::unknown(subject, format!("it was not put to work: {by}")))
    };
    let worst = |gpu: PciAddress| match devices_at(facts, &gpu).as_slice() {
        [] => untold(Subject::Gpu(gpu)),
        devices => worst_of(gpu, devices, &judge),
    };
    facts.gpu_addresses().into_iter().filter_map(worst).collect()
}

/// The same for what is measured: where there was no work there is nothing to say about its speed.
pub(crate) fn each_measured(
    facts: &Facts,
    judge: impl Fn(Subject, &WorkDevice) -> Option<Finding>,
) -> Judged {
    let worst = |gpu: PciAddress| {
        let devices = devices_at(facts, &gpu);
        worst_of(gpu, &devices, &judge)
    };
    facts.gpu_addresses().into_iter().filter_map(worst).collect()
}

fn worst_of(
    gpu: PciAddress,
    devices: &[&WorkDevice],
    judge: &impl Fn(Subject, &WorkDevice) -> Option<Finding>,
) -> Option<Finding> {
    let subject = Subject::Gpu(gpu);
    let judged = devices.iter().filter_map(|device| judge(subject.clone(), device));
    judged.min_by_key(|finding| rank(finding.verdict))
}

/// What the GPU at this address did, by the ordinals of CUDA's devices there.
pub(crate) fn devices_at<'a>(facts: &'a Facts, gpu: &PciAddress) -> Vec<&'a WorkDevice> {
    let devices = facts.work.seen().into_iter().flat_map(|work| &work.devices);
    let here = facts.cuda_devices_at(gpu);
    devices.filter(|device| here.iter().any(|cuda| cuda.ordinal == device.ordinal)).collect()
}

/// The worst first.
pub(crate) fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fail => 0,
        Verdict::Warn => 1,
        Verdict::Unknown => 2,
        Verdict::Pass => 3,
        Verdict::NotApplicable => 4,
    }
}

/// What is to be said of a step that has no whole result; none where it has one.
pub(crate) fn unfinished<T>(
    facts: &Facts,
    subject: &Subject,
    device: &WorkDevice,
    step: &Observed<T>,
) -> Option<Finding> {
    match step {
        Observed::Seen(_) => None,
        Observed::NotProbed { why } => Some(Finding::unknown(subject.clone(), why.clone())),
        Observed::Failed(by) | Observed::Interrupted { by, .. } => {
            let text = by.to_string();
            let level = facts.work.seen().map_or(Level::Usual, |work| work.level);
            // Much memory of a slow card takes longer than it was given, and shows it by what it has done.
            let was_on_its_way = step.seen().is_some() && device.rounds == 0 && level != Level::Usual;
            Some(match (by, &device.stepped_back) {
                (ProbeFailure::TimedOut { .. }, Some(why)) => {
                    Finding::unknown(subject.clone(), format!("{text}; {why}"))
                }
                (ProbeFailure::TimedOut { .. }, None) if was_on_its_way => {
                    Finding::unknown(subject.clone(), format!("{text}, on its way"))
                }
                (by, _) if is_of_card(by) => Finding::fail(subject.clone(), text).variant("broken_off"),
                _ => Finding::unknown(subject.clone(), text),
            })
        }
    }
}

/// What has come out of a step that was timed, on a card whose limits can be known; none where the step was left out.
///
/// The judge says why where it cannot tell.
pub(crate) fn measured<T>(
    facts: &Facts,
    subject: Subject,
    step: &Observed<T>,
    judge: impl FnOnce(&PciAddress, &NvmlDevice, &T) -> Result<Finding, String>,
) -> Option<Finding> {
    let Subject::Gpu(gpu) = &subject else { return None };
    let done = match step {
        Observed::Seen(done) => done,
        Observed::NotProbed { .. } => return None,
        Observed::Failed(by) | Observed::Interrupted { by, .. } => {
            return Some(Finding::unknown(subject, by.to_string()));
        }
    };
    let Some(nvml) = facts.nvml_device(gpu) else {
        return Some(Finding::unknown(subject, "NVML does not list it"));
    };
    if nvml.is_vgpu() {
        return Some(Finding::not_applicable(
            subject,
            "the hypervisor shares the card, and its speed with it",
        ));
    }
    Some(judge(gpu, nvml, done).unwrap_or_else(|why| Finding::unknown(subject.clone(), why)))
}

/// Whether the card or its driver broke off work that is known to be right.
fn is_of_card(by: &ProbeFailure) -> bool {
    match by {
        ProbeFailure::Refused { code, .. } => BROKEN.contains(code),
        // There the driver compiles, on the host.
        ProbeFailure::Crashed { step, .. } | ProbeFailure::TimedOut { step, .. } if step == COMPILES => false,
        ProbeFailure::Crashed { signal, .. } => FAULTS.contains(signal),
        ProbeFailure::TimedOut { .. } => true,
        ProbeFailure::NotStarted { .. } | ProbeFailure::Exited { .. } | ProbeFailure::Garbled { .. } => false,
    }
}

/// What cuda.h has for a GPU that goes wrong under code that is right: `ECC_UNCORRECTABLE`, `NVLINK_UNCORRECTABLE`,
/// `ILLEGAL_ADDRESS`, `HARDWARE_STACK_ERROR`, `ILLEGAL_INSTRUCTION`, `MISALIGNED_ADDRESS`, `INVALID_ADDRESS_SPACE`,
/// `INVALID_PC`, `LAUNCH_FAILED`, `UNKNOWN`. All other codes say that something was not to be had.
const BROKEN: [i64; 10] = [ECC_UNCORRECTABLE, 220, 700, 714, 715, 716, 717, 718, 719, 999];
/// `CUDA_ERROR_ECC_UNCORRECTABLE`.
pub(crate) const ECC_UNCORRECTABLE: i64 = 214;
/// The call in which a driver compiles code.
const COMPILES: &str = "cuModuleLoadDataEx";
/// SIGILL, SIGABRT, SIGBUS, SIGFPE, SIGSEGV: a process brings them on itself, the others come from outside.
const FAULTS: [i32; 5] = [4, 6, 7, 8, 11];

/// The failures of the steps whose results are compared.
pub(crate) fn failures(device: &WorkDevice) -> impl Iterator<Item = &ProbeFailure> {
    let products = [device.integer_product.failure(), device.float_product.failure()];
    let copies = [device.copy.failure(), device.upload.failure(), device.download.failure()];
    let others = [device.memory.failure(), device.arithmetic.failure()];
    products.into_iter().chain(copies).chain(others).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_to_be_had_is_no_failure_of_the_card() {
        let refused = |code| ProbeFailure::Refused {
            step: "cuMemAlloc_v2".to_owned(),
            code,
            name: String::new(),
            message: String::new(),
        };
        let crashed = |signal| ProbeFailure::Crashed { signal, step: String::new() };
        // cuda.h: OUT_OF_MEMORY, DEVICE_UNAVAILABLE, INVALID_PTX, UNSUPPORTED_PTX_VERSION, LAUNCH_TIMEOUT.
        for code in [2, 46, 218, 222, 702] {
            assert!(!is_of_card(&refused(code)), "{code}");
        }
        assert!(is_of_card(&refused(ECC_UNCORRECTABLE)) && is_of_card(&refused(719)));
        let late =
            |step: &str| ProbeFailure::TimedOut { after_ms: 1, step: step.to_owned(), unkillable: false };
        assert!(is_of_card(&late("cuEventSynchronize")) && !is_of_card(&late("cuModuleLoadDataEx")));
        // SIGKILL is how Linux ends a process where memory is short.
        assert!(is_of_card(&crashed(11)) && !is_of_card(&crashed(9)));
    }
}
