//! This Azure size hands out a part of a GPU, which only the GRID driver can start.
//!
//! # Meaning
//! Sizes such as NVadsA10_v5 give a virtual machine a slice of a card (a virtual GPU). NVIDIA's data centre driver sees
//! it on the bus and starts nothing.
//!
//! # Detection
//! A `vmSize` whose driver is GRID with a card from Turing on (older ones are handed out whole), a driver without GRID's
//! files (`/etc/nvidia/gridd.conf.template`, the service nvidia-gridd), and no device in NVML.
//!
//! # Fix
//! Take the driver off and install Microsoft's GRID driver.
//!
//! # Source
//! dstackai/dstack#1014, <https://learn.microsoft.com/azure/virtual-machines/linux/n-series-driver-setup>,
//! virtual-machines-n-series-linux-support.md ("NVads A10 v5 VMs only support GRID 17.x or higher")

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::Facts,
    judge::{self, GRID_GUIDE},
    knowledge::{Architecture, DriverKind},
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &[
        "module.loaded",
        "module.supports_gpu",
        "module.drives_gpu",
        "nvml.sees_gpu",
        "driver.initializes",
    ],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, knowledge: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let Some(size) = judge::azure_size(facts) else { return Vec::new() };
    let wants_grid = knowledge.vm_size(size).is_some_and(|family| family.driver == Some(DriverKind::Grid));
    let has_other_driver = facts.module.seen().is_some_and(crate::fact::Module::has_driver)
        && facts.installation.seen().is_some_and(|installation| !installation.is_grid());
    if !wants_grid || !has_other_driver {
        return Vec::new();
    }
    let version = facts.module.seen().and_then(|module| module.version.clone()).unwrap_or_default();
    let slices = facts.gpus().filter(|gpu| {
        let row = knowledge.architecture_of_device(gpu.device);
        row.is_some_and(|row| row.name >= Architecture::Turing) && facts.nvml_device(&gpu.address).is_none()
    });
    slices
        .map(|gpu| {
            let finding = Finding::fail(
                Subject::Gpu(gpu.address.clone()),
                format!("vmSize {size} wants a GRID driver, and driver {version} is none"),
            )
            .with("size", size);
            let said = facts.log.seen().into_iter().flat_map(|log| log.with("RmInitAdapter failed"));
            said.take(1).fold(finding, Finding::because).see(GRID_GUIDE)
        })
        .map(|finding| judge::replace_by_grid(facts, finding))
        .collect()
}
