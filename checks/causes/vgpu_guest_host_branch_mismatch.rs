//! The driver in this machine and the one of its host do not work together.
//!
//! # Meaning
//! A virtual GPU wants a guest driver of the host's branch or of the one before. The cloud updates its hosts, and an
//! image that was not touched stops working one morning.
//!
//! # Detection
//! Xid 78 in the kernel log ("Guest driver is incompatible with host driver").
//!
//! # Fix
//! Install the GRID driver that the cloud lists today, reboot, publish again; look again each semester.
//!
//! # Source
//! skypilot-org/skypilot#10468, NVIDIA/open-gpu-kernel-modules gpu.c (`VGPU_START_ERROR`),
//! <https://learn.microsoft.com/azure/virtual-machines/windows/n-series-driver-setup>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{CloudProvider, Facts, Place},
    judge::{self, GRID_GUIDE},
};

/// `VGPU_START_ERROR` of NVIDIA's catalogue.
const VGPU_START_ERROR: u32 = 78;

pub(crate) static CAUSE: Cause = Cause {
    explains: &["module.loaded", "module.drives_gpu", "nvml.sees_gpu", "driver.initializes"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let version =
        facts.module.seen().and_then(|module| module.version.as_deref()).unwrap_or("of unknown version");
    let refused = facts.log.seen().into_iter().flat_map(|log| log.xids(VGPU_START_ERROR));
    refused
        .filter(|xid| facts.nvml_device(&xid.pci).is_none())
        .map(|xid| {
            let finding = Finding::fail(
                Subject::Gpu(xid.pci.clone()),
                format!("the host refuses the guest driver {version} (Xid 78)"),
            )
            .because(format!("Xid 78: {}", xid.text))
            .with("version", version);
            if facts.place() == Place::Cloud(CloudProvider::Azure) {
                judge::replace_by_grid(facts, finding).see(GRID_GUIDE)
            } else {
                finding.variant("other").see("https://docs.nvidia.com/vgpu/")
            }
        })
        .collect()
}
