//! The host: operating system, virtual machine, cloud, processor, memory, disks, user.

mod cloud;
mod container;
mod hypervisor;
mod resources;

use crate::{probe::image, root::Root};
use gpucheck_checks::fact::{Dmi, Observed, Os, Platform, User};

/// What the platform probe is asked.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Where to ask for the metadata of the instance; none keeps gpucheck off the network.
    pub cloud_metadata: Option<String>,
    /// Variables of the environment that tell of a container.
    pub environment: container::Environment,
}

pub use cloud::AZURE_METADATA;
pub use container::Environment;

/// Looks at the host.
pub fn probe(root: &Root, ask: &Ask) -> Observed<Platform> {
    let dmi = dmi(root);
    let linux_version = root.value("/proc/version");
    let told = || root.value("/proc/sys/kernel/osrelease").or_else(|| release(linux_version.as_deref()));
    let linux_release = if root.is_image() { Some(String::new()) } else { told() };
    let Some(linux_release) = linux_release else {
        return Observed::refused("read /proc/sys/kernel/osrelease", 0, "not found", "no /proc in this root");
    };
    Observed::Seen(Platform {
        os: os(root),
        wsl: linux_release.to_ascii_lowercase().contains("microsoft"),
        linux_release,
        linux_version,
        architecture: architecture(root),
        hypervisor: hypervisor::detect(root, &dmi),
        container: container::detect(root, &ask.environment),
        cloud: cloud::detect(&dmi, ask.cloud_metadata.as_deref(), host_name(root).as_deref()),
        cpu: resources::cpu(root),
        memory: resources::memory(root),
        disks: resources::disks(root),
        shared_memory: resources::shared_memory(root),
        user: user(),
        dmi,
    })
}

/// That of the running Linux; of an image that of its programs, where it is told.
fn architecture(root: &Root) -> String {
    let of_image = root.is_image().then(|| image::look(root).architecture.seen().cloned()).flatten();
    of_image.unwrap_or_else(|| std::env::consts::ARCH.to_owned())
}

fn host_name(root: &Root) -> Option<String> {
    root.value("/proc/sys/kernel/hostname").or_else(|| root.value("/etc/hostname"))
}

/// The release in `/proc/version`, its third word.
fn release(version: Option<&str>) -> Option<String> {
    version?.split_whitespace().nth(2).map(str::to_owned)
}

fn dmi(root: &Root) -> Dmi {
    let field = |name: &str| root.value(&format!("/sys/class/dmi/id/{name}")).filter(|text| !text.is_empty());
    Dmi {
        sys_vendor: field("sys_vendor"),
        product_name: field("product_name"),
        bios_vendor: field("bios_vendor"),
        chassis_asset_tag: field("chassis_asset_tag"),
    }
}

/// `os-release`: assignments as a shell reads them, of which the last one counts.
fn os(root: &Root) -> Os {
    let text =
        root.text_of("/etc/os-release").or_else(|| root.text_of("/usr/lib/os-release")).unwrap_or_default();
    let field = |name: &str| {
        let value = text.lines().rev().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))?;
        Some(unquoted(value.trim()))
    };
    Os { id: field("ID"), version_id: field("VERSION_ID"), pretty_name: field("PRETTY_NAME") }
}

/// A value without its quotes, and with backslashes taken as os-release(5) has them.
fn unquoted(value: &str) -> String {
    let (mut text, mut quote, mut rest) = (String::new(), None, value.chars());
    while let Some(c) = rest.next() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            (None | Some('"'), '\\') => text.extend(rest.next()),
            _ => text.push(c),
        }
    }
    text
}

fn user() -> User {
    let mut groups: Vec<u32> =
        rustix::process::getgroups().unwrap_or_default().iter().map(|gid| gid.as_raw()).collect();
    groups.push(rustix::process::getegid().as_raw());
    groups.sort_unstable();
    groups.dedup();
    User { uid: rustix::process::geteuid().as_raw(), groups }
}
