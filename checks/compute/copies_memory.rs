//! Copies from, to and within the GPU's memory arrive as they were sent.
//!
//! # Meaning
//! Data goes over the PCI Express link and through the card's copy engines. A link or an engine that changes it gives
//! programs wrong data, and no program says so.
//!
//! # Detection
//! A copy from page-locked memory of the host, one to it and one within the GPU's memory, each compared byte by byte.
//!
//! # Fix
//! Take the machine out of use: stop (deallocate) and start it to take another host. On your own hardware reseat the card
//! and its riser.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/xid-errors/>, <https://docs.nvidia.com/datacenter/dcgm/latest/user-guide/dcgm-diagnostics.html> (PCIe)

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who, at_work,
    fact::{Facts, Observed, Transfer, WorkDevice},
    readings::size,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Nvml, Source::Driver, Source::Work],
    needs: &["compute.adds_vectors", "compute.memory_holds"],
    severity: Severity::Unusable,
    who: Who::Platform,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    at_work::each_gpu(facts, |subject, device| judge_device(facts, subject, device))
}

fn judge_device(facts: &Facts, subject: Subject, device: &WorkDevice) -> Option<Finding> {
    let copies = [
        ("a copy within the memory", &device.copy),
        ("an upload", &device.upload),
        ("a download", &device.download),
    ];
    let of = |(what, copy): (&str, &Observed<Transfer>)| {
        let wrong = copy.seen().filter(|copy| copy.wrong > 0);
        let wrong = wrong.map(|copy| {
            let Transfer { wrong, bytes, .. } = copy;
            Finding::fail(subject.clone(), format!("{wrong} bytes of {what} arrived wrong"))
                .because(format!("{} were copied", size(*bytes)))
        });
        wrong.or_else(|| at_work::unfinished(facts, &subject, device, copy))
    };
    let was_tried = |copy: &Observed<Transfer>| !matches!(copy, Observed::NotProbed { .. });
    // What was left out says nothing, and the rest is judged.
    let tried: Vec<_> = copies.into_iter().filter(|(_, copy)| was_tried(copy)).collect();
    let findings: Vec<Finding> = tried.iter().copied().filter_map(of).collect();
    let failed = findings.iter().find(|finding| finding.verdict == Verdict::Fail);
    if let Some(finding) = failed.or_else(|| findings.first()) {
        return Some(finding.clone());
    }
    if tried.iter().any(|(_, copy)| copy.seen().is_none_or(|copy| copy.bytes == 0)) {
        return Some(Finding::unknown(subject, "nothing was copied"));
    }
    let ways: Vec<&str> = tried.iter().map(|(what, _)| *what).collect();
    (!ways.is_empty()).then(|| Finding::pass(subject, format!("{}: every byte right", ways.join(", "))))
}
