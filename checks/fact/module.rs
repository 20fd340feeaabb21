//! The NVIDIA kernel module: loaded, installed, allowed, reachable.

use super::Observed;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the kernel and the file system say about the driver.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Module {
    /// Loaded modules that matter here: nvidia and its parts, nouveau, Hyper-V PCI.
    pub loaded: Vec<LoadedModule>,
    /// Version of the loaded nvidia module, from `/sys/module/nvidia/version` or `/proc/driver/nvidia/version`.
    pub version: Option<String>,
    /// The first line of `/proc/driver/nvidia/version`.
    pub version_line: Option<String>,
    /// `/proc/driver/nvidia/params`, as far as it decides who may open device nodes and which GPUs are driven.
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// PCI addresses under `/proc/driver/nvidia/gpus`.
    #[serde(default)]
    pub driver_gpus: Vec<super::PciAddress>,
    /// Each kernel under `/lib/modules`, by release.
    pub linux: Vec<InstalledLinux>,
    /// What DKMS keeps under `/var/lib/dkms`, by name and version.
    #[serde(default)]
    pub dkms: Vec<Dkms>,
    /// Whether the firmware checks signatures.
    pub secure_boot: SecureBoot,
    /// The mode in brackets in `/sys/kernel/security/lockdown`.
    pub lockdown: Option<String>,
    /// Device nodes of the driver, by path.
    #[serde(default)]
    pub nodes: Vec<DeviceNode>,
    /// Character device numbers that the kernel gave to the driver, from `/proc/devices`.
    #[serde(default)]
    pub majors: BTreeMap<String, u32>,
    /// Files under the modprobe configuration that keep nouveau out.
    #[serde(default)]
    pub nouveau_blacklisted_in: Vec<String>,
    /// Lines of the modprobe configuration about the nvidia module: `blacklist nvidia`, `options nvidia ...`.
    #[serde(default)]
    pub settings: Vec<Setting>,
    /// User-space driver libraries in the loader's usual places, by path.
    #[serde(default)]
    pub libraries: Vec<DriverFile>,
    /// A setuid `nvidia-modprobe` that makes missing nodes on the first use.
    pub modprobe_setuid: bool,
    /// A reboot is asked for by `/run/reboot-required`.
    pub reboot_required: bool,
}

impl Module {
    /// Whether a module of this name is loaded.
    pub fn is_loaded(&self, name: &str) -> bool {
        self.loaded.iter().any(|module| module.name == name)
    }

    /// Whether NVIDIA's driver is there: its module is listed, or tells its version where the list is hidden.
    pub fn has_driver(&self) -> bool {
        self.is_loaded("nvidia") || self.version.is_some() || self.version_line.is_some()
    }

    /// Lines of the modprobe configuration that keep the nvidia module out.
    pub fn keeps_nvidia_out(&self) -> Vec<&Setting> {
        let keeps_out = |setting: &&Setting| {
            let words: Vec<&str> = setting.line.split_whitespace().collect();
            match words.as_slice() {
                ["blacklist", "nvidia"] | ["alias", "nvidia", "off"] => true,
                ["install", "nvidia", command, ..] => {
                    command.ends_with("/false") || command.ends_with("/true")
                }
                _ => false,
            }
        };
        self.settings.iter().filter(keeps_out).collect()
    }

    /// The kernel that runs, where it has a folder under `/lib/modules`.
    pub fn running_linux(&self) -> Option<&InstalledLinux> {
        self.linux.iter().find(|linux| linux.running)
    }

    /// The loaded module is NVIDIA's open one; none where no version line was seen.
    pub fn is_open(&self) -> Option<bool> {
        self.version_line.as_ref().map(|line| line.contains("Open Kernel Module"))
    }
}

/// A line of `/proc/modules`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LoadedModule {
    /// Name, with underscores.
    pub name: String,
    /// `Live`, `Loading` or `Unloading`.
    pub state: String,
    /// How many hold it.
    pub references: u32,
}

/// A folder of `/lib/modules`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct InstalledLinux {
    /// Name of the folder: the kernel's release.
    pub release: String,
    /// It is the kernel that runs.
    pub running: bool,
    /// Files of the nvidia module for it.
    pub nvidia: Vec<ModuleFile>,
    /// The nouveau module for it is there.
    pub nouveau: bool,
    /// `build` leads to kernel headers.
    pub headers: bool,
}

/// A kernel module file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ModuleFile {
    /// Where it lies.
    pub path: String,
    /// A signature is appended; none where the file is compressed or unreadable.
    pub signed: Option<bool>,
    /// It was put there after the machine booted; none where that cannot be told.
    #[serde(default)]
    pub since_boot: Option<bool>,
    /// Who signed it; none where that cannot be told.
    #[serde(default)]
    pub signer: Option<String>,
    /// The version that it says it has; none where the file is compressed or unreadable.
    #[serde(default)]
    pub version: Option<String>,
    /// The licence that it says it has: `NVIDIA`, or `Dual MIT/GPL` for the open one.
    #[serde(default)]
    pub license: Option<String>,
}

impl ModuleFile {
    /// It is NVIDIA's open module; none where it does not tell.
    pub fn is_open(&self) -> Option<bool> {
        let by_path = || self.path.contains("-open/").then_some(true);
        self.license.as_ref().map(|license| license.contains("GPL")).or_else(by_path)
    }
}

/// A source tree that DKMS builds from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Dkms {
    /// Name of the package, such as `nvidia`.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Kernels it is built for.
    pub built_for: Vec<String>,
    /// The last lines of a `make.log` of a build that left no module.
    pub failed_log: Option<String>,
    /// The Linux that this build was for, as the log's first line has it.
    #[serde(default)]
    pub failed_for: Option<String>,
    /// The lines of that log that hold an error or a warning about the compiler, the first ones.
    #[serde(default)]
    pub failed_lines: Vec<String>,
}

/// A line of the modprobe configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Setting {
    /// The file.
    pub path: String,
    /// The line.
    pub line: String,
}

/// UEFI Secure Boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SecureBoot {
    /// Signatures are checked.
    On,
    /// They are not.
    Off,
    /// The machine booted without UEFI.
    NoUefi,
    /// The variable could not be read.
    #[default]
    Unknown,
}

/// A file under `/dev`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceNode {
    /// Where.
    pub path: String,
    /// What it is.
    pub node: Node,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// Whether the asking user's permissions allow reading and writing.
    pub access: Access,
}

/// The kind of a file under `/dev`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Node {
    /// A character device.
    Character {
        /// Major number.
        major: u32,
        /// Minor number.
        minor: u32,
    },
    /// Anything else.
    Other,
}

/// What the permissions of a file say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// Reading and writing are allowed.
    Allowed,
    /// They are not.
    Denied,
    /// Nobody could tell.
    Unknown,
}

/// A user-space library of the driver.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriverFile {
    /// The name it is loaded by, such as `libcuda.so.1`.
    pub soname: String,
    /// Where it lies.
    pub path: String,
    /// The file that links end at, or why they end nowhere.
    pub target: Observed<String>,
    /// The driver version that the file name ends with.
    pub version: Option<String>,
    /// 64-bit; none where it is no ELF file.
    pub elf64: Option<bool>,
    /// It was put there before Linux started; none where that could not be told.
    #[serde(default)]
    pub older_than_boot: Option<bool>,
}
