//! Constants of NVIDIA's, Microsoft's and Google's world, as tables with their sources.

use serde::Deserialize;

/// The tables.
#[derive(Clone, Debug)]
pub struct Knowledge {
    gpus: GpuTable,
    vm_sizes: VmSizeTable,
}

/// A table that cannot be read.
#[derive(Debug)]
pub struct KnowledgeError {
    /// The table's file name.
    pub table: &'static str,
    /// What is wrong, with line and column.
    pub message: String,
}

impl std::fmt::Display for KnowledgeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.table, self.message)
    }
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct GpuTable {
    #[expect(dead_code, reason = "read by people")]
    as_of: String,
    #[expect(dead_code, reason = "read by people")]
    source: String,
    gpu: Vec<GpuModel>,
}

/// A GPU model.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GpuModel {
    /// Product name.
    pub name: String,
    /// PCI device ids under NVIDIA's vendor id.
    pub ids: Vec<u16>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct VmSizeTable {
    #[expect(dead_code, reason = "read by people")]
    as_of: String,
    #[expect(dead_code, reason = "read by people")]
    source: String,
    size: Vec<VmSize>,
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
    /// Who made its GPU; none where it has none.
    pub vendor: Option<String>,
    /// Its GPU.
    pub gpu: Option<String>,
}

impl Knowledge {
    /// The tables that this version was built with.
    ///
    /// # Errors
    /// A table that is not of its form; a test keeps that from shipping.
    pub fn built_in() -> Result<Self, KnowledgeError> {
        Ok(Self {
            gpus: table("gpus.toml", include_str!("knowledge/gpus.toml"))?,
            vm_sizes: table("vm_sizes.toml", include_str!("knowledge/vm_sizes.toml"))?,
        })
    }

    /// The GPU model with this PCI device id.
    pub fn gpu(&self, device: u16) -> Option<&GpuModel> {
        self.gpus.gpu.iter().find(|gpu| gpu.ids.contains(&device))
    }

    /// The family of this Azure size, such as `Standard_NC8as_T4_v3`; none where the table does not know it.
    pub fn vm_size(&self, name: &str) -> Option<&VmSize> {
        let name = name.strip_prefix("Standard_").or_else(|| name.strip_prefix("Basic_"))?;
        let family = name.trim_start_matches(|c: char| c.is_ascii_alphabetic());
        let letters = name.strip_suffix(family)?;
        let rest = family.trim_start_matches(|c: char| c.is_ascii_digit() || c == '-');
        self.vm_sizes
            .size
            .iter()
            .find(|size| size.prefix == letters && (size.suffix.is_empty() || rest == size.suffix))
    }
}

fn table<T: serde::de::DeserializeOwned>(table: &'static str, text: &str) -> Result<T, KnowledgeError> {
    toml::from_str(text).map_err(|error| KnowledgeError { table, message: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_id_stands_for_two_models() {
        let knowledge = Knowledge::built_in().unwrap();
        let mut seen = BTreeSet::new();
        for id in knowledge.gpus.gpu.iter().flat_map(|gpu| &gpu.ids) {
            assert!(seen.insert(id), "{id:04x} stands twice");
        }
    }

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
}
