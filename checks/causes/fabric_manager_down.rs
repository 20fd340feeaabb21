//! The fabric manager does not run.
//!
//! # Meaning
//! On machines whose GPUs are joined by NVSwitch, a service joins them after each boot. Until it has, CUDA refuses to
//! start, while `nvidia-smi` looks healthy.
//!
//! # Detection
//! CUDA returns 802, "not ready", and there is an NVSwitch on the bus, or NVML says that the fabric of a GPU is not
//! joined yet. The service's files tell whether it is installed and enabled. Without an NVSwitch 802 has other reasons.
//!
//! # Fix
//! `sudo apt install nvidia-fabricmanager-BRANCH && sudo systemctl enable --now nvidia-fabricmanager`, at exactly the
//! driver's version.
//!
//! # Source
//! <https://docs.nvidia.com/datacenter/tesla/fabric-manager-user-guide/>, pytorch/pytorch#35710, microsoft/lisa#2823

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{CudaDevice, Facts, Service},
    judge, knowledge,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["driver.initializes", "driver.sees_gpu", "driver.opens_context"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

/// `CUDA_ERROR_SYSTEM_NOT_READY`.
const SYSTEM_NOT_READY: i64 = 802;
/// `CUDA_ERROR_OPERATING_SYSTEM`, which the other GPUs get once the first got 802.
const OPERATING_SYSTEM: i64 = 304;
const SERVICE: &str = "nvidia-fabricmanager";

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let Some(driver) = facts.driver.seen() else { return Vec::new() };
    let at_start = driver.init.refusal_code() == Some(SYSTEM_NOT_READY);
    let refused: Vec<&CudaDevice> = facts
        .cuda_devices()
        .filter(|device| matches!(device.context.refusal_code(), Some(SYSTEM_NOT_READY | OPERATING_SYSTEM)))
        .collect();
    let not_ready = refused.iter().any(|device| device.context.refusal_code() == Some(SYSTEM_NOT_READY));
    let Some(fabric) = fabric(facts).filter(|_| at_start || not_ready) else { return Vec::new() };
    let mut finding = Finding::fail(Subject::Host, format!("CUDA is not ready (802); {fabric}"));
    if at_start {
        finding = finding.accounting_for("driver.initializes", &Subject::Host);
    }
    for gpu in refused.iter().filter_map(|device| device.pci.seen()) {
        finding = finding.accounting_for("driver.opens_context", &Subject::Gpu(gpu.clone()));
    }
    vec![advise(facts, finding)]
}

/// What tells of a fabric that has to be joined; none where nothing does.
fn fabric(facts: &Facts) -> Option<String> {
    let functions = facts.pci.seen().into_iter().flat_map(|pci| &pci.functions);
    let switches = functions.filter(|function| function.is_nvswitch()).count();
    // nvml.h: 1 is "not started", 2 "in progress"; 0 is "not supported", 3 "completed".
    let open = |state: &(u32, u32)| matches!(state.0, 1 | 2);
    let waiting = facts.nvml_devices().filter(|device| device.fabric.seen().is_some_and(open)).count();
    match (switches, waiting) {
        (0, 0) => None,
        (0, waiting) => Some(format!("NVML: {waiting} GPUs wait for their fabric")),
        (switches, _) => Some(format!("{switches} NVSwitches on the bus")),
    }
}

fn advise(facts: &Facts, finding: Finding) -> Finding {
    let version = facts.module.seen().and_then(|module| module.version.clone());
    let finding = match &version {
        Some(version) => finding.because(format!("driver {version}")),
        None => finding,
    };
    if judge::in_container(facts) {
        return finding.variant("container");
    }
    let Some(installation) = facts.installation.seen() else {
        return install(facts, finding, version.as_deref());
    };
    let package = installation.packages().find(|package| package.name.starts_with(SERVICE));
    let finding = match package {
        Some(package) => finding.because(format!("package {} is {}", package.name, package.version)),
        None => finding,
    };
    let fits =
        version.as_deref().zip(package).is_none_or(|(version, package)| package.version.starts_with(version));
    match installation.service(SERVICE) {
        None => install(facts, finding.because("the service is not installed"), version.as_deref()),
        Some(_) if !fits => install(facts, finding, version.as_deref()),
        Some(service) => {
            finding.because(state(service)).run(format!("sudo systemctl enable --now {SERVICE}"))
        }
    }
    .run(format!("systemctl status {SERVICE}"))
}

fn install(facts: &Facts, finding: Finding, version: Option<&str>) -> Finding {
    match version.and_then(knowledge::branch) {
        Some(branch) if judge::is_ubuntu(facts) => finding
            .run(format!("sudo apt install {SERVICE}-{branch} && sudo systemctl enable --now {SERVICE}")),
        _ => finding,
    }
}

fn state(service: &Service) -> String {
    let enabled = if service.masked {
        "masked"
    } else if service.enabled {
        "enabled"
    } else {
        "not enabled"
    };
    let running = match service.running {
        Some(true) => "running",
        Some(false) => "not running",
        None => "not told whether it runs",
    };
    format!("the service is {enabled}, {running}")
}
