//! NVML starts.
//!
//! # Meaning
//! NVML's first call opens the driver. Its error names most troubles between module and user space.
//!
//! # Detection
//! `nvmlInit_v2` returns 0. 9 is "driver not loaded", 4 "no permission", 18 "driver and library version mismatch".
//!
//! # Fix
//! By its code; after an update of the driver: reboot.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html>

use crate::{Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who, fact::Facts, judge};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Nvml],
    needs: &["nvml.loads", "module.loaded", "module.nodes_accessible", "module.drives_gpu"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    judge: judge_init,
};

fn judge_init(facts: &Facts, _: &Knowledge) -> Judged {
    let finding = if let Some(trouble) = judge::call(&facts.nvml, |nvml| &nvml.init) {
        judge::for_place(facts, trouble)
    } else {
        let version = facts.nvml.seen().and_then(|nvml| nvml.driver_version.seen());
        Finding::pass(
            Subject::Host,
            format!("driver {}", version.map_or("of unknown version", String::as_str)),
        )
    };
    vec![finding]
}
