//! The GPU waits for the machine around it.
//!
//! # Meaning
//! Data goes through the machine's memory and disks on its way to the GPU. Where one of them is full, the GPU waits, or
//! the program fails for another reason than the GPU.
//!
//! # Detection
//! Less than a twentieth of the memory is available; a disk that programs write to is full. `gpucheck slow`: the GPU works less
//! than 60 % of the time for a program, and all cores, a limit on them, a disk or one of the program's threads is full.
//!
//! # Fix
//! End what holds memory, delete what is not needed, take a larger size. Let more workers prepare data, and ahead of time.
//!
//! # Source
//! ultralytics/yolov5#5681, pytorch/pytorch#5040, <https://github.com/leestott/Azure-GPU-Setup>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    bottleneck::{self, Feeding, Told},
    fact::Facts,
    readings,
};

const ROOM: [&str; 2] = ["performance.host_memory_free", "performance.disk_has_room"];
const FED: &str = "load.is_fed";

pub(crate) static CAUSE: Cause = Cause {
    explains: &["performance.host_memory_free", "performance.disk_has_room", FED],
    severity: Severity::Degraded,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    starved(facts, outcomes).into_iter().chain(without_room(facts, outcomes)).collect()
}

/// A GPU that was seen waiting, with the texts to what it waits for.
fn starved(facts: &Facts, outcomes: &[Outcome]) -> Vec<Finding> {
    let Some(Told::Work(watch)) = bottleneck::told(facts) else { return Vec::new() };
    let Some(Feeding::Starved { by, .. }) = bottleneck::feeding(&watch) else { return Vec::new() };
    let command = match by.variant {
        "disk" => "df -hT . && cat /proc/pressure/io",
        "limit" => "cat /sys/fs/cgroup/cpu.max /sys/fs/cgroup/cpu.stat",
        _ => "top -b -n 1 -H | head -20",
    };
    let word = |finding: Finding| finding.variant(by.variant).run(command);
    readings::as_told(outcomes, FED).into_iter().map(word).collect()
}

fn without_room(facts: &Facts, outcomes: &[Outcome]) -> Vec<Finding> {
    let told: Vec<&Outcome> = ROOM.iter().flat_map(|id| readings::troubled(outcomes, id)).collect();
    let summaries: Vec<&str> = told.iter().map(|outcome| outcome.summary.as_str()).collect();
    if told.is_empty() {
        return Vec::new();
    }
    let finding = Finding::fail(Subject::Host, summaries.join("; "))
        .run("df -h / /home /tmp")
        .run("ps -eo pid,user,rss,comm --sort=-rss | head");
    let finding =
        told.iter().fold(finding, |finding, outcome| finding.accounting_for(&outcome.id, &outcome.subject));
    // Whether the GPU waits was seen.
    let finding = if bottleneck::is_watched(facts) { finding.variant("room") } else { finding };
    vec![told.iter().flat_map(|outcome| outcome.evidence.clone()).fold(finding, Finding::because)]
}
