//! The machine does not move memory to and from disk while it computes.
//!
//! # Meaning
//! Where programs want more memory than there is, Linux writes parts of it to disk and reads them again: everything waits
//! for that, and the GPU too. A container has a limit of its own, at which it is thrown out and read again in the same way.
//!
//! # Detection
//! `gpucheck slow`: more than 1 MiB a second is read from swap; that much is written and programs wait for memory a tenth of
//! the time (`/proc/pressure/memory`); they wait a fifth of the time; less than a fiftieth of the memory is available; or the
//! control group is at its limit and programs wait.
//!
//! # Fix
//! Shut down notebooks that are not used, take smaller data or batches, take a larger size.
//!
//! # Source
//! <https://docs.kernel.org/accounting/psi.html>, <https://docs.kernel.org/filesystems/proc.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    bottleneck::{self, Paging},
    fact::Facts,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Load],
    needs: &["pci.gpu_present"],
    severity: Severity::Degraded,
    who: Who::Student,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    let host = Subject::Host;
    match bottleneck::paging(facts) {
        Some(Paging::Fine(left)) => vec![Finding::pass(host, left)],
        Some(Paging::Pages { summary, evidence, .. }) => {
            vec![evidence.into_iter().fold(Finding::fail(host, summary), Finding::because)]
        }
        // Why the host could not be measured is said once.
        None if bottleneck::is_watched(facts) => vec![Finding::not_applicable(host, "it was not measured")],
        None => Vec::new(),
    }
}
