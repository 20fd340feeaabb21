//! Releases of frameworks, and which of them a GPU can ever use.

use super::{Architecture, Knowledge, Sourced, drivers::Toolkits, rows, twice, unsourced};
use serde::Deserialize;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Table {
    tensorflow: Vec<Sourced<TensorFlowRelease>>,
    torch: Vec<Sourced<TorchWheel>>,
    jax: Vec<Sourced<JaxPlugin>>,
}

/// A release of TensorFlow with GPU code for Linux.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TensorFlowRelease {
    /// Major and minor.
    pub version: (i32, i32),
    /// Least and greatest version of Python.
    pub python: ((i32, i32), (i32, i32)),
    /// CUDA that it was built with.
    pub cuda: (i32, i32),
    /// cuDNN that it was built with.
    pub cudnn: (i32, i32),
    /// What its wheel carries code for; none where it does not tell.
    pub capabilities: Option<Vec<String>>,
}

impl std::fmt::Display for TensorFlowRelease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.version.0, self.version.1)
    }
}

/// A kind of PyTorch's wheels for Linux.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TorchWheel {
    /// The end of its version and of its index's address, such as `cu126`.
    pub tag: String,
    /// CUDA that it was built with.
    pub cuda: (i32, i32),
    /// Whether PyTorch builds this kind for its newest releases.
    #[serde(default)]
    pub offered: bool,
    /// What it carries code for.
    pub capabilities: Vec<String>,
}

/// A plugin that gives JAX its GPUs.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JaxPlugin {
    /// Major version of CUDA, by which it is named: `jax-cuda12-plugin`.
    pub cuda: i32,
    /// Least compute capability.
    pub capability: (i32, i32),
    /// Least driver branch.
    pub driver: u32,
}

/// How code fits a GPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fit {
    /// There is machine code for it.
    MachineCode,
    /// There is PTX that the driver translates for it, which takes minutes at the first run.
    Ptx,
    /// There is neither.
    No,
}

/// How code for these capabilities fits a GPU.
///
/// Machine code runs on the same major and the same or a higher minor; PTX on whatever is the same or newer.
/// `sm_XY` is machine code, `compute_XY` both; those with a letter (`sm_90a`) run on exactly their own.
///
/// Source: <https://docs.nvidia.com/cuda/cuda-compiler-driver-nvcc/#gpu-compilation>, tensorflow's .bazelrc.
pub fn fits(capabilities: &[String], capability: (i32, i32)) -> Fit {
    let machine_code = |code: &Code| code.major == capability.0 && code.minor <= capability.1;
    let ptx = |code: &Code| code.ptx && (code.major, code.minor) <= capability;
    let codes: Vec<Code> = capabilities.iter().filter_map(|name| Code::of(name)).collect();
    if codes.iter().any(machine_code) {
        Fit::MachineCode
    } else if codes.iter().any(ptx) {
        Fit::Ptx
    } else {
        Fit::No
    }
}

struct Code {
    major: i32,
    minor: i32,
    ptx: bool,
}

impl Code {
    /// `sm_75` or `compute_90`; the last digit is the minor.
    fn of(name: &str) -> Option<Self> {
        let (digits, ptx) = match name.strip_prefix("sm_") {
            Some(digits) => (digits, false),
            None => (name.strip_prefix("compute_")?, true),
        };
        let number: i32 = digits.parse().ok()?;
        Some(Self { major: number / 10, minor: number % 10, ptx })
    }
}

impl Knowledge {
    /// The release that a version such as `2.15.1` is of; none where it is newer or older than the table.
    pub fn tensorflow(&self, version: &str) -> Option<&TensorFlowRelease> {
        let mut parts = version.split('.').map(|part| part.parse::<i32>().ok());
        let version = (parts.next()??, parts.next()??);
        rows(&self.frameworks.tensorflow).find(|release| release.version == version)
    }

    /// The releases of TensorFlow, newest first.
    pub fn tensorflows(&self) -> impl Iterator<Item = &TensorFlowRelease> {
        let mut releases: Vec<_> = rows(&self.frameworks.tensorflow).collect();
        releases.sort_by_key(|release| std::cmp::Reverse(release.version));
        releases.into_iter()
    }

