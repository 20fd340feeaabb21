//! The virtual GPU has no licence.
//!
//! # Meaning
//! A slice of a card (vGPU) works for some minutes without a licence. Then programs are refused with "busy or
//! unavailable", while `nvidia-smi` looks healthy.
//!
//! # Detection
//! NVML says "vGPU" and names features that want a licence, of which none has it. CUDA refuses a context with 46, or
//! says "not licensed" (102). A card in compute mode "exclusive process" or "prohibited" is another disease.
//!
//! # Fix
//! Give the licence client its configuration, start it, and let it reach the licence server. On Azure the driver that
//! Microsoft hands out for these sizes brings the licence.
//!
//! # Source
//! Azure/AKS#4870, Azure/aks-gpu#90, <https://docs.nvidia.com/vgpu/latest/grid-licensing-user-guide/>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{Facts, PciAddress},
    judge, readings,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["nvml.licensed", "driver.initializes", "driver.opens_context", "compute.adds_vectors"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

/// `CUDA_ERROR_DEVICE_UNAVAILABLE`.
const DEVICE_UNAVAILABLE: i64 = 46;
/// `CUDA_ERROR_DEVICE_NOT_LICENSED`.
const NOT_LICENSED: i64 = 102;
/// How frameworks put it.
const BUSY: &[&str] =
    &["busy or unavailable", "CUDA_ERROR_DEVICE_UNAVAILABLE", "CUDA_ERROR_DEVICE_NOT_LICENSED"];

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let finding = |gpu: PciAddress| unlicensed(facts, &gpu, outcomes);
    readings::together(facts.gpu_addresses().into_iter().filter_map(finding).collect())
}

fn unlicensed(facts: &Facts, gpu: &PciAddress, outcomes: &[Outcome]) -> Option<Finding> {
    let subject = Subject::Gpu(gpu.clone());
    let told = readings::troubled(outcomes, "nvml.licensed").find(|outcome| outcome.subject == subject);
    let refused = readings::refusal(facts, gpu);
    let at_start = facts.driver.seen().and_then(|driver| driver.init.refusal_code()) == Some(NOT_LICENSED);
    let summary = match told {
        Some(outcome) => outcome.summary.clone(),
        None if refused == Some(NOT_LICENSED) || at_start => {
            "CUDA says that it has no licence (102)".to_owned()
        }
        None => return None,
    };
    let finding = Finding::fail(subject.clone(), summary)
        .accounting_for("nvml.licensed", &subject)
        .because(client(facts));
    // In a container it is the machine underneath that has the client.
    let finding = if judge::in_container(facts) {
        finding
    } else {
        finding
            .run("sudo cp -n /etc/nvidia/gridd.conf.template /etc/nvidia/gridd.conf")
            .run("sudo systemctl enable --now nvidia-gridd")
            .run("sudo journalctl -u nvidia-gridd | tail")
    };
    let finding =
        if at_start { finding.accounting_for("driver.initializes", &Subject::Host) } else { finding };
    let finding = match refused {
        Some(NOT_LICENSED) => readings::accounting_for_refusal(finding, gpu),
        Some(DEVICE_UNAVAILABLE) if !has_mode(facts, &subject) => {
            readings::accounting_for_refusal(finding, gpu)
                .because("CUDA refuses it as busy or unavailable (46)")
        }
        _ => finding,
    };
    Some(readings::accounting_for_words(finding, outcomes, BUSY))
}

/// What is known of the licence client.
fn client(facts: &Facts) -> String {
    let Some(installation) = facts.installation.seen().filter(|_| !judge::in_container(facts)) else {
        return String::new();
    };
    match installation.service("nvidia-gridd") {
        None => "the licence client, nvidia-gridd, is not installed".to_owned(),
        Some(service) if service.running == Some(false) => "nvidia-gridd does not run".to_owned(),
        Some(_) => String::new(),
    }
}

/// Whether its compute mode keeps programs off.
fn has_mode(facts: &Facts, subject: &Subject) -> bool {
    let mode = readings::device(facts, subject).and_then(|device| device.compute_mode.seen());
    mode.is_some_and(|mode| *mode != 0)
}
