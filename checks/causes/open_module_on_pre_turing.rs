//! The open module cannot drive this card.
//!
//! # Meaning
//! NVIDIA's open module leaves most of its work to a processor on the card (GSP), which cards before Turing do not have:
//! K80, M60, P40, P100, V100.
//!
//! # Detection
//! The module, loaded or installed, is the open one and the card is older than Turing; or the module says that the card
//! "is not supported by open nvidia.ko".
//!
//! # Fix
//! Install the proprietary module of the last branch that supports the card.
//!
//! # Source
//! NVIDIA/open-gpu-kernel-modules#696, negativo17/nvidia-driver#158, zzzhouuu/truenas-nvidia-drivers#20

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
    let kind = (Unsupported::NeedsProprietary, "open", "proprietary");
    let finding = installed::wrong_kind(facts, knowledge, gpu, kind)?;
    Some(judge::install_driver(facts, knowledge, finding))
}
