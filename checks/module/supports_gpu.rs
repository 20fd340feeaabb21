//! The driver supports the GPU.
//!
//! # Meaning
//! Each branch of the driver knows the cards of its time. Old cards are dropped after some years (a K80 ends with 470,
//! a V100 with 580), new ones need a newer branch; cards before Turing need the proprietary module, Blackwell the open
//! one.
//!
//! # Detection
//! The version and the kind of the module, loaded or installed, against the table of architectures; what the module
//! says of the card in the kernel log. A card that the driver lists is supported, whatever a table says.
//!
//! # Fix
//! Install the newest branch that supports the card, with the module that fits it.
//!
//! # Source
//! NVIDIA/open-gpu-kernel-modules README.md, negativo17/nvidia-driver#158, anomixer/proxmox-vgpu-installer#29,
//! Start9Labs/start-technologies#3693

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Facts, PciFunction},
    installed::{self, Unsupported},
    judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Module, Source::Log, Source::Installation, Source::Nvml, Source::Driver],
    needs: &["pci.gpu_present", "module.built_for_running_kernel"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    judge: judge_all,
};

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    facts.gpus().map(|gpu| judge_gpu(facts, knowledge, gpu)).collect()
}

fn judge_gpu(facts: &Facts, knowledge: &Knowledge, gpu: &PciFunction) -> Finding {
    let subject = Subject::Gpu(gpu.address.clone());
    let version = facts.module.seen().and_then(installed::driver_version);
    let driver = version.map_or("the driver".to_owned(), |version| format!("driver {version}"));
    let row = knowledge.architecture_of_device(gpu.device);
    let card = row.map_or("this card".to_owned(), |row| format!("{} cards", row.name));
    let trouble = match installed::support(facts, knowledge, gpu) {
        Some(Ok(())) => return Finding::pass(subject, format!("{driver} supports {card}")),
        Some(Err(trouble)) => trouble,
        None if row.is_none() => {
            return Finding::unknown(subject, format!("the tables do not know 10de:{:04x}", gpu.device));
        }
        None => return Finding::unknown(subject, "the version of the driver is not known"),
    };
    let summary = match trouble {
        Unsupported::OlderThanCard(first) => format!("{driver}: {card} need branch {first} or newer"),
        Unsupported::Dropped(last) => format!("{driver}: {last} is the last branch for {card}"),
        Unsupported::NeedsProprietary => {
            format!("{driver} has the open module: {card} need the proprietary one")
        }
        Unsupported::NeedsOpen => format!("{driver} has the proprietary module: {card} need the open one"),
    };
    judge::install_driver(facts, knowledge, Finding::fail(subject, summary))
}