    /// The newest TensorFlow that a GPU can ever use: with machine code for it, for a CUDA that the newest driver of
    /// its architecture runs, and for this Python where one is given.
    pub fn newest_tensorflow(
        &self,
        capability: (i32, i32),
        architecture: Architecture,
        python: Option<(i32, i32)>,
    ) -> Option<&TensorFlowRelease> {
        let fits_gpu = |release: &&TensorFlowRelease| {
            let capabilities = release.capabilities.as_deref().unwrap_or_default();
            fits(capabilities, capability) == Fit::MachineCode
                && self.can_ever_run(architecture, release.cuda)
        };
        let fits_python = |release: &&TensorFlowRelease| {
            python.is_none_or(|python| (release.python.0..=release.python.1).contains(&python))
        };
        let releases = rows(&self.frameworks.tensorflow).filter(fits_gpu).filter(fits_python);
        releases.max_by_key(|release| release.version)
    }

    /// The wheels of PyTorch with this tag, such as `cu126`.
    pub fn torch_wheel(&self, tag: &str) -> Option<&TorchWheel> {
        rows(&self.frameworks.torch).find(|wheel| wheel.tag == tag)
    }

    /// The newest wheels of PyTorch that a GPU can ever use; of an older release only where the newest have none.
    pub fn newest_torch(&self, capability: (i32, i32), architecture: Architecture) -> Option<&TorchWheel> {
        let fits_gpu = |wheel: &&TorchWheel| {
            fits(&wheel.capabilities, capability) == Fit::MachineCode
                && self.can_ever_run(architecture, wheel.cuda)
        };
        rows(&self.frameworks.torch).filter(fits_gpu).max_by_key(|wheel| (wheel.offered, wheel.cuda))
    }

    /// The newest wheels of PyTorch with machine code for all of these GPUs that run on a driver of this version, in
    /// the same way.
    pub fn torch_for(&self, gpus: &[(i32, i32)], driver: &str) -> Option<&TorchWheel> {
        let fits_gpus = |wheel: &&TorchWheel| {
            gpus.iter().all(|gpu| fits(&wheel.capabilities, *gpu) == Fit::MachineCode)
                && self.runs_cuda(driver, wheel.cuda) == Some(true)
        };
        rows(&self.frameworks.torch).filter(fits_gpus).max_by_key(|wheel| (wheel.offered, wheel.cuda))
    }

    /// The newest plugin of JAX for all of these GPUs that runs on a driver of this version.
    pub fn jax_for(&self, gpus: &[(i32, i32)], driver: &str) -> Option<&JaxPlugin> {
        let branch = super::branch(driver)?;
        rows(&self.frameworks.jax)
            .filter(|plugin| gpus.iter().all(|gpu| *gpu >= plugin.capability) && branch >= plugin.driver)
            .max_by_key(|plugin| plugin.cuda)
    }

    /// JAX's plugin for this major version of CUDA.
    pub fn jax(&self, cuda: i32) -> Option<&JaxPlugin> {
        rows(&self.frameworks.jax).find(|plugin| plugin.cuda == cuda)
    }

    /// The newest plugin of JAX that a GPU can ever use.
    pub fn newest_jax(&self, capability: (i32, i32), architecture: Architecture) -> Option<&JaxPlugin> {
        let newest = self.newest_driver(architecture)?.branch;
        rows(&self.frameworks.jax)
            .filter(|plugin| capability >= plugin.capability && newest >= plugin.driver)
            .max_by_key(|plugin| plugin.cuda)
    }

    /// Whether some driver for this architecture runs this CUDA.
    fn can_ever_run(&self, architecture: Architecture, cuda: (i32, i32)) -> bool {
        let newest = self.newest_driver(architecture).map(|row| row.branch);
        let least = self.driver_for_cuda(cuda).and_then(|version| super::branch(&version));
        matches!((newest, least), (Some(newest), Some(least)) if newest >= least)
    }
}

