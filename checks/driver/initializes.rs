//! CUDA starts.
//!
//! # Meaning
//! `cuInit` is what every framework calls first; when it refuses, all of them stay on the CPU.
//!
//! # Detection
//! `cuInit(0)` returns 0, in a process of its own. 100 is "no device", 34 "this is a stub", 803 "driver and library
//! do not belong together", 804 "forward compatibility on this hardware", 802 "fabric not ready", 999 "unknown",
//! often unified memory: missing, or stuck after the machine was suspended or moved to another host.
//!
//! # Fix
//! By its code.
//!
//! # Source
//! <https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TYPES.html>

use crate::{Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who, fact::Facts, judge};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Driver],
    needs: &[
        "driver.loads",
        "module.loaded",
        "module.nodes_accessible",
        "module.unified_memory",
        "module.drives_gpu",
    ],
    severity: Severity::Unusable,
    who: Who::Instructor,
    judge: judge_init,
};

fn judge_init(facts: &Facts, _: &Knowledge) -> Judged {
    let driver = facts.driver.seen();
    let finding = if let Some(trouble) = judge::call(&facts.driver, |driver| &driver.init) {
        let library = driver.and_then(|driver| driver.library.seen());
        variant(facts, trouble).because(library.map(|path| format!("library {path}")).unwrap_or_default())
    } else {
        let version = driver.and_then(|driver| driver.version.seen());
        let version = version.map(|version| format!("{}.{}", version / 1000, version % 1000 / 10));
        Finding::pass(Subject::Host, format!("CUDA {}", version.as_deref().unwrap_or("of unknown version")))
    };
    vec![finding]
}

/// 802 is `CUDA_ERROR_SYSTEM_NOT_READY`, 999 `CUDA_ERROR_UNKNOWN`.
fn variant(facts: &Facts, trouble: Finding) -> Finding {
    match facts.driver.seen().and_then(|driver| driver.init.refusal_code()) {
        Some(802) => trouble.variant("not_ready"),
        Some(999) if may_be_stuck(facts) => {
            trouble.variant("stuck").run("sudo rmmod nvidia_uvm && sudo modprobe nvidia_uvm")
        }
        _ => judge::for_place(facts, trouble),
    }
}

/// Unified memory is loaded and NVML is fine: so it looks after a machine was suspended or moved to another host.
fn may_be_stuck(facts: &Facts) -> bool {
    let loaded = facts.module.seen().is_some_and(|module| module.is_loaded("nvidia_uvm"));
    let nvml = facts.nvml.seen().is_some_and(|nvml| nvml.init.seen().is_some());
    loaded && nvml && !judge::in_container(facts)
}
