//! GPU models and architectures.

use super::{Knowledge, Sourced, rows, twice, unsourced};
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    architecture: Vec<Sourced<ArchitectureRow>>,
    gpu: Vec<Sourced<GpuModel>>,
}

/// An architecture of NVIDIA's, from the oldest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names are NVIDIA's and say all")]
pub enum Architecture {
    Kepler,
    Maxwell,
    Pascal,
    Volta,
    Turing,
    Ampere,
    Ada,
    Hopper,
    Blackwell,
}

impl std::fmt::Display for Architecture {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

/// Which of NVIDIA's modules drives a card: the proprietary or the open one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Modules {
    /// The open module refuses the card: it has no GSP.
    Proprietary,
    /// Both do.
    Either,
    /// The proprietary module refuses the card.
    Open,
}

/// What holds for all cards of an architecture.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ArchitectureRow {
    /// Which.
    pub name: Architecture,
    /// The first driver branch that knows it.
    pub first_branch: u32,
    /// The last driver branch that supports it; none while NVIDIA goes on.
    pub last_branch: Option<u32>,
    /// The last branch of the GRID driver that supports it, where that is an earlier one.
    pub last_grid_branch: Option<u32>,
    /// Which module drives it.
    pub modules: Modules,
    /// PCI device ids under NVIDIA's vendor id, from and to.
    pub ids: Vec<(u16, u16)>,
}

impl ArchitectureRow {
    fn has(&self, device: u16) -> bool {
        self.ids.iter().any(|(from, to)| (*from..=*to).contains(&device))
    }
}

/// A GPU model; of a board with two GPUs, one of them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GpuModel {
    /// Product name.
    pub name: String,
    /// PCI device ids under NVIDIA's vendor id.
    pub ids: Vec<u16>,
    /// Its architecture.
    pub architecture: Architecture,
    /// Compute capability, major and minor.
    pub compute_capability: (i32, i32),
    /// Memory as sold, in GiB.
    pub memory_gib: u32,
    /// What programs get of it, in MiB, with ECC as the card comes: what NVML counts in all less what the driver keeps. None
    /// where nobody has told.
    pub usable_mib: Option<u32>,
    /// Width of the memory bus, in bits.
    pub bus_width: Option<u32>,
    /// Bandwidth of the memory as the vendor names it, in GB/s.
    pub bandwidth_gbs: Option<u32>,
}

impl GpuModel {
    /// Whether a person may mean it by this: letters and digits of its name, makers and families left out, from the first
    /// word on.
    fn is_called(&self, name: &str) -> bool {
        self.name.split(" or ").any(|alternative| beginnings(alternative).any(|beginning| beginning == name))
    }

    /// Its name without its maker's and its family's.
    pub(super) fn short_name(&self) -> &str {
        FAMILIES.iter().find_map(|family| self.name.strip_prefix(family)).unwrap_or(&self.name)
    }
}

/// What people leave out of a name.
const FAMILIES: [&str; 2] = ["Tesla ", "GeForce "];

/// Letters and digits in small letters, without what people leave out.
fn plain(name: &str) -> String {
    let letters: String =
        name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    let mut rest = letters.as_str();
    for family in ["nvidia", "tesla", "geforce"] {
        rest = rest.strip_prefix(family).unwrap_or(rest);
    }
    // An RTX A6000 is an A6000 to many.
    let without = rest.strip_prefix("rtx").filter(|rest| rest.starts_with('a'));
    without.unwrap_or(rest).to_owned()
}

/// What a name may be cut to after each of its words: `v100` and `v10016gb` of `Tesla V100 16GB`.
fn beginnings(name: &str) -> impl Iterator<Item = String> {
    let ends = name.match_indices(' ').map(|(at, _)| at).chain([name.len()]);
    ends.filter_map(|end| name.get(..end))
        .map(plain)
        .filter(|beginning| !beginning.is_empty() && beginning != "rtx")
}

impl Knowledge {
    /// The GPU models that a person may mean by this name, such as `T4`, `A100 80GB`, `Tesla V100`: the one that is called
    /// just so, else those whose names begin so.
    pub fn gpus_called(&self, name: &str) -> Vec<&GpuModel> {
        let name = plain(name);
        let mut called: Vec<&GpuModel> = rows(&self.gpus.gpu).filter(|gpu| gpu.is_called(&name)).collect();
        if let Some(just_so) = called.iter().copied().find(|gpu| plain(&gpu.name) == name) {
            called = vec![just_so];
        }
        called
    }

