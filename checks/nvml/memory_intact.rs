//! The GPU's memory has no errors waiting to be mended.
//!
//! # Meaning
//! Memory with error correction counts the errors that it could not correct. Cards up to Volta take such pages out of
//! use, later ones put spare rows in their place; both happen at the next reset, and spare rows may run out.
//!
//! # Detection
//! `nvmlDeviceGetRemappedRows`: pending or failed; `nvmlDeviceGetRetiredPagesPendingStatus`; uncorrected errors since
//! the driver was loaded. That error correction goes on or off with the next reset is told, and is no fault.
//!
//! # Fix
//! Reset the GPU: stop (deallocate) and start the machine. Where rows could not be replaced, take another card or host.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/dynamic-page-retirement/>, <https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/>,
//! leptonai/gpud#80

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, NvmlDevice, Observed, RemappedRows, RetiredPages},
    readings,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Nvml],
    needs: &["nvml.sees_gpu"],
    severity: Severity::Degraded,
    who: Who::Platform,
    judge,
};

/// More errors, rows or pages than any card can have: no numbers, but what stands for "none" somewhere.
const ABSURD: u64 = 1 << 31;

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    readings::each_gpu(facts, judge_device)
}

fn judge_device(subject: Subject, device: &NvmlDevice) -> Finding {
    let errors = &device.ecc.volatile_uncorrected;
    let readings = [
        told(&device.remapped_rows, remapped),
        told(&device.retired_pages, retired),
        told(errors, |count| uncorrected(*count)),
    ];
    let mut troubles = readings.iter().filter_map(|reading| match reading {
        Told::Trouble(text) => Some(text.clone()),
        Told::Fine(_) | Told::NotThere | Told::Untold(_) => None,
    });
    if let Some(first) = troubles.next() {
        let finding = Finding::new(subject, Verdict::Warn, first);
        return troubles.fold(finding, Finding::because);
    }
    let untold = readings.iter().find_map(|reading| match reading {
        Told::Untold(why) => Some(why.clone()),
        Told::Fine(_) | Told::NotThere | Told::Trouble(_) => None,
    });
    if let Some(why) = untold {
        return Finding::unknown(subject, why);
    }
    let fine: Vec<&str> = readings.iter().filter_map(Told::fine).collect();
    if fine.is_empty() {
        let summary = "its memory has no error correction, or it is off";
        return Finding::not_applicable(subject, format!("{summary}{}", after_reset(device)));
    }
    let summary = fine.join(", ");
    Finding::pass(subject, format!("{summary}{}", after_reset(device)))
}

/// What a reset changes about error correction: it takes some of the memory, or gives it back.
fn after_reset(device: &NvmlDevice) -> &'static str {
    match device.ecc.mode.seen() {
        Some((true, false)) => "; error correction goes off with the next reset",
        Some((false, true)) => "; error correction comes on with the next reset",
        Some((true, true) | (false, false)) | None => "",
    }
}

/// What one reading says of the memory.
enum Told {
    Fine(String),
    Trouble(String),
    NotThere,
    Untold(String),
}

impl Told {
    fn fine(&self) -> Option<&str> {
        match self {
            Self::Fine(text) => Some(text),
            Self::Trouble(_) | Self::NotThere | Self::Untold(_) => None,
        }
    }
}

fn told<T>(reading: &Observed<T>, judge: impl FnOnce(&T) -> Told) -> Told {
    match reading.seen() {
        Some(value) => judge(value),
        None if readings::is_not_there(reading) => Told::NotThere,
        None => Told::Untold(reading.why_not()),
    }
}

fn remapped(rows: &RemappedRows) -> Told {
    let RemappedRows { corrected, uncorrected, pending, failed } = rows;
    let count = u64::from(*corrected) + u64::from(*uncorrected);
    if count >= ABSURD {
        Told::Untold(format!("{count} remapped rows are more than a card has"))
    } else if *failed {
        Told::Trouble("a faulty row could not be replaced: the spare ones are used up".to_owned())
    } else if *pending {
        Told::Trouble(format!("faulty rows wait for a reset to be replaced ({count} are replaced)"))
    } else {
        Told::Fine(format!("{count} rows replaced"))
    }
}

fn retired(pages: &RetiredPages) -> Told {
    let RetiredPages { single_bit, double_bit, pending } = pages;
    let count = u64::from(*single_bit) + u64::from(*double_bit);
    if count >= ABSURD {
        Told::Untold(format!("{count} retired pages are more than a card has"))
    } else if *pending {
        Told::Trouble(format!("faulty pages wait for a reset to be taken out of use ({count} are)"))
    } else {
        Told::Fine(format!("{count} pages retired"))
    }
}

fn uncorrected(count: u64) -> Told {
    match count {
        0 => Told::Fine("no uncorrected error".to_owned()),
        count if count >= ABSURD => Told::Untold(format!("{count} errors are no count")),
        count => Told::Trouble(format!("{count} uncorrected errors since the driver was loaded")),
    }
}
