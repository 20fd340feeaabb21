//! The machine has memory left beside the GPU's.
//!
//! # Meaning
//! Data goes through the machine's own memory on its way to the GPU. Where that is full, Linux swaps, and the GPU waits.
//!
//! # Detection
//! Less than a twentieth of the memory could be had without swapping.
//!
//! # Fix
//! End programs that hold memory; take a larger size.
//!
//! # Source
//! <https://docs.kernel.org/filesystems/proc.html> (`MemAvailable`), ultralytics/yolov5#5681

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, RamAndSwap},
    readings::size,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform],
    needs: &["pci.gpu_present"],
    severity: Severity::Degraded,
    who: Who::Student,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    let host = Subject::Host;
    let Some(platform) = facts.platform.seen() else {
        return vec![Finding::unknown(host, facts.platform.why_not())];
    };
    let Some(memory) = platform.memory.seen() else {
        return vec![Finding::unknown(host, platform.memory.why_not())];
    };
    let RamAndSwap { total, available, swap_total, swap_used } = *memory;
    if total == 0 || available > total || swap_used > swap_total {
        return vec![Finding::unknown(host, format!("{available} of {total} bytes do not fit together"))];
    }
    let summary = format!("{} available of {}", size(available), size(total));
    vec![if available < total / 20 {
        Finding::new(host, Verdict::Warn, summary)
            .because(format!("{} of {} swap in use", size(swap_used), size(swap_total)))
            .run("ps -eo pid,user,rss,comm --sort=-rss | head")
    } else {
        Finding::pass(host, summary)
    }]
}
