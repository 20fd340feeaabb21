//! No NVIDIA driver is installed.
//!
//! # Meaning
//! The card is there, and neither a module for any Linux on this disk nor the driver's libraries are. In Azure Lab
//! Services that is a lab made without "Install GPU drivers".
//!
//! # Detection
//! A function of vendor 10de, no `nvidia.ko*` under `/lib/modules`, no DKMS source, no `libcuda.so.1` or
//! `libnvidia-ml.so.1` where the loader looks.
//!
//! # Fix
//! Install the driver that the distribution recommends for this card, and reboot.
//!
//! # Source
//! <https://learn.microsoft.com/azure/virtual-machines/linux/n-series-driver-setup>,
//! <https://learn.microsoft.com/azure/lab-services/how-to-setup-lab-gpu>, iterative/cml#590

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Subject, Who, fact::Facts};

pub(crate) static CAUSE: Cause = Cause {
    explains: &[
        "module.built_for_running_kernel",
        "module.loaded",
        "module.drives_gpu",
        "nvml.loads",
        "driver.loads",
    ],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let Some(module) = facts.module.seen() else { return Vec::new() };
    let installed = module.has_driver()
        || module.kernels.iter().any(|kernel| !kernel.nvidia.is_empty())
        || module.dkms.iter().any(|dkms| dkms.name.starts_with("nvidia"))
        || !module.libraries.is_empty();
    let loads = facts.nvml.seen().is_some_and(|nvml| nvml.library.seen().is_some())
        || facts.driver.seen().is_some_and(|driver| driver.library.seen().is_some());
    if installed || loads || facts.gpus().next().is_none() || crate::judge::in_container(facts) {
        return Vec::new();
    }
    let finding = Finding::fail(Subject::Host, "no nvidia module and no driver library on this disk");
    let finding =
        if module.is_loaded("nouveau") { finding.because("nouveau is loaded instead") } else { finding };
    vec![if crate::judge::is_debian_like(facts) {
        finding.run("sudo apt update && sudo apt install -y ubuntu-drivers-common && sudo ubuntu-drivers install && sudo reboot")
    } else {
        finding.see("https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/")
    }]
}
