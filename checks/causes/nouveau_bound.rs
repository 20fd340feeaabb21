//! The nouveau driver holds the GPU.
//!
//! # Meaning
//! nouveau is Linux' own driver for NVIDIA cards; it knows no CUDA. It took the card at boot, and the NVIDIA driver
//! cannot have it until nouveau is kept out.
//!
//! # Detection
//! `/sys/bus/pci/devices/*/driver` leads to `nouveau`.
//!
//! # Fix
//! Blacklist nouveau, rebuild the initramfs (the step that is forgotten) and reboot.
//!
//! # Source
//! mattshma/bigdata#133, Oneflow-Inc/oneflow#3106,
//! <https://learn.microsoft.com/azure/virtual-machines/linux/n-series-driver-setup>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::Facts,
    installed::{NotLoaded, not_loaded},
    judge,
};

const LOADED: &str = "module.loaded";
const DRIVES_GPU: &str = "module.drives_gpu";
/// The libraries that a container has from its runtime.
const LIBRARIES: [&str; 2] = ["nvml.loads", "driver.loads"];

pub(crate) static CAUSE: Cause =
    Cause { explains: &[LOADED, DRIVES_GPU], severity: Severity::Unusable, who: Who::Instructor, recognize };

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let held: Vec<&str> = facts
        .gpus()
        .filter(|gpu| gpu.driver.as_deref() == Some("nouveau"))
        .map(|gpu| gpu.address.as_str())
        .collect();
    // Where the module would be refused, or waits for a reboot alone, nouveau is what follows.
    let is_refused = not_loaded(facts) == Some(NotLoaded::Refused);
    if held.is_empty() || is_refused || super::reboot_pending_after_driver_install::is_pending(facts) {
        return Vec::new();
    }
    let finding = Finding::fail(Subject::Host, format!("nouveau is bound to {}", held.join(", ")));
    let finding = if judge::in_container(facts) { accounting_for_libraries(facts, finding) } else { finding };
    let blacklists = facts.module.seen().into_iter().flat_map(|module| &module.nouveau_blacklisted_in);
    let finding = blacklists.fold(finding, |finding, file| {
        finding.because(format!("{file} blacklists it: the initramfs is older than that file"))
    });
    let finding = finding.run("printf 'blacklist nouveau\\noptions nouveau modeset=0\\n' | sudo tee /etc/modprobe.d/blacklist-nouveau.conf");
    vec![judge::rewrite_initramfs(facts, finding)]
}

/// A runtime hands the driver's libraries into a container where that driver is loaded, and nowhere else.
fn accounting_for_libraries(facts: &Facts, finding: Finding) -> Finding {
    let of_host = [LOADED].into_iter().chain(LIBRARIES);
    let finding = of_host.fold(finding, |finding, id| finding.accounting_for(id, &Subject::Host));
    facts
        .gpus()
        .fold(finding, |finding, gpu| finding.accounting_for(DRIVES_GPU, &Subject::Gpu(gpu.address.clone())))
}
