//! NVML answers to the end.
//!
//! # Meaning
//! NVML listed the cards, and one of its calls never returned or ended the process. What it tells after that call, such
//! as power, errors of memory or processes, is not known; `nvidia-smi` is lost at the same place. CUDA may compute
//! nevertheless.
//!
//! # Detection
//! The child that asks NVML told each card and broke off later. The report names the call.
//!
//! # Fix
//! Read what the driver says in `sudo dmesg`, then reboot. If it returns: reinstall the driver.
//!
//! # Source
//! NVIDIA/open-gpu-kernel-modules#1104, <https://docs.nvidia.com/deploy/nvml-api/>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, Observed},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Nvml],
    needs: &["nvml.sees_gpu"],
    severity: Severity::Degraded,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    let host = Subject::Host;
    // A card that NVML did not come to is told as one that it does not list.
    let told = facts.gpus().all(|gpu| facts.nvml_device(&gpu.address).is_some());
    vec![match &facts.nvml {
        Observed::Seen(nvml) if nvml.devices.seen().is_some() => Finding::pass(host, "every call returned"),
        Observed::Interrupted { seen, by } if seen.devices.seen().is_some() && told => {
            Finding::new(host, Verdict::Warn, by.to_string()).run("sudo dmesg | grep -iE 'nvrm|xid' | tail")
        }
        Observed::Interrupted { .. } => Finding::not_applicable(host, "NVML ended before it told every card"),
        Observed::Seen(_) | Observed::Failed(_) | Observed::NotProbed { .. } => {
            Finding::unknown(host, crate::judge::why(&facts.nvml, |nvml| nvml.devices.why_not()))
        }
    }]
}
