//! The installed driver has dropped this card.
//!
//! # Meaning
//! NVIDIA ends the support of old cards: a K80 ends with branch 470, M60, P40, P100 and V100 with 580. A newer driver
//! ignores the card, and an update brings it without a question.
//!
//! # Detection
//! The version of the module, loaded or installed, against the table of architectures; or the module says that it "will
//! ignore this GPU".
//!
//! # Fix
//! Install the last branch that supports the card, and hold it.
//!
//! # Source
//! anomixer/proxmox-vgpu-installer#29, MicrosoftDocs virtual-machines-n-series-linux-support.md ("later driver versions
//! aren't supported on the K80 cards in NC")

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
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
    let Some(Err(Unsupported::Dropped(last))) = installed::support(facts, knowledge, gpu) else {
        return None;
    };
    let row = knowledge.architecture_of_device(gpu.device)?;
    let version = facts.module.seen().and_then(installed::driver_version).unwrap_or("of unknown version");
    let card = knowledge.gpu(gpu.device).map_or(row.name.to_string(), |model| model.name.clone());
    let finding = Finding::fail(
        Subject::Gpu(gpu.address.clone()),
        format!("driver {version} is installed, and {last} is the last branch for {} cards", row.name),
    )
    .with("version", version)
    .with("last", last.to_string())
    .with("card", card);
    let said = facts.log.seen().into_iter().flat_map(|log| log.messages("GPU installed in this system is"));
    Some(judge::install_driver(facts, knowledge, said.take(1).fold(finding, Finding::because)))
}
