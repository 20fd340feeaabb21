//! The machines that an image may be meant for: sizes of Azure's and GPUs, by the names that people give them.

use super::{Architecture, DriverKind, GpuModel, Knowledge, vm_sizes};

/// A machine that is not here, as the tables know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetMachine {
    /// The family of Azure's sizes that it is of; none where only a GPU was named.
    pub series: Option<String>,
    /// Its GPU.
    pub gpu: TargetGpu,
    /// The kind of NVIDIA's driver that works there; none where only a GPU was named.
    pub driver: Option<DriverKind>,
    /// The first branch of the GRID driver that its hosts take, and the newest that Microsoft lists for it; none where hosts
    /// do not care.
    pub grid_branches: Option<(u32, u32)>,
    /// Its processor, as `uname -m` prints it; none where only a GPU was named.
    pub processor: Option<String>,
    /// NVSwitches of its own join its GPUs: without the fabric manager CUDA does not start.
    pub fabric: bool,
}

/// The GPU of a machine that is not here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TargetGpu {
    /// One of NVIDIA's.
    Nvidia {
        /// Its name.
        name: String,
        /// Its architecture.
        architecture: Architecture,
        /// Compute capability, major and minor.
        capability: (i32, i32),
        /// Memory in GiB, the least where the name is that of several.
        memory_gib: u32,
        /// What programs get of it, in MiB; none where that is not known.
        usable_mib: Option<u32>,
    },
    /// One of AMD's, of this name.
    Amd(String),
    /// It has none.
    None,
}

impl Knowledge {
    /// The machine of this name: a size of Azure's, with or without `Standard_`, or a GPU. None where the tables know
    /// neither.
    pub fn target(&self, name: &str) -> Option<TargetMachine> {
        let name = name.trim();
        if let Some(gpu) = self.nvidia(name, None) {
            return Some(TargetMachine {
                series: None,
                gpu,
                driver: None,
                grid_branches: None,
                processor: None,
                fabric: false,
            });
        }
        let size = self.vm_size(name).or_else(|| {
            // `A10x` is no size of the family A: without its beginning a name must be one that the table knows well.
            let size = self.vm_size(&format!("Standard_{name}"))?;
            (size.vendor.is_some() && size.is_exact()).then_some(size)
        })?;
        let gpu = match (size.vendor.as_deref(), &size.gpu) {
            (Some("amd"), Some(gpu)) => TargetGpu::Amd(gpu.clone()),
            (Some(_), Some(gpu)) => self.nvidia(gpu, size.memory_gib)?,
            (_, _) => TargetGpu::None,
        };
        let processor = size.architecture.clone().unwrap_or_else(|| "x86_64".to_owned());
        Some(TargetMachine {
            series: Some(size.series.clone()),
            gpu,
            driver: size.driver,
            grid_branches: size.grid_branches,
            processor: Some(processor),
            fabric: size.fabric,
        })
    }

    /// Names that a target may have, those of sizes with the number of this one.
    pub fn target_names(&self, like: &str) -> Vec<String> {
        let number: String =
            like.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
        let sizes = self.size_names(if number.is_empty() { "4" } else { &number });
        sizes.into_iter().chain(self.gpu_names().map(str::to_owned)).collect()
    }