impl Table {
    pub(super) fn contradiction(&self, toolkits: &Toolkits) -> Option<String> {
        let unsourced =
            unsourced(&self.tensorflow).or_else(|| unsourced(&self.torch)).or_else(|| unsourced(&self.jax));
        let capabilities = rows(&self.tensorflow)
            .filter_map(|release| release.capabilities.as_ref())
            .chain(rows(&self.torch).map(|wheel| &wheel.capabilities));
        let cudas = rows(&self.tensorflow)
            .map(|release| release.cuda)
            .chain(rows(&self.torch).map(|wheel| wheel.cuda));
        unsourced
            .or_else(|| {
                let (major, minor) = twice(rows(&self.tensorflow).map(|release| release.version))?;
                Some(format!("TensorFlow {major}.{minor} stands twice"))
            })
            .or_else(|| {
                let tag = twice(rows(&self.torch).map(|wheel| wheel.tag.as_str()))?;
                Some(format!("wheel {tag} stands twice"))
            })
            .or_else(|| {
                let name = capabilities.flatten().find(|name| Code::of(name).is_none())?;
                Some(format!("{name} is neither sm_XY nor compute_XY"))
            })
            .or_else(|| {
                let (major, minor) = cudas.into_iter().find(|cuda| !toolkits.knows(*cuda))?;
                Some(format!("CUDA {major}.{minor} is no toolkit of toolkits.toml"))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn code_fits_by_nvidias_rule() {
        let tensorflow = names(&["sm_60", "sm_70", "sm_80", "sm_89", "compute_90"]);
        for (capability, fit) in [
            ((7, 5), Fit::MachineCode),
            ((8, 6), Fit::MachineCode),
            ((9, 0), Fit::MachineCode),
            ((12, 0), Fit::Ptx),
            ((5, 2), Fit::No),
        ] {
            assert_eq!(fits(&tensorflow, capability), fit, "{capability:?}");
        }
        assert_eq!(fits(&names(&["sm_90a"]), (9, 0)), Fit::No);
        assert_eq!(fits(&names(&["sm_90"]), (10, 0)), Fit::No);
    }

    #[test]
    fn the_newest_framework_that_a_gpu_can_ever_use() {
        let knowledge = Knowledge::built_in().unwrap();
        let newest = |device, python| {
            let gpu = knowledge.gpu(device).unwrap();
            let tensorflow = knowledge.newest_tensorflow(gpu.compute_capability, gpu.architecture, python);
            let torch = knowledge.newest_torch(gpu.compute_capability, gpu.architecture);
            let jax = knowledge.newest_jax(gpu.compute_capability, gpu.architecture);
            (
                tensorflow.map(ToString::to_string),
                torch.map(|wheel| wheel.tag.as_str()),
                jax.map(|jax| jax.cuda),
            )
        };
        let of = |version: &str| Some(version.to_owned());
        // K80: sm_35 code left TensorFlow after 2.14, and driver 470 runs no CUDA 12.
        assert_eq!(newest(0x102d, None), (of("2.14"), Some("cu118"), None));
        assert_eq!(newest(0x102d, Some((3, 8))), (of("2.13"), Some("cu118"), None));
        // M60: sm_50 left with 2.17. pytorch#157517: cu128 without sm_50 and sm_60.
        assert_eq!(newest(0x13f2, None), (of("2.16"), Some("cu126"), Some(12)));
        assert_eq!(newest(0x15f8, None).1, Some("cu126"), "P100");
        // V100: no CUDA 13 wheel has code for it, and those for 12.8 lost it with 2.11.
        assert_eq!(newest(0x1db4, None).1, Some("cu126"));
        assert_eq!(newest(0x1eb8, None).2, Some(13), "T4");
        // No release of TensorFlow in the table has machine code for Blackwell.
        assert_eq!(newest(0x2bb5, None).0, None);
    }

    #[test]
    fn the_newest_wheels_that_run_on_a_driver() {
        let knowledge = Knowledge::built_in().unwrap();
        let newest = |gpus: &[(i32, i32)], driver| {
            let torch = knowledge.torch_for(gpus, driver).map(|wheel| wheel.tag.as_str());
            (torch, knowledge.jax_for(gpus, driver).map(|plugin| plugin.cuda))
        };
        let (p100, v100, t4) = ((6, 0), (7, 0), (7, 5));
        assert_eq!(newest(&[p100], "535.161.08"), (Some("cu126"), Some(12)));
        assert_eq!(newest(&[t4], "535.161.08"), (Some("cu126"), Some(12)));
        assert_eq!(newest(&[t4], "580.95.05"), (Some("cu132"), Some(13)));
        assert_eq!(newest(&[v100, t4], "580.95.05"), (Some("cu126"), Some(12)));
        // Blackwell on a driver of CUDA 12: the last wheels for it.
        assert_eq!(newest(&[(12, 0)], "570.86.15"), (Some("cu129"), Some(12)));
        assert_eq!(newest(&[t4], "470.256.02"), (Some("cu118"), None));
        assert_eq!(newest(&[t4], "390.157"), (None, None));
    }

    #[test]
    fn versions_find_their_release() {
        let knowledge = Knowledge::built_in().unwrap();
        assert_eq!(knowledge.tensorflow("2.15.1").unwrap().cuda, (12, 2));
        assert_eq!(knowledge.tensorflow("2.12.0rc1").unwrap().version, (2, 12));
        for version in ["", "2", "9.9.9", "two"] {
            assert_eq!(knowledge.tensorflow(version), None);
        }
    }
}
