//! What boots next: the Linux that the boot loader will take, and what it will find.

use super::{Dkms, DriverFile, InstalledLinux, Observed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What files tell of the next boot. It stands by itself: of an image there is no Linux that runs.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct NextBoot {
    /// Release of the Linux that boots next, or why it could not be told.
    pub linux: Observed<String>,
    /// By what the boot loader chooses it, in words: `/boot/grub/grub.cfg: entry 0, 'Ubuntu'`.
    pub chosen_by: Option<String>,
    /// It is chosen for one boot; the next one after that goes by something else.
    pub once: bool,
    /// What speaks against its being what was meant: a default that names no entry, settings that were never applied, an
    /// installed Linux that the menu does not have.
    pub doubts: Vec<String>,
    /// Releases that have an image under `/boot`, the newest first.
    pub images: Vec<String>,
    /// Words of its command line that keep nouveau or nvidia out: `modprobe.blacklist=nouveau`.
    pub command_line: Vec<String>,
    /// What lies under `/lib/modules`, by release.
    pub installed: Vec<InstalledLinux>,
    /// What DKMS keeps of NVIDIA's.
    pub dkms: Vec<Dkms>,
    /// The driver's libraries.
    pub libraries: Vec<DriverFile>,
    /// Files of the modprobe configuration that keep nouveau out.
    pub nouveau_blacklisted_in: Vec<String>,
    /// Its initramfs; not probed where it has none, which is no trouble.
    pub initramfs: Observed<Initramfs>,
    /// Names of the keys that the machine's owner enrolled, as shim tells them; none of an image and without UEFI.
    pub enrolled_keys: Observed<Vec<String>>,
    /// Packages that ask for a reboot.
    pub reboot_wanted_by: Vec<String>,
    /// A reboot is asked for.
    pub reboot_required: bool,
    /// Files that load the module for unified memory at boot.
    pub unified_memory_loaded_by: Vec<String>,
}

impl NextBoot {
    /// What is installed for the Linux that boots next; none where that could not be told, or nothing is.
    pub fn next(&self) -> Option<&InstalledLinux> {
        let release = self.linux.seen()?;
        self.installed.iter().find(|linux| linux.release == *release)
    }

    /// The version of the libraries that programs find first.
    pub fn libraries_version(&self) -> Option<&str> {
        let named = |soname: &str| {
            let mut libraries = self.libraries.iter().filter(move |library| library.soname == soname);
            libraries.find_map(|library| library.version.as_deref())
        };
        named("libcuda.so.1").or_else(|| named("libnvidia-ml.so.1"))
    }
}

/// The first file system of a Linux, which is in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Initramfs {
    /// Where it lies.
    pub path: String,
    /// How its parts are packed: `cpio`, `zstd`.
    pub packed: Vec<String>,
    /// Files in it.
    pub files: u64,
    /// Files of the nvidia module in it, as it would have them.
    pub nvidia: Vec<EarlyModule>,
    /// The nouveau module is in it.
    pub nouveau: bool,
    /// Files of its modprobe configuration that keep nouveau out.
    pub nouveau_blacklisted_in: Vec<String>,
}

/// A module in an initramfs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct EarlyModule {
    /// Where it will lie.
    pub path: String,
    /// The version that it says it has; none where it does not.
    pub version: Option<String>,
}
