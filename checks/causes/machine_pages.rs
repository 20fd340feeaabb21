//! The machine has too little memory, and moves it to and from disk.
//!
//! # Meaning
//! Programs want more memory than there is. Linux writes parts of it to disk and reads them again, thousands of times slower
//! than memory is, and everything waits for that.
//!
//! # Detection
//! `gpucheck slow`: traffic to and from swap, time that programs waited for memory, what is available at the least, and the
//! limit of the control group.
//!
//! # Fix
//! Shut down notebooks that are not used, load less data at once, take a larger size; in a container, raise its limit.
//!
//! # Source
//! <https://docs.kernel.org/accounting/psi.html>, <https://docs.kernel.org/admin-guide/cgroup-v2.html>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Who,
    bottleneck::{self, Paging},
    fact::Facts,
    readings,
};

const PAGES: &str = "load.does_not_page";

pub(crate) static CAUSE: Cause =
    Cause { explains: &[PAGES], severity: Severity::Degraded, who: Who::Student, recognize };

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let Some(Paging::Pages { of_group, .. }) = bottleneck::paging(facts) else { return Vec::new() };
    let word = |finding: Finding| {
        let finding = finding.run("ps -eo pid,user,rss,comm --sort=-rss | head");
        if of_group { finding.variant("group") } else { finding }
    };
    readings::as_told(outcomes, PAGES).into_iter().map(word).collect()
}
