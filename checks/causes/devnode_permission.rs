//! The user may not open the driver's device nodes.
//!
//! # Meaning
//! The GPU works with sudo and for members of a group; this user is not one of them.
//!
//! # Detection
//! `/dev/nvidiactl`, `/dev/nvidia0`, ... or `/dev/nvidia-uvm` deny reading and writing to the user by owner, group and
//! mode.
//!
//! # Fix
//! Add the user to the group of the nodes and log in anew, Jupyter's service too.
//!
//! # Source
//! NVIDIA/nvidia-container-toolkit#210, NVIDIA/nvidia-docker#284

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Who,
    fact::{Access, Facts},
    judge,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["module.nodes_accessible", "module.unified_memory"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let nodes = facts.module.seen().into_iter().flat_map(|module| &module.nodes);
    let denied: Vec<_> =
        nodes.filter(|node| node.path.starts_with("/dev/nvidia") && node.access == Access::Denied).collect();
    let (Some(first), Some(finding)) = (denied.first(), judge::denied(facts, &denied)) else {
        return Vec::new();
    };
    let uid = judge::uid(facts).map_or(String::new(), |uid| format!(" {uid}"));
    // Nobody should join the group of root.
    vec![if first.mode & 0o060 == 0o060 && first.gid != 0 {
        finding.run(format!("sudo usermod -aG \"$(stat -c %G {})\" \"$(id -un{uid})\"", first.path))
    } else {
        finding.variant("owner_only").run(
            "echo 'options nvidia NVreg_DeviceFileMode=0666' | sudo tee /etc/modprobe.d/nvidia-nodes.conf",
        )
    }]
}
