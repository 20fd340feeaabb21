//! Azure's virtual machine sizes.

use super::{Knowledge, Sourced, rows, unsourced};
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    size: Vec<Sourced<VmSize>>,
}

/// A family of virtual machine sizes of Azure.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VmSize {
    /// Name of the family.
    pub series: String,
    /// What a size's name begins with, after `Standard_`, digits of the count left out.
    pub prefix: String,
    /// What it ends with; empty where the prefix tells it.
    #[serde(default)]
    pub suffix: String,
    /// Who made its GPU: `nvidia` or `amd`; none where it has none.
    pub vendor: Option<String>,
    /// Its GPU.
    pub gpu: Option<String>,
    /// The kind of NVIDIA driver that works there.
    pub driver: Option<DriverKind>,
    /// The numbers in the names of those that the row is about; all where there is none.
    #[serde(default)]
    pub counts: Vec<u32>,
    /// Nothing follows the number in its name.
    #[serde(default)]
    pub bare: bool,
    /// Memory of the part of a GPU that it has, in GiB; none where it has a whole one.
    pub memory_gib: Option<u32>,
    /// Its processor where it is no x86-64, as `uname -m` prints it.
    pub architecture: Option<String>,
    /// The first branch of the GRID driver that its hosts take, and the newest that Microsoft lists for it; none where
    /// hosts do not care.
    pub grid_branches: Option<(u32, u32)>,
    /// NVSwitches of its own join its GPUs.
    #[serde(default)]
    pub fabric: bool,
}

/// The kind of NVIDIA's driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriverKind {
    /// The data centre (CUDA) driver.
    Cuda,
    /// The GRID (vGPU) driver, licensed by Azure.
    Grid,
    /// Both work.
    Either,
}

impl VmSize {
    /// Whether a name, cut at its number, is one of this family's.
    fn has(&self, letters: &str, number: &str, rest: &str) -> bool {
        let count = || number.split('-').next().and_then(|count| count.parse().ok());
        self.prefix.eq_ignore_ascii_case(letters)
            && (if self.bare {
                rest.is_empty()
            } else {
                self.suffix.is_empty() || self.suffix.eq_ignore_ascii_case(rest)
            })
            && (self.counts.is_empty() || count().is_some_and(|count| self.counts.contains(&count)))
    }

    /// Whether the row is about sizes of known names, and not about whatever else a family may have.
    pub(super) fn is_exact(&self) -> bool {
        self.bare || !self.suffix.is_empty() || self.vendor.is_none()
    }
}

/// The parts of a size's name: letters, number, rest.
pub(super) fn parts(name: &str) -> Option<(&str, &str, &str)> {
    let start =
        |beginning: &str| name.get(..beginning.len()).filter(|start| start.eq_ignore_ascii_case(beginning));
    let start = start("Standard_").or_else(|| start("Basic_"))?;
    let name = name.get(start.len()..)?;
    let family = name.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let rest = family.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
    Some((name.strip_suffix(family)?, family.strip_suffix(rest)?, rest))
}

impl Knowledge {
    /// The family of this Azure size, such as `Standard_NC8as_T4_v3`; none where the table does not know it.
    pub fn vm_size(&self, name: &str) -> Option<&VmSize> {
        let (letters, number, rest) = parts(name)?;
        rows(&self.vm_sizes.size).find(|size| size.has(letters, number, rest))
    }

    /// Names of sizes with a GPU, with this number where a family has several.
    pub(super) fn size_names(&self, number: &str) -> Vec<String> {
        let named = |size: &VmSize| {
            let number = size.counts.first().map_or(number.to_owned(), ToString::to_string);
            format!("Standard_{}{number}{}", size.prefix, size.suffix)
        };
        let exact = rows(&self.vm_sizes.size).filter(|size| size.vendor.is_some() && size.is_exact());
        exact.map(named).collect()
    }
}

impl Table {
    pub(super) fn contradiction(&self) -> Option<String> {
        let odd = |size: &&VmSize| match size.vendor.as_deref() {
            Some("nvidia") => size.driver.is_none() || size.gpu.is_none(),
            Some("amd") => size.driver.is_some() || size.gpu.is_none(),
            Some(_) => true,
            None => size.driver.is_some() || size.gpu.is_some(),
        } || size.grid_branches.is_some_and(|(first, newest)| first > newest || size.driver != Some(DriverKind::Grid));
        unsourced(&self.size).or_else(|| {
            let size = rows(&self.size).find(odd)?;
            Some(format!(
                "{}: vendor {:?}, GPU {:?} and driver {:?} do not go together",
                size.series, size.vendor, size.gpu, size.driver
            ))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_the_lab_guide() {
        // MicrosoftDocs/azure-docs, lab-services/administrator-guide.md and how-to-setup-lab-gpu.md.
        let knowledge = Knowledge::built_in().unwrap();
        let vendor = |name| knowledge.vm_size(name).map(|size| size.vendor.as_deref());
        for name in
            ["Standard_NC8as_T4_v3", "Standard_NC6s_v3", "Standard_NV12s_v3", "Standard_NV6ads_A10_v5"]
        {
            assert_eq!(vendor(name), Some(Some("nvidia")), "{name}");
        }
        assert_eq!(vendor("Standard_NV8as_v4"), Some(Some("amd")));
        for name in ["Standard_F2s_v2", "Standard_D4s_v4"] {
            assert_eq!(vendor(name), Some(None), "{name}");
        }
        assert_eq!(vendor("Standard_NX1_v9"), None);
    }

    #[test]
    fn drivers_of_the_setup_guide() {
        let knowledge = Knowledge::built_in().unwrap();
        for (name, kind) in [
            ("Standard_NC6s_v3", DriverKind::Cuda),
            ("Standard_NC8as_T4_v3", DriverKind::Either),
            ("Standard_NV36ads_A10_v5", DriverKind::Grid),
            ("Standard_NC144lds_xl_RTXPRO6000BSE_v6", DriverKind::Grid),
        ] {
            assert_eq!(knowledge.vm_size(name).and_then(|size| size.driver), Some(kind), "{name}");
        }
    }
}
