//! The PCI bus, as sysfs shows it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// NVIDIA's PCI vendor id.
const NVIDIA: u16 = 0x10de;
/// AMD's PCI vendor id.
const AMD: u16 = 0x1002;

/// A PCI address in the one spelling gpucheck uses: `dddd:bb:ss.f`, lower case, domain of four digits or more.
///
/// NVML writes the domain with eight digits and in capitals, CUDA with four; Hyper-V makes domains that need
/// all eight. This is the one identity of a GPU that every layer knows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String")]
pub struct PciAddress(String);

impl PciAddress {
    /// The address as written by any layer; a text that is no address is kept as it is, in lower case.
    pub fn new(text: &str) -> Self {
        let lower = text.trim().to_ascii_lowercase();
        let Some((domain, rest)) = lower.split_once(':').filter(|(_, rest)| rest.contains(':')) else {
            return Self(lower);
        };
        let digits = domain.trim_start_matches('0');
        let rest = if rest.contains('.') { rest.to_owned() } else { format!("{rest}.0") };
        Self(format!("{digits:0>4}:{rest}"))
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for PciAddress {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl std::fmt::Display for PciAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// What `/sys/bus/pci` showed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pci {
    /// Display controllers of any vendor and other NVIDIA functions that a verdict can use, by address.
    pub functions: Vec<PciFunction>,
    /// How many PCI functions there are in all.
    pub function_count: usize,
    /// Hyper-V PCI pass-through devices on the VMBus that have no driver: a GPU that was not handed over.
    #[serde(default)]
    pub unbound_vmbus_pci: Vec<String>,
}

/// One PCI function.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PciFunction {
    /// Where it sits.
    pub address: PciAddress,
    /// Vendor id.
    pub vendor: u16,
    /// Device id.
    pub device: u16,
    /// Subsystem vendor and device id, where readable.
    pub subsystem: Option<(u16, u16)>,
    /// Class code: base class, subclass, interface in three bytes; 0x030000 is VGA, 0x030200 a 3D controller.
    pub class: u32,
    /// Name of the driver that is bound to it.
    pub driver: Option<String>,
    /// Current link speed as sysfs words it, such as `8.0 GT/s PCIe`.
    pub link_speed: Option<String>,
    /// Greatest link speed, in the same words.
    pub link_speed_max: Option<String>,
    /// Current link width in lanes.
    pub link_width: Option<u32>,
    /// Greatest link width in lanes.
    pub link_width_max: Option<u32>,
    /// NUMA node, -1 where the platform has none.
    pub numa_node: Option<i32>,
    /// The header of its config space.
    pub config: ConfigSpace,
    /// Its memory regions, the six that a function has at most; empty where they could not be read.
    #[serde(default)]
    pub regions: Vec<MemoryRegion>,
    /// The firmware showed its first picture on this one; none where sysfs does not tell.
    #[serde(default)]
    pub boot_vga: Option<bool>,
}

impl PciFunction {
    /// An NVIDIA VGA or 3D controller.
    pub fn is_nvidia_gpu(&self) -> bool {
        self.vendor == NVIDIA && self.is_display()
    }

    /// A display controller of AMD.
    pub fn is_amd_gpu(&self) -> bool {
        self.vendor == AMD && self.is_display()
    }

    /// A switch of NVLinks between GPUs, which wants NVIDIA's fabric manager.
    pub fn is_nvswitch(&self) -> bool {
        self.vendor == NVIDIA && self.class >> 8 == 0x06_80
    }

    fn is_display(&self) -> bool {
        self.class >> 16 == 0x03
    }
}

/// A region of a function's memory (BAR), a line of sysfs' `resource`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryRegion {
    /// Its first address.
    pub start: u64,
    /// Its last address.
    pub end: u64,
    /// Flags, as include/linux/ioport.h names them. All three are 0 where the function has no such region.
    pub flags: u64,
}

/// What the first bytes of a function's config space look like.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConfigSpace {
    /// It answers.
    Answers,
    /// Every byte is 0xff: nothing answers at this address any more.
    AllOnes,
    /// It could not be read.
    Unreadable,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_spelling_for_every_layer() {
        // nvidia-smi and NVML (NVIDIA/nvidia-docker#816), CUDA, sysfs.
        for (written, kept) in [
            ("00000001:00:00.0", "0001:00:00.0"),
            ("0001:00:00.0", "0001:00:00.0"),
            ("3E3F8E05:00:00.0", "3e3f8e05:00:00.0"),
            ("000052CE:00:00.0", "52ce:00:00.0"),
            ("00000000:3B:00.0", "0000:3b:00.0"),
            ("0000:3B:00", "0000:3b:00.0"),
            ("no address", "no address"),
        ] {
            assert_eq!(PciAddress::new(written).as_str(), kept);
        }
    }
}
