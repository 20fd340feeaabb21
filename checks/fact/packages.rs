//! PyTorch, JAX, CuPy and cuDF in an environment: what their files tell, and what they did when they were run.

use super::{Distribution, ExtraRequirement, Observed, Operation, PciAddress};
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
    /// CuPy; none where it is not installed.
    pub cupy: Option<ArrayLibrary>,
    /// cuDF; none where it is not installed.
    pub cudf: Option<ArrayLibrary>,
    /// Version of ipykernel, by which a Jupyter server starts this Python.
    pub ipykernel: Option<String>,
}

/// A GPU as a framework lists it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct FrameworkDevice {
    /// By which the framework takes it, such as `cuda:0`.
    pub name: String,
    /// Such as `Tesla T4`; none where the framework does not say.
    pub model: Option<String>,
    /// Its address; none where the framework does not say.
    pub pci: Option<PciAddress>,
    /// Its compute capability, major and minor; none where the framework does not say.
    pub compute_capability: Option<(i32, i32)>,
}

/// CuPy or cuDF in one environment: what does not exist without CUDA.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ArrayLibrary {
    /// The distributions that bring it, such as `cupy-cuda12x`, by name.
    pub distributions: Vec<Distribution>,
    /// Build string of the conda package that brought it, such as `py311h1234_0`.
    pub conda_build: Option<String>,
    /// Its GPUs.
    #[serde(default)]
    pub devices: Observed<Vec<FrameworkDevice>>,
    /// Operations on each GPU, up to the first that is not right.
    pub operations: Observed<Vec<Operation>>,
    /// Head and tail of what it wrote to its standard streams when it was run.
    #[serde(default)]
    pub log: String,
    /// From start to answer, in milliseconds; 0 where it was not run.
    #[serde(default)]
    pub elapsed_ms: u64,
}

impl ArrayLibrary {
    /// Its name and version, such as `cupy-cuda12x 13.3.0`.
    pub fn label(&self) -> String {
        let first = self.distributions.first();
        first.map_or_else(String::new, |found| format!("{} {}", found.name, found.version))
    }

    /// Whether it is for NVIDIA's GPUs; CuPy is built for AMD's as well.
    pub fn counts(&self) -> bool {
        !self.distributions.iter().all(|found| found.name.starts_with("cupy-rocm"))
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
    /// Its GPUs.
    #[serde(default)]
    pub devices: Observed<Vec<FrameworkDevice>>,
    /// The `nvidia-*` distributions that its own asks for, with the versions that it pins.
    #[serde(default)]
    pub requirements: Vec<ExtraRequirement>,
    /// The libraries that its own want, and whether the dynamic loader finds them.
    #[serde(default)]
    pub libraries: Observed<LinkedLibraries>,
    /// Operations on each GPU, up to the first that is not right.
    pub operations: Observed<Vec<Operation>>,
    /// Head and tail of what it wrote to its standard streams when it was run.
    #[serde(default)]
    pub log: String,
    /// From start to answer, in milliseconds; 0 where it was not run.
    #[serde(default)]
    pub elapsed_ms: u64,
}

impl Packages {
    /// Whether one of them could use a GPU, were it built for that.
    pub fn has_framework(&self) -> bool {
        self.torch.is_some()
            || self.jax.as_ref().is_some_and(Jax::counts)
            || self.cupy.as_ref().is_some_and(ArrayLibrary::counts)
            || self.cudf.is_some()
    }
}

/// What the libraries of a framework want (`DT_NEEDED`), gone through as the dynamic loader does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LinkedLibraries {
    /// What is found nowhere.
    pub missing: Vec<MissingLibrary>,
    /// CUDA's libraries that are found, and where.
    pub found: Vec<FoundLibrary>,
}

/// A library that the loader does not find.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MissingLibrary {
    /// Such as `libcudnn.so.9`.
    pub name: String,
    /// The path of the library that wants it.
    pub wanted_by: String,
}

/// A library that the loader finds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FoundLibrary {
    /// Such as `libcudnn.so.9`.
    pub name: String,
    /// Its path.
    pub path: String,
    /// What leads there.
    pub rule: LoaderRule,
}

/// By what the dynamic loader finds a library.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum LoaderRule {
    /// `DT_RPATH` of the library that wants it, of one that wants that one, or of the interpreter.
    Rpath,
    /// `LD_LIBRARY_PATH`.
    LibraryPath,
    /// `DT_RUNPATH` of the library that wants it.
    Runpath,
    /// `/etc/ld.so.cache`.
    Cache,
    /// The loader's own folders.
    Default,
    /// The framework itself loads it first, from NVIDIA's wheels.
    Preloaded,
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

    /// What it asks for of cuDNN.
    pub fn cudnn(&self) -> Option<&ExtraRequirement> {
        self.requirements.iter().find(|wanted| wanted.name.starts_with("nvidia-cudnn-cu"))
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
    /// What brought it where nobody asked for it, such as `tensorflow 2.12.1`; none where that is not certain.
    #[serde(default)]
    pub brought_by: Option<String>,
    /// Build string of the conda package `jaxlib`, such as `cuda120py311h5e2d1a8_200`.
    pub conda_build: Option<String>,
    /// Its GPUs.
    #[serde(default)]
    pub devices: Observed<Vec<FrameworkDevice>>,
    /// Operations on each GPU, up to the first that is not right.
    pub operations: Observed<Vec<Operation>>,
    /// Head and tail of what it wrote to its standard streams when it was run.
    #[serde(default)]
    pub log: String,
    /// From start to answer, in milliseconds; 0 where it was not run.
    #[serde(default)]
    pub elapsed_ms: u64,
}

impl Jax {
    /// Whether it is there to be used with a GPU: somebody asked for it, or it has code for CUDA.
    pub fn counts(&self) -> bool {
        self.brought_by.is_none() || self.has_cuda()
    }

    /// Whether it has a part for CUDA: a plugin, or code in jaxlib itself.
    pub fn has_cuda(&self) -> bool {
        let has_cuda = |found: &Distribution| {
            found.name.starts_with("jax-cuda") || (found.name == "jaxlib" && found.version.contains("+cuda"))
        };
        let conda = self.conda_build.as_deref().is_some_and(|build| build.starts_with("cuda"));
        conda || self.distributions.iter().any(has_cuda)
    }

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
