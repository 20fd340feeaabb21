//! Container or not, by the traces that runtimes leave.

use crate::root::Root;
use gpucheck_checks::fact::Container;

/// Rules for devices that are kept at most.
const RULES: usize = 200;
/// Characters kept of each.
const RULE: usize = 40;

/// Variables of the environment that tell of a container.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// `container`, set by systemd-nspawn, podman and lxc.
    pub container: Option<String>,
    /// `KUBERNETES_SERVICE_HOST`.
    pub kubernetes: bool,
    /// `NVIDIA_VISIBLE_DEVICES`.
    pub nvidia_visible_devices: Option<String>,
}

impl Environment {
    /// Those of this process.
    pub fn of_this_process() -> Self {
        Self {
            container: std::env::var("container").ok(),
            kubernetes: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some(),
            nvidia_visible_devices: std::env::var("NVIDIA_VISIBLE_DEVICES").ok(),
        }
    }
}

/// The container around, if any. The first trace counts; files speak for the root that is looked at, variables
/// for this machine only.
pub(super) fn detect(root: &Root, environment: &Environment) -> Option<Container> {
    let (kind, evidence) =
        by_files(root).or_else(|| root.is_this_machine().then(|| by_environment(environment)).flatten())?;
    let nvidia_visible_devices = environment.nvidia_visible_devices.clone();
    let allowed_devices = allowed_devices(root);
    Some(Container { kind, evidence, nvidia_visible_devices, allowed_devices })
}

/// What the first version of cgroups lists: `c 195:* rw` and the like, `a *:* rwm` where everything is allowed.
fn allowed_devices(root: &Root) -> Option<Vec<String>> {
    let text = root.configuration("/sys/fs/cgroup/devices/devices.list")?;
    Some(text.lines().take(RULES).map(|line| line.chars().take(RULE).collect()).collect())
}

fn by_files(root: &Root) -> Option<(String, String)> {
    if root.exists("/run/.containerenv") {
        return Some(("podman".to_owned(), "/run/.containerenv".to_owned()));
    }
    if root.exists("/.dockerenv") {
        return Some(("docker".to_owned(), "/.dockerenv".to_owned()));
    }
    if let Some(kind) = root.value("/run/systemd/container").filter(|kind| !kind.is_empty()) {
        return Some((kind, "/run/systemd/container".to_owned()));
    }
    let cgroups = root.text_of("/proc/1/cgroup")?;
    let traces = [("kubepods", "kubernetes"), ("docker", "docker"), ("libpod", "podman"), ("lxc", "lxc")];
    let (trace, kind) = traces.into_iter().find(|(trace, _)| cgroups.contains(trace))?;
    Some((kind.to_owned(), format!("{trace} in /proc/1/cgroup")))
}

fn by_environment(environment: &Environment) -> Option<(String, String)> {
    if environment.kubernetes {
        return Some(("kubernetes".to_owned(), "KUBERNETES_SERVICE_HOST".to_owned()));
    }
    environment.container.as_ref().map(|kind| (kind.clone(), "the variable container".to_owned()))
}
