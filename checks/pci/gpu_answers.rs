//! The GPU answers on the bus.
//!
//! # Meaning
//! A GPU that has fallen off the bus is listed and dead: every read of it returns ones.
//!
//! # Detection
//! The first bytes of `/sys/bus/pci/devices/*/config` are all 0xff.
//!
//! # Fix
//! Stop (deallocate) and start the virtual machine so that it lands on another host; a reboot from inside may not
//! reset the card. Repeated: a ticket.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/xid-errors/> (Xid 79), leptonai/gpud#1209, NVIDIA/NVSentinel#155

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{ConfigSpace, Facts},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci],
    needs: &["pci.gpu_present"],
    severity: Severity::Unusable,
    who: Who::Platform,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    facts
        .gpus()
        .map(|gpu| {
            let subject = Subject::Gpu(gpu.address.clone());
            match gpu.config {
                ConfigSpace::Answers => Finding::pass(subject, "its config space answers"),
                ConfigSpace::AllOnes => Finding::fail(subject, "its config space reads all ones"),
                ConfigSpace::Unreadable => Finding::unknown(subject, "its config space could not be read"),
            }
        })
        .collect()
}
