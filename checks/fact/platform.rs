//! The host: operating system, virtual machine, cloud, processor, memory, disks.

use super::Observed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the host is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Platform {
    /// From `os-release`.
    pub os: Os,
    /// Release of the running Linux kernel, as `uname -r` prints it; empty for an image of which nothing runs.
    pub linux_release: String,
    /// `/proc/version`, which names the compiler that built the kernel.
    pub linux_version: Option<String>,
    /// Machine architecture, as `uname -m` prints it.
    pub architecture: String,
    /// The hypervisor underneath, in systemd's words (`microsoft`, `kvm`, `amazon`, ...); none on bare metal.
    pub hypervisor: Option<String>,
    /// The container that the looking took place in.
    pub container: Option<Container>,
    /// Windows Subsystem for Linux.
    pub wsl: bool,
    /// What the firmware says of the machine.
    pub dmi: Dmi,
    /// Which cloud, and which size there.
    pub cloud: Cloud,
    /// Processor.
    pub cpu: Observed<Cpu>,
    /// Memory and swap.
    pub memory: Observed<RamAndSwap>,
    /// Mounted disks.
    pub disks: Observed<Vec<Disk>>,
    /// Size of `/dev/shm`, in bytes, through which processes share data; none where it is not mounted.
    #[serde(default)]
    pub shared_memory: Option<u64>,
    /// Who asks, whatever root is looked at.
    pub user: User,
}

/// Where a machine stands: what a fix for missing hardware has to name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A virtual machine of a known cloud.
    Cloud(CloudProvider),
    /// A container, wherever it runs.
    Container,
    /// Windows Subsystem for Linux.
    Wsl,
    /// A virtual machine of no known cloud.
    VirtualMachine,
    /// A physical machine.
    BareMetal,
    /// Nobody could tell.
    Unknown,
}

impl Platform {
    /// Where this machine stands. A cloud is told before a container: its size decides what the container has.
    pub fn place(&self) -> Place {
        if self.wsl {
            Place::Wsl
        } else if let Some(provider) = self.cloud.provider {
            Place::Cloud(provider)
        } else if self.container.is_some() {
            Place::Container
        } else if self.hypervisor.is_some() {
            Place::VirtualMachine
        } else {
            Place::BareMetal
        }
    }
}

/// `os-release`, as far as it is of use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Os {
    /// `ID`, such as `ubuntu`.
    pub id: Option<String>,
    /// `VERSION_ID`, such as `22.04`.
    pub version_id: Option<String>,
    /// `PRETTY_NAME`.
    pub pretty_name: Option<String>,
}

/// A container, and by which trace it is known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Container {
    /// `docker`, `podman`, `lxc`, `kubernetes`, `systemd-nspawn` or `unknown`.
    pub kind: String,
    /// The trace.
    pub evidence: String,
    /// `NVIDIA_VISIBLE_DEVICES`, by which a container asks the NVIDIA runtime for GPUs.
    pub nvidia_visible_devices: Option<String>,
    /// The devices that its first version of cgroups allows, a line each; none where it has the second, which hides them.
    #[serde(default)]
    pub allowed_devices: Option<Vec<String>>,
}

/// `/sys/class/dmi/id`, without serial numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dmi {
    /// Maker of the machine.
    pub sys_vendor: Option<String>,
    /// Model of the machine.
    pub product_name: Option<String>,
    /// Maker of the firmware.
    pub bios_vendor: Option<String>,
    /// Asset tag of the chassis; Azure puts a fixed one here.
    pub chassis_asset_tag: Option<String>,
}

/// The cloud that a machine runs in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cloud {
    /// Known by the firmware's words.
    pub provider: Option<CloudProvider>,
    /// What the instance metadata service said; asked on Azure only.
    pub metadata: Observed<InstanceMetadata>,
    /// The trace by which this is a machine of Azure Lab Services.
    #[serde(default)]
    pub lab: Option<String>,
}

/// A cloud whose virtual machines are told by DMI.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CloudProvider {
    /// Microsoft Azure.
    Azure,
    /// Amazon EC2.
    Aws,
    /// Google Compute Engine.
    Google,
}

impl std::fmt::Display for CloudProvider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Azure => "Azure",
            Self::Aws => "AWS",
            Self::Google => "Google Cloud",
        })
    }
}

/// Azure's instance metadata, without names and ids of the tenant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InstanceMetadata {
    /// `vmSize`, such as `Standard_NC8as_T4_v3`.
    pub vm_size: Option<String>,
    /// `location`.
    pub location: Option<String>,
    /// Publisher, offer and sku of the image, joined by colons.
    pub image: Option<String>,
    /// `securityProfile.secureBootEnabled`.
    pub secure_boot: Option<bool>,
}

/// The processor.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cpu {
    /// Its name.
    pub model: String,
    /// Logical processors.
    pub logical: usize,
    /// Physical cores, where known.
    pub physical: Option<usize>,
    /// Whether it has AVX, without which TensorFlow ends with SIGILL; none where the flags were unreadable.
    pub avx: Option<bool>,
}

/// Memory and swap, in bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RamAndSwap {
    /// Memory in all.
    pub total: u64,
    /// Memory that could be had without swapping.
    pub available: u64,
    /// Swap in all.
    pub swap_total: u64,
    /// Swap in use.
    pub swap_used: u64,
}

/// A mounted disk, in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Disk {
    /// Where it is mounted.
    pub mount_point: String,
    /// Type of the file system.
    pub file_system: String,
    /// Size.
    pub total: u64,
    /// Free for ordinary users.
    pub available: u64,
}

/// The user who asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct User {
    /// Effective user id.
    pub uid: u32,
    /// All group ids, sorted.
    pub groups: Vec<u32>,
}
