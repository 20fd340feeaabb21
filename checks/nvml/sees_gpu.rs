//! NVML sees the GPU.
//!
//! # Meaning
//! The driver has started and still does not list a card that is on the bus, or cannot open it: the card failed to
//! start, or is lost.
//!
//! # Detection
//! A device of NVML with the PCI address of the card, opened without error and not lost while it was watched afterwards; 15 is
//! "GPU is lost".
//!
//! # Fix
//! Read what the driver says of this card in `sudo dmesg`; then stop (deallocate) and start the machine.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html>, leptonai/gpud#604

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, Nvml, NvmlDevice, Observed, PciFunction},
    xid,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Nvml, Source::Load],
    needs: &["nvml.initializes", "pci.gpu_answers", "module.drives_gpu"],
    severity: Severity::Unusable,
    who: Who::Platform,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    let mut judged: Judged = facts.gpus().map(|gpu| judge_gpu(facts, gpu)).collect();
    let missing = judged.iter().filter(|finding| finding.verdict == Verdict::Fail).count();
    let failures = facts.nvml.seen().and_then(|nvml| nvml.devices.seen()).into_iter().flatten();
    // A device that no card on the bus accounts for.
    judged.extend(
        failures
            .filter_map(Observed::failure)
            .skip(missing)
            .map(|by| Finding::fail(Subject::Host, by.to_string())),
    );
    judged
}

fn judge_gpu(facts: &Facts, gpu: &PciFunction) -> Finding {
    let subject = Subject::Gpu(gpu.address.clone());
    if let Some(device) = facts.nvml_device(&gpu.address) {
        let name = device.name.seen().map_or("a GPU without a name", String::as_str);
        let listed = format!("{name}, index {}", device.index);
        return match xid::lost_since(facts, &gpu.address) {
            None => Finding::pass(subject, listed),
            Some(how) => Finding::fail(subject, format!("{listed}, was lost while it was watched: {how}")),
        };
    }
    match facts.nvml.seen().map(|nvml| (nvml, &nvml.devices)) {
        Some((nvml, Observed::Seen(devices))) => {
            let lost = facts.nvml.failure().map(ToString::to_string).unwrap_or_default();
            unlisted(subject, nvml, devices, lost)
        }
        Some((_, Observed::Failed(by) | Observed::Interrupted { by, .. })) => {
            Finding::fail(subject, by.to_string())
        }
        Some((_, Observed::NotProbed { .. })) | None => untold(subject, facts),
    }
}

/// No list. An NVML that has started and does not live to tell its devices has failed at that.
fn untold(subject: Subject, facts: &Facts) -> Finding {
    match &facts.nvml {
        Observed::Interrupted { seen, by } if seen.init.seen().is_some() => {
            Finding::fail(subject, by.to_string())
        }
        Observed::Seen(_)
        | Observed::Interrupted { .. }
        | Observed::Failed(_)
        | Observed::NotProbed { .. } => {
            Finding::unknown(subject, crate::judge::why(&facts.nvml, |nvml| nvml.devices.why_not()))
        }
    }
}

fn unlisted(subject: Subject, nvml: &Nvml, devices: &[Observed<NvmlDevice>], lost: String) -> Finding {
    let finding =
        Finding::fail(subject, format!("not among the {} devices that NVML opened", opened(devices)));
    let failed = devices.iter().filter_map(Observed::failure);
    let finding = failed.fold(finding, |finding, by| finding.because(by.to_string())).because(lost);
    match nvml.driver_version.seen() {
        Some(version) => finding.because(format!("driver {version}")),
        None => finding,
    }
    .run("sudo dmesg | grep -iE 'nvrm|xid' | tail")
}

fn opened(devices: &[Observed<NvmlDevice>]) -> usize {
    devices.iter().filter(|device| device.seen().is_some()).count()
}
