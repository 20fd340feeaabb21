//! The CUDA libraries that the frameworks of one Python would take, and what those did when they were tried.

use super::{LinkedLibraries, LoaderRule, Observed, PciAddress};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the frameworks of one Python take of CUDA.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct CudaLibraries {
    /// The driver's library that the dynamic loader finds there; none where it finds none.
    pub driver: Option<DriverLibrary>,
    /// Each framework that was built with CUDA and whose libraries lie where that framework's do.
    pub frameworks: Vec<FrameworkLibraries>,
}

impl CudaLibraries {
    /// What one framework takes.
    pub fn of(&self, framework: Framework) -> Option<&FrameworkLibraries> {
        self.frameworks.iter().find(|libraries| libraries.framework == framework)
    }
}

/// A framework that uses CUDA's libraries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Framework {
    /// TensorFlow.
    TensorFlow,
    /// PyTorch.
    Torch,
    /// JAX.
    Jax,
    /// CuPy.
    Cupy,
}

impl std::fmt::Display for Framework {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TensorFlow => "TensorFlow",
            Self::Torch => "PyTorch",
            Self::Jax => "JAX",
            Self::Cupy => "CuPy",
        })
    }
}

/// `libcuda.so.1` as a Python's loader finds it, without loading it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriverLibrary {
    /// Its path.
    pub path: String,
    /// What that leads to, symbolic links resolved.
    pub target: String,
    /// What leads there.
    pub rule: LoaderRule,
}

/// What one framework takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FrameworkLibraries {
    /// Which framework.
    pub framework: Framework,
    /// What its libraries want, and those that it opens by name: where the loader finds them.
    pub linked: Observed<LinkedLibraries>,
    /// Its cuBLAS, tried.
    pub cublas: Observed<LibraryTrial>,
    /// Its cuDNN, tried.
    pub cudnn: Observed<LibraryTrial>,
}

/// A library of CUDA's, loaded and put to work without any framework.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LibraryTrial {
    /// The file that was loaded, symbolic links resolved.
    pub library: Observed<String>,
    /// Its version as it tells it, `cublasGetProperty` or `cudnnGetVersion`, such as `9.10.2`.
    pub version: Observed<String>,
    /// The driver's library that was loaded beside it.
    pub driver: Observed<String>,
    /// `cuInit(0)` of that one.
    pub init: Observed<()>,
    /// Where the GPU sits that the rest was done on, CUDA's first.
    pub pci: Option<PciAddress>,
    /// Its primary context.
    pub context: Observed<()>,
    /// `cublasCreate_v2` or `cudnnCreate`.
    pub handle: Observed<()>,
    /// A small operation, compared exactly.
    pub operation: Observed<LibraryOperation>,
    /// A large product of matrices; cuBLAS only.
    pub sgemm: Observed<Sgemm>,
}

impl LibraryTrial {
    /// One of which nothing has been asked yet.
    pub fn unasked(why: &str) -> Self {
        Self {
            library: Observed::not_probed(why),
            version: Observed::not_probed(why),
            driver: Observed::not_probed(why),
            init: Observed::not_probed(why),
            pci: None,
            context: Observed::not_probed(why),
            handle: Observed::not_probed(why),
            operation: Observed::not_probed(why),
            sgemm: Observed::not_probed(why),
        }
    }
}

/// An operation whose result is known exactly.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LibraryOperation {
    /// The function, such as `cublasSgemm_v2`.
    pub name: String,
    /// Elements of its result.
    pub elements: u32,
    /// Elements that differ from the exact result.
    pub wrong: u32,
    /// Index of the first of them.
    pub first_wrong: Option<u32>,
}

/// A large product of two square matrices by `cublasSgemm_v2`, again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sgemm {
    /// Rows and columns of each.
    pub size: u32,
    /// Operations: twice the cube of the size for each product.
    pub operations: u64,
    /// Time of the device for them, between two of CUDA's events, in microseconds.
    pub device_us: u64,
    /// Elements of the result that were compared with the exact ones.
    pub compared: u32,
    /// Those of them that are wrong.
    pub wrong: u32,
}