    /// The names by which people call the GPUs.
    pub(super) fn gpu_names(&self) -> impl Iterator<Item = &str> {
        rows(&self.gpus.gpu).map(GpuModel::short_name)
    }

    /// The GPU model with this PCI device id.
    pub fn gpu(&self, device: u16) -> Option<&GpuModel> {
        rows(&self.gpus.gpu).find(|gpu| gpu.ids.contains(&device))
    }

    /// What holds for an architecture.
    pub fn architecture(&self, name: Architecture) -> Option<&ArchitectureRow> {
        rows(&self.gpus.architecture).find(|row| row.name == name)
    }

    /// The architecture of the card with this PCI device id, whether or not its model is known.
    pub fn architecture_of_device(&self, device: u16) -> Option<&ArchitectureRow> {
        rows(&self.gpus.architecture).find(|row| row.has(device))
    }

    /// The architecture of a compute capability.
    ///
    /// Source: <https://developer.nvidia.com/cuda-gpus>.
    pub fn architecture_of_capability(&self, capability: (i32, i32)) -> Option<Architecture> {
        match capability {
            (3, _) => Some(Architecture::Kepler),
            (5, _) => Some(Architecture::Maxwell),
            (6, _) => Some(Architecture::Pascal),
            (7, 0..=4) => Some(Architecture::Volta),
            (7, _) => Some(Architecture::Turing),
            (8, 9) => Some(Architecture::Ada),
            (8, _) => Some(Architecture::Ampere),
            (9, _) => Some(Architecture::Hopper),
            (10..=12, _) => Some(Architecture::Blackwell),
            _ => None,
        }
    }
}

impl Table {
    pub(super) fn contradiction(&self) -> Option<String> {
        unsourced(&self.gpu)
            .or_else(|| unsourced(&self.architecture))
            .or_else(|| {
                let id = twice(rows(&self.gpu).flat_map(|gpu| gpu.ids.iter().copied()))?;
                Some(format!("id {id:04x} stands twice"))
            })
            .or_else(|| {
                let name = twice(rows(&self.architecture).map(|row| row.name))?;
                Some(format!("architecture {name} stands twice"))
            })
            .or_else(|| rows(&self.gpu).find_map(|gpu| self.misplaced(gpu)))
            .or_else(|| {
                let backwards = |row: &&ArchitectureRow| {
                    row.last_branch.is_some_and(|last| last < row.first_branch)
                        || row.ids.iter().any(|(from, to)| from > to)
                };
                let row = rows(&self.architecture).find(backwards)?;
                Some(format!("{}: an end before its beginning", row.name))
            })
    }

    /// A model whose id lies among those of another architecture, or of none.
    fn misplaced(&self, gpu: &GpuModel) -> Option<String> {
        let of = |id: u16| rows(&self.architecture).find(|row| row.has(id)).map(|row| row.name);
        let id = gpu.ids.iter().copied().find(|id| of(*id) != Some(gpu.architecture))?;
        let there = of(id).map_or("no architecture".to_owned(), |name| name.to_string().to_lowercase());
        Some(format!("{}: id {id:04x} lies among the ids of {there}", gpu.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_and_architectures_agree() {
        let knowledge = Knowledge::built_in().unwrap();
        for gpu in rows(&knowledge.gpus.gpu) {
            let by_capability = knowledge.architecture_of_capability(gpu.compute_capability);
            assert_eq!(by_capability, Some(gpu.architecture), "{}", gpu.name);
        }
    }

    #[test]
    fn a_card_without_a_row_still_has_its_architecture() {
        // pci.ids: GTX 1080, TITAN V, RTX 2080 Ti, RTX 3060.
        let knowledge = Knowledge::built_in().unwrap();
        for (id, name) in [
            (0x1b80, Architecture::Pascal),
            (0x1d81, Architecture::Volta),
            (0x1e04, Architecture::Turing),
            (0x2503, Architecture::Ampere),
        ] {
            assert!(knowledge.gpu(id).is_none());
            assert_eq!(knowledge.architecture_of_device(id).unwrap().name, name);
        }
        assert!(knowledge.architecture_of_device(0xffff).is_none());
    }
}