    fn nvidia(&self, name: &str, memory_gib: Option<u32>) -> Option<TargetGpu> {
        if vm_sizes::parts(name).is_some() {
            return None;
        }
        let models = self.gpus_called(name);
        let least = models.iter().copied().min_by_key(|model| model.memory_gib)?;
        let alike = |model: &GpuModel| model.compute_capability == least.compute_capability;
        let same_name = models.len() == 1;
        models.iter().all(|model| alike(model)).then(|| TargetGpu::Nvidia {
            name: if same_name { least.name.clone() } else { name.to_owned() },
            architecture: least.architecture,
            capability: least.compute_capability,
            memory_gib: memory_gib.unwrap_or(least.memory_gib),
            usable_mib: if memory_gib.is_none() { least.usable_mib } else { None },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(name: &str) -> Option<(String, (i32, i32), u32)> {
        match Knowledge::built_in().unwrap().target(name)?.gpu {
            TargetGpu::Nvidia { name, capability, memory_gib, .. } => Some((name, capability, memory_gib)),
            TargetGpu::Amd(_) | TargetGpu::None => None,
        }
    }

    #[test]
    fn gpus_go_by_the_names_that_people_give_them() {
        // NVIDIA's data sheets: memory, and https://developer.nvidia.com/cuda-gpus: capability.
        for (name, capability, memory) in [
            ("T4", (7, 5), 16),
            ("tesla-t4", (7, 5), 16),
            ("NVIDIA T4", (7, 5), 16),
            ("V100", (7, 0), 16),
            ("v100 32gb", (7, 0), 32),
            ("P100", (6, 0), 16),
            ("K80", (3, 7), 12),
            ("M60", (5, 2), 8),
            ("A10", (8, 6), 24),
            ("A100", (8, 0), 40),
            ("A100 80GB", (8, 0), 80),
            ("a100-80gb", (8, 0), 80),
            ("L4", (8, 9), 24),
            ("L40", (8, 9), 48),
            ("H100", (9, 0), 80),
            ("A6000", (8, 6), 48),
            ("RTX A6000", (8, 6), 48),
            ("rtx3090", (8, 6), 24),
            ("A16", (8, 6), 16),
            ("RTX PRO 6000 Blackwell", (12, 0), 96),
        ] {
            let found = gpu(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!((found.1, found.2), (capability, memory), "{name}");
        }
        for name in
            ["", "T", "T44", "RTX", "Tesla", "NVIDIA", "A10x", "é", "Standard_", "Standard_NC4as_T4_v9"]
        {
            assert_eq!(Knowledge::built_in().unwrap().target(name), None, "{name}");
        }
    }

    #[test]
    fn sizes_tell_gpu_driver_and_share() {
        // MicrosoftDocs/azure-docs nva10v5-series.md: "starting at 1/6th of a GPU with 4-GiB frame buffer".
        for (size, name, memory, driver) in [
            ("Standard_NC4as_T4_v3", "Tesla T4", 16, DriverKind::Either),
            ("standard_nc4as_t4_v3", "Tesla T4", 16, DriverKind::Either),
            ("NC6s_v3", "V100", 16, DriverKind::Cuda),
            ("Standard_NC6", "Tesla K80", 12, DriverKind::Cuda),
            ("Standard_NC24r", "Tesla K80", 12, DriverKind::Cuda),
            ("Standard_NC24r_Promo", "Tesla K80", 12, DriverKind::Cuda),
            ("Standard_NC24rs_v2", "Tesla P100", 16, DriverKind::Cuda),
            ("Standard_ND96asr_v4", "A100 40GB", 40, DriverKind::Cuda),
            ("Standard_NV6ads_A10_v5", "A10", 4, DriverKind::Grid),
            ("Standard_NV12ads_A10_v5", "A10", 8, DriverKind::Grid),
            ("Standard_NV36ads_A10_v5", "A10", 24, DriverKind::Grid),
            ("Standard_NV12s_v3", "Tesla M60", 8, DriverKind::Grid),
        ] {
            let target = Knowledge::built_in().unwrap().target(size).unwrap_or_else(|| panic!("{size}"));
            assert_eq!(target.driver, Some(driver), "{size}");
            assert_eq!(target.processor.as_deref(), Some("x86_64"), "{size}");
            let found = gpu(size).unwrap();
            assert_eq!((found.0.as_str(), found.2), (name, memory), "{size}");
        }
        let of = |name: &str| Knowledge::built_in().unwrap().target(name).unwrap();
        assert_eq!(of("Standard_NV8as_v4").gpu, TargetGpu::Amd("MI25".to_owned()));
        assert_eq!(of("Standard_NV28adms_V710_v5").gpu, TargetGpu::Amd("V710".to_owned()));
        assert_eq!(of("Standard_D4s_v4").gpu, TargetGpu::None);
        // FPGAs.
        assert_eq!(of("Standard_NP10s").gpu, TargetGpu::None);
        assert_eq!(of("Standard_ND128isr_GB300_v6").processor.as_deref(), Some("aarch64"));
    }
}
