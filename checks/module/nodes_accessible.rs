//! The asking user may open the driver's device nodes.
//!
//! # Meaning
//! Programs reach the driver through `/dev/nvidiactl` and `/dev/nvidia0`, `/dev/nvidia1`, ... A node that is missing
//! or closed to a user makes the GPU unusable for that user alone; with sudo everything works.
//!
//! # Detection
//! Owner, group and mode of each node against the user's ids. A missing node is no fault where a setuid
//! `nvidia-modprobe` makes it on first use, nor where NVML or CUDA opened a GPU all the same.
//!
//! # Fix
//! Join the node's group and log in anew, or let the module make nodes for everyone
//! (`options nvidia NVreg_DeviceFileMode=0666`).
//!
//! # Source
//! NVIDIA/nvidia-container-toolkit#210, NVIDIA/nvidia-modprobe#7

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Access, DeviceNode, Facts, Module},
    judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Module, Source::Nvml, Source::Driver],
    needs: &["module.loaded"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    judge::module(facts, |module| judge_module(facts, module))
}

fn judge_module(facts: &Facts, module: &Module) -> Finding {
    let host = Subject::Host;
    let nodes: Vec<&DeviceNode> = module.nodes.iter().filter(|node| is_needed(&node.path)).collect();
    let denied: Vec<&DeviceNode> =
        nodes.iter().copied().filter(|node| node.access == Access::Denied).collect();
    if opened_all_the_same(facts) {
        Finding::pass(host, "the driver was opened")
    } else if let Some(finding) = judge::denied(facts, &denied) {
        finding
    } else if nodes.iter().any(|node| node.access == Access::Unknown) {
        Finding::unknown(host, "the permissions of the nodes could not be read")
    } else if is_complete(&nodes) {
        Finding::pass(host, format!("{} nodes, open to {}", nodes.len(), judge::user(facts)))
    } else {
        missing(module, &nodes)
    }
}

fn missing(module: &Module, nodes: &[&DeviceNode]) -> Finding {
    let present: Vec<&str> = nodes.iter().map(|node| node.path.as_str()).collect();
    let present = if present.is_empty() { "none".to_owned() } else { present.join(", ") };
    if module.modprobe_setuid && module.has_driver() {
        return Finding::pass(Subject::Host, "nvidia-modprobe makes the missing nodes on first use");
    }
    Finding::fail(Subject::Host, "device nodes of the driver are missing")
        .variant("missing")
        .because(format!("present: {present}"))
        .run("sudo nvidia-modprobe -c=0 -u")
}

fn is_needed(path: &str) -> bool {
    path == "/dev/nvidiactl" || is_gpu(path)
}

fn is_gpu(path: &str) -> bool {
    path.strip_prefix("/dev/nvidia")
        .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()))
}

fn is_complete(nodes: &[&DeviceNode]) -> bool {
    nodes.iter().any(|node| node.path == "/dev/nvidiactl") && nodes.iter().any(|node| is_gpu(&node.path))
}

fn opened_all_the_same(facts: &Facts) -> bool {
    facts.nvml_devices().next().is_some() || facts.cuda_devices().next().is_some()
}
