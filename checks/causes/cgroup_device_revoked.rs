//! The container has lost its access to the GPU's device nodes.
//!
//! # Meaning
//! It worked when the container started. Then systemd on the machine underneath reloaded and wrote the container's list
//! of allowed devices anew, without the GPU that the container runtime had put there.
//!
//! # Detection
//! In a container: `/dev/nvidiactl` is there and its permissions allow it, and opening it fails with EPERM; or the list
//! of the first version of cgroups has no line for the driver's number 195.
//!
//! # Fix
//! Start the container again. For good: `nvidia-ctk system create-dev-char-symlinks --create-all` on the machine
//! underneath, or CDI, or the cgroup driver cgroupfs.
//!
//! # Source
//! NVIDIA/nvidia-container-toolkit#48, #251, #1227, NVIDIA/nvidia-docker#1671

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{Access, Facts},
};

/// `EPERM`: the list of allowed devices refuses; an ordinary lack of permission is `EACCES`.
const EPERM: i64 = 1;
/// The number of the driver's character devices.
const MAJOR: u32 = 195;
const CONTROL: &str = "/dev/nvidiactl";

pub(crate) static CAUSE: Cause = Cause {
    explains: &["module.nodes_accessible", "nvml.initializes", "driver.initializes"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let container = facts.platform.seen().and_then(|platform| platform.container.as_ref());
    let (Some(container), Some(module)) = (container, facts.module.seen()) else { return Vec::new() };
    let is_allowed = module.nodes.iter().any(|node| node.path == CONTROL && node.access == Access::Allowed);
    let opened = facts.nvml.seen().map(|nvml| &nvml.control);
    let is_refused = opened.is_some_and(|opened| opened.refusal_code() == Some(EPERM));
    let is_unlisted =
        container.allowed_devices.as_ref().is_some_and(|rules| !rules.iter().any(|rule| covers(rule)));
    if !is_allowed || !(is_refused || is_unlisted) {
        return Vec::new();
    }
    let finding = Finding::fail(
        Subject::Host,
        format!("{CONTROL} is open to everyone, and this container may not use it"),
    )
    .because(container.evidence.clone())
    .because(opened.map(crate::fact::Observed::why_not).filter(|_| is_refused).unwrap_or_default())
    .because(if is_unlisted { "no line for 195:* in /sys/fs/cgroup/devices/devices.list" } else { "" })
    .with("container", container.kind.clone());
    vec![if container.kind == "docker" { finding.run("docker restart CONTAINER") } else { finding }]
}

/// `c 195:* rw`, `c *:* rwm`, `a *:* rwm`.
fn covers(rule: &str) -> bool {
    let mut words = rule.split_whitespace();
    let (kind, numbers, access) = (words.next(), words.next().unwrap_or_default(), words.next());
    let major = numbers.split(':').next().unwrap_or_default();
    matches!(kind, Some("a" | "c"))
        && (major == "*" || major.parse() == Ok(MAJOR))
        && access.is_some_and(|access| access.contains('r') && access.contains('w'))
}
