//! A GPU that MIG divides has instances.
//!
//! # Meaning
//! With MIG on, CUDA shows the instances of a card and never the card itself. Without an instance there is nothing to
//! show, while `nvidia-smi` lists the card as ever.
//!
//! # Detection
//! `nvmlDeviceGetMigMode` says that MIG is on, and `nvmlDeviceGetMigDeviceHandleByIndex` finds an instance. MIG that is
//! off now and comes with the next reset is a warning.
//!
//! # Fix
//! `sudo nvidia-smi mig -lgip` lists what fits; `sudo nvidia-smi mig -cgi PROFILE -C` makes instances. Or turn MIG off.
//!
//! # Source
//! <https://docs.nvidia.com/datacenter/tesla/mig-user-guide/>, nanoporetech/megalodon#275

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, NvmlDevice},
    readings,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Nvml],
    needs: &["nvml.sees_gpu"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    readings::each_gpu(facts, judge_device)
}

fn judge_device(subject: Subject, device: &NvmlDevice) -> Finding {
    match readings::value(&subject, &device.mig_mode) {
        Err(finding) => *finding,
        Ok((true, _)) => match device.mig_instances.seen() {
            Some(instances) if instances.is_empty() => {
                let off = format!("sudo nvidia-smi -i {} -mig 0", device.index);
                Finding::fail(subject, "MIG is on, and no instance is made").run(off)
            }
            Some(instances) => Finding::pass(subject, format!("{} MIG instances", instances.len())),
            None => Finding::unknown(subject, format!("MIG is on: {}", device.mig_instances.why_not())),
        },
        Ok((false, true)) => {
            let off = format!("sudo nvidia-smi -i {} -mig 0", device.index);
            Finding::new(subject, Verdict::Warn, "MIG is off, and comes on with the next reset")
                .variant("pending")
                .run(off)
        }
        Ok((false, false)) => Finding::not_applicable(subject, "MIG is off"),
    }
}
