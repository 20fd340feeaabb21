//! The driver in this machine and the one of its host do not work together.
//!
//! # Meaning
//! A virtual GPU wants a guest driver of the host's branch or of the one before. The cloud updates its hosts, and an
//! image that was not touched stops working one morning.
//!
//! # Detection
//! Xid 78 in the kernel log ("Guest driver is incompatible with host driver"). Where the log does not tell: a `vmSize` of
//! Azure's, a GRID driver of an older branch than its hosts take by the table, and no device in NVML.
//!
//! # Fix
//! Install the GRID driver that the cloud lists today, reboot, publish again; look again each semester.
//!
//! # Source
//! skypilot-org/skypilot#10468, NVIDIA/open-gpu-kernel-modules gpu.c (`VGPU_START_ERROR`),
//! <https://learn.microsoft.com/azure/virtual-machines/windows/n-series-driver-setup>,
//! virtual-machines-n-series-linux-support.md ("NVads A10 v5 VMs only support GRID 17.x or higher")

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{CloudProvider, Facts, Installation, Place},
    judge::{self, GRID_GUIDE},
    knowledge::branch,
};

/// `VGPU_START_ERROR` of NVIDIA's catalogue.
const VGPU_START_ERROR: u32 = 78;

pub(crate) static CAUSE: Cause = Cause {
    explains: &["module.loaded", "module.drives_gpu", "nvml.sees_gpu", "driver.initializes"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, knowledge: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let version =
        facts.module.seen().and_then(|module| module.version.as_deref()).unwrap_or("of unknown version");
    let refused: Vec<Finding> = facts
        .log
        .seen()
        .into_iter()
        .flat_map(|log| log.xids(VGPU_START_ERROR))
        .filter(|xid| facts.nvml_device(&xid.pci).is_none())
        .map(|xid| {
            let summary = format!("the host refuses the guest driver {version} (Xid 78)");
            let finding = Finding::fail(Subject::Gpu(xid.pci.clone()), summary);
            finding.because(format!("Xid 78: {}", xid.text))
        })
        .collect();
    let told = if refused.is_empty() { by_table(facts, knowledge, version) } else { refused };
    let mend = |finding: Finding| {
        let finding = finding.with("version", version);
        if facts.place() == Place::Cloud(CloudProvider::Azure) {
            judge::replace_by_grid(facts, finding).see(GRID_GUIDE)
        } else {
            finding.variant("other").see("https://docs.nvidia.com/vgpu/")
        }
    };
    told.into_iter().map(mend).collect()
}

/// The GPUs that NVML does not list, where the guest driver is older than what the hosts of this size take.
fn by_table(facts: &Facts, knowledge: &Knowledge, version: &str) -> Vec<Finding> {
    let is_grid = facts.installation.seen().is_some_and(Installation::is_grid);
    let size = judge::azure_size(facts).filter(|_| is_grid);
    let first = size.and_then(|size| Some((size, knowledge.vm_size(size)?.grid_branches?.0)));
    let Some((size, first)) = first.filter(|(_, first)| branch(version).is_some_and(|own| own < *first))
    else {
        return Vec::new();
    };
    let summary = format!("the hosts of {size} take GRID drivers of branch {first} or newer, not {version}");
    let unlisted = facts.gpus().filter(|gpu| facts.nvml_device(&gpu.address).is_none());
    unlisted.map(|gpu| Finding::fail(Subject::Gpu(gpu.address.clone()), summary.clone())).collect()
}
