//! The GRID driver is installed on an Azure size that does not work with it.
//!
//! # Meaning
//! GRID is the driver of virtual GPUs. Sizes for computing (NC, NCv3, ND, ...) hand out whole cards, and most of them
//! want the data centre driver.
//!
//! # Detection
//! A `vmSize` whose driver is the data centre's alone, GRID's files (`/etc/nvidia/gridd.conf.template`, the service
//! nvidia-gridd, packages named so), and a GPU that does not start. NVML calls the card passed through (1), or none.
//!
//! # Fix
//! Take the GRID driver off and install the data centre driver.
//!
//! # Source
//! MicrosoftDocs virtual-machines-n-series-linux-support.md ("GRID drivers ... don't work on most non-NV series VMs like
//! NC, NCv2, NCv3, ND")

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who, fact::Facts, judge, knowledge::DriverKind,
};

/// `NVML_GPU_VIRTUALIZATION_MODE_VGPU`.
const VGPU: u32 = 2;

pub(crate) static CAUSE: Cause = Cause {
    explains: &[
        "module.loaded",
        "module.drives_gpu",
        "nvml.sees_gpu",
        "driver.initializes",
        "driver.sees_gpu",
        "driver.opens_context",
    ],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, knowledge: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let Some(size) = judge::azure_size(facts) else { return Vec::new() };
    let wants_cuda = knowledge.vm_size(size).is_some_and(|family| family.driver == Some(DriverKind::Cuda));
    let Some(installation) = facts.installation.seen().filter(|installation| installation.is_grid()) else {
        return Vec::new();
    };
    let is_virtual = facts
        .nvml_devices()
        .any(|device| device.virtualization_mode.seen().is_some_and(|mode| *mode == VGPU));
    if !wants_cuda || is_virtual {
        return Vec::new();
    }
    let finding = Finding::fail(
        Subject::Host,
        format!("vmSize {size} wants the data centre driver, and GRID is installed"),
    )
    .with("size", size);
    let files = installation.grid_files.iter().cloned();
    let units = installation.service("nvidia-gridd").map(|service| service.unit.clone());
    let finding = files.chain(units).fold(finding, Finding::because);
    let finding = judge::uninstall_driver(facts, finding);
    vec![judge::install_driver(facts, knowledge, finding)]
}
