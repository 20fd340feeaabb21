//! The GPU waits for the machine around it.
//!
//! # Meaning
//! Data goes through the machine's memory and disks on its way to the GPU. Where one of them is full, the GPU waits, or
//! the program fails for another reason than the GPU.
//!
//! # Detection
//! Less than a twentieth of the memory is available; a disk that programs write to is full.
//!
//! # Fix
//! End what holds memory, delete what is not needed, take a larger size.
//!
//! # Source
//! ultralytics/yolov5#5681, pytorch/pytorch#5040, <https://github.com/leestott/Azure-GPU-Setup>

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Subject, Who, fact::Facts, readings};

const ROOM: [&str; 2] = ["performance.host_memory_free", "performance.disk_has_room"];

pub(crate) static CAUSE: Cause =
    Cause { explains: &ROOM, severity: Severity::Degraded, who: Who::Student, recognize };

fn recognize(_: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let told: Vec<&Outcome> = ROOM.iter().flat_map(|id| readings::troubled(outcomes, id)).collect();
    let summaries: Vec<&str> = told.iter().map(|outcome| outcome.summary.as_str()).collect();
    if told.is_empty() {
        return Vec::new();
    }
    let finding = Finding::fail(Subject::Host, summaries.join("; "))
        .run("df -h / /home /tmp")
        .run("ps -eo pid,user,rss,comm --sort=-rss | head");
    vec![told.iter().flat_map(|outcome| outcome.evidence.clone()).fold(finding, Finding::because)]
}
