//! PyTorch and JAX in an environment, as their files tell; nothing of them is run for it.

use super::{Distribution, Observed, Operation};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an environment holds beside TensorFlow.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Packages {
    /// PyTorch; none where it is not installed.
    pub torch: Option<Torch>,
    /// JAX; none where it is not installed.
    pub jax: Option<Jax>,
    /// NVIDIA's libraries as distributions, `nvidia-...`, by name.
    pub nvidia: Vec<Distribution>,
}

impl Packages {
    /// What a Python is said to hold whose packages nobody recorded.
    pub(super) fn unrecorded() -> Observed<Self> {
        Observed::not_probed("the gpucheck that looked did not ask for PyTorch and JAX")
    }

    /// The version of one of NVIDIA's distributions; `nvidia-nvjitlink` stands for `nvidia-nvjitlink-cu12` as well.
    pub fn nvidia(&self, name: &str) -> Option<&str> {
        let is_it = |found: &&Distribution| {
            found.name.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with("-cu"))
        };
        self.nvidia.iter().find(is_it).map(|found| found.version.as_str())
    }
}

/// PyTorch in one environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Torch {
    /// The folder that `import torch` would take.
    pub package: String,
    /// Version of the distribution `torch`; none where there is no such metadata.
    pub distribution: Option<String>,
    /// Build string of the conda package that brought it, such as `cpu_mkl_py311h1234_0`.
    pub conda_build: Option<String>,
    /// `torch/version.py`.
    pub build: Observed<TorchBuild>,
    /// The `sm_XY` and `compute_XY` that `libtorch_python.so` says it was built for.
    pub architectures: Observed<Vec<String>>,
    /// An operation on each GPU.
    pub operations: Observed<Vec<Operation>>,
}

impl Torch {
    /// Its name and version, such as `PyTorch 2.6.0+cu126`.
    pub fn label(&self) -> String {
        format!("PyTorch {}", self.version().unwrap_or("of unknown version"))
    }

    /// Its version, with what comes after the plus where it is told.
    pub fn version(&self) -> Option<&str> {
        let told = self.build.seen().and_then(|build| build.version.as_deref());
        told.or(self.distribution.as_deref())
    }

    /// The CUDA version that it was built with; none where it was built without or that is not told.
    pub fn cuda(&self) -> Option<&str> {
        self.build.seen()?.cuda.as_deref()
    }
}

/// `torch/version.py`, as far as it is of use.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TorchBuild {
    /// `__version__`.
    pub version: Option<String>,
    /// `cuda`, such as `12.6`; none where it was built without CUDA.
    pub cuda: Option<String>,
    /// `hip`: built for AMD's GPUs.
    pub hip: Option<String>,
}

/// JAX in one environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Jax {
    /// The distributions `jax`, `jaxlib` and `jax-...` (plugins), by name.
    pub distributions: Vec<Distribution>,
    /// Build string of the conda package `jaxlib`, such as `cuda120py311h5e2d1a8_200`.
    pub conda_build: Option<String>,
    /// An operation on each GPU.
    pub operations: Observed<Vec<Operation>>,
}

impl Jax {
    /// The version of a distribution.
    pub fn version(&self, name: &str) -> Option<&str> {
        self.distributions.iter().find(|found| found.name == name).map(|found| found.version.as_str())
    }

    /// Its name and version, such as `JAX 0.4.35`.
    pub fn label(&self) -> String {
        let version = self.version("jax").or_else(|| self.version("jaxlib"));
        format!("JAX {}", version.unwrap_or("of unknown version"))
    }
}

/// `LD_LIBRARY_PATH`, as far as it leads to CUDA's libraries.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct LibraryPath {
    /// Its folders that hold some of CUDA's libraries, in its order.
    pub folders: Vec<LibraryFolder>,
    /// CUDA's libraries that the loader finds without it, by SONAME; none where its cache cannot be read.
    pub without: Option<Vec<String>>,
}

/// A folder with some of CUDA's libraries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LibraryFolder {
    /// As the variable has it.
    pub path: String,
    /// CUDA's libraries in it, by SONAME.
    pub libraries: Vec<CudaLibrary>,
    /// Profiles and scripts of the shell that name it.
    pub named_in: Vec<String>,
}

/// One of CUDA's libraries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CudaLibrary {
    /// Such as `libnvJitLink.so.12`.
    pub soname: String,
    /// Of the file behind it, such as `12.1.105`; none where its name does not tell.
    pub version: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nvidias_distributions_go_by_either_name() {
        let found = |name: &str| Distribution { name: name.to_owned(), version: "1".to_owned() };
        let old = Packages { nvidia: vec![found("nvidia-nvjitlink-cu12")], ..Packages::default() };
        let new = Packages { nvidia: vec![found("nvidia-nvjitlink")], ..Packages::default() };
        assert_eq!((old.nvidia("nvidia-nvjitlink"), new.nvidia("nvidia-nvjitlink")), (Some("1"), Some("1")));
        assert_eq!(old.nvidia("nvidia-nvjit"), None);
    }
}
