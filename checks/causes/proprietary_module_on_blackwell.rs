//! The proprietary module cannot drive this card.
//!
//! # Meaning
//! From Blackwell on (B200, RTX PRO 6000 Blackwell, GeForce RTX 50) NVIDIA's driver works with its open module alone.
//!
//! # Detection
//! The module, loaded or installed, is the proprietary one and the card a Blackwell; or the module says that the card
//! "requires use of the NVIDIA open kernel modules".
//!
//! # Fix
//! Install the open module of the same branch.
//!
//! # Source
//! Start9Labs/start-technologies#3693, getsolus/packages#5575,
//! <https://learn.microsoft.com/azure/virtual-machines/linux/n-series-driver-setup>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Who,
    fact::{Facts, PciFunction},
    installed::{self, Unsupported},
    judge,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["module.supports_gpu", "module.loaded", "module.drives_gpu", "nvml.sees_gpu"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, knowledge: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    facts.gpus().filter_map(|gpu| refused(facts, knowledge, gpu)).collect()
}

fn refused(facts: &Facts, knowledge: &Knowledge, gpu: &PciFunction) -> Option<Finding> {
    let kind = (Unsupported::NeedsOpen, "proprietary", "open");
    let finding = installed::wrong_kind(facts, knowledge, gpu, kind)?;
    let open = installed::packaged_branch(facts).filter(|_| judge::is_ubuntu(facts));
    Some(match open {
        Some(branch) => finding.run(format!(
            "sudo apt update && sudo apt install -y nvidia-driver-{branch}-open && sudo reboot"
        )),
        None => judge::install_driver(facts, knowledge, finding).variant("unpackaged"),
    })
}
