//! The container was started without the GPU.
//!
//! # Meaning
//! The machine underneath has a GPU with its driver loaded; the container runtime was not told to hand it in.
//!
//! # Detection
//! In a container the bus shows the GPU and `/proc/modules` the driver, and there is no `/dev/nvidiactl` and no driver
//! library.
//!
//! # Fix
//! Start the container with `--gpus all`; the host needs nvidia-container-toolkit.
//!
//! # Source
//! <https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html>,
//! AbdBarho/stable-diffusion-webui-docker#348

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Subject, Who, fact::Facts};

pub(crate) static CAUSE: Cause = Cause {
    explains: &[
        "module.built_for_running_kernel",
        "module.loaded",
        "module.nodes_accessible",
        "module.unified_memory",
        "nvml.loads",
        "driver.loads",
    ],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    let container = facts.platform.seen().and_then(|platform| platform.container.as_ref());
    let (Some(container), Some(module)) = (container, facts.module.seen()) else { return Vec::new() };
    let has_nodes = module.nodes.iter().any(|node| node.path.starts_with("/dev/nvidia"));
    if has_nodes || !module.has_driver() || facts.gpus().next().is_none() {
        return Vec::new();
    }
    let visible = container.nvidia_visible_devices.as_deref();
    let finding =
        Finding::fail(Subject::Host, format!("{} container without any /dev/nvidia*", container.kind))
            .because(container.evidence.clone())
            .because(format!("NVIDIA_VISIBLE_DEVICES is {}", visible.unwrap_or("not set")))
            .see(
                "https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html",
            );
    vec![match container.kind.as_str() {
        "docker" => finding.run("docker run --gpus all IMAGE"),
        "podman" => finding.variant("podman").run("podman run --device nvidia.com/gpu=all IMAGE"),
        "kubernetes" => finding.variant("kubernetes"),
        "lxc" => finding.variant("lxc").run("lxc config device add CONTAINER gpu gpu && lxc config set CONTAINER nvidia.runtime true && lxc restart CONTAINER"),
        "systemd-nspawn" => finding.variant("nspawn"),
        _ => finding,
    }]
}
