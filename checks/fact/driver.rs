//! The CUDA driver API, and what a kernel computed through it.

use super::{Observed, PciAddress};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What libcuda said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Driver {
    /// The file that the loader took for `libcuda.so.1`.
    pub library: Observed<String>,
    /// `cuDriverGetVersion`: 1000 times major plus 10 times minor; 12020 is CUDA 12.2.
    pub version: Observed<i32>,
    /// `cuInit(0)`.
    pub init: Observed<()>,
    /// Each device, in CUDA's order.
    pub devices: Observed<Vec<CudaDevice>>,
    /// `CUDA_VISIBLE_DEVICES` as the probe inherited it.
    pub visible_devices: Option<String>,
    /// How many devices CUDA lists without that variable; none where nobody had reason to ask.
    #[serde(default)]
    pub devices_unhidden: Option<usize>,
    /// Where CUDA keeps the code that it compiles; none where nobody looked.
    #[serde(default)]
    pub compute_cache: Option<ComputeCache>,
}

impl Driver {
    /// A driver of which nothing has been asked yet.
    pub fn unasked(why: &str) -> Self {
        Self {
            library: Observed::not_probed(why),
            version: Observed::not_probed(why),
            init: Observed::not_probed(why),
            devices: Observed::not_probed(why),
            visible_devices: None,
            devices_unhidden: None,
            compute_cache: None,
        }
    }
}

/// Where CUDA keeps the code that it compiles for the asking user's programs, so that it compiles it once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ComputeCache {
    /// `CUDA_CACHE_DISABLE`.
    pub disable: Option<String>,
    /// `CUDA_CACHE_MAXSIZE`, in bytes.
    pub max_size: Option<String>,
    /// The folder: `CUDA_CACHE_PATH`, else `.nv/ComputeCache` in the home; none where neither is known.
    pub folder: Option<String>,
    /// Whether the asking user may write there; none where nobody could tell.
    pub writable: Option<bool>,
}

/// A device as CUDA sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CudaDevice {
    /// CUDA's ordinal.
    pub ordinal: i32,
    /// `cuDeviceGetPCIBusId`.
    pub pci: Observed<PciAddress>,
    /// `cuDeviceGetName`.
    pub name: Observed<String>,
    /// Compute capability, major and minor.
    pub compute_capability: Observed<(i32, i32)>,
    /// `cuDeviceTotalMem_v2`, in bytes.
    pub memory: Observed<u64>,
    /// `cuDevicePrimaryCtxRetain`.
    pub context: Observed<()>,
}

/// What kernels computed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Compute {
    /// Each device that had a context.
    pub devices: Vec<ComputeDevice>,
}

/// One device at work.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComputeDevice {
    /// CUDA's ordinal.
    pub ordinal: i32,
    /// Where it sits.
    pub pci: Option<PciAddress>,
    /// The vector addition.
    pub vector_add: Observed<VectorAdd>,
}

/// A vector addition on the device, compared bit for bit with the processor's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct VectorAdd {
    /// Elements added.
    pub elements: u32,
    /// Elements whose bits differ from the processor's sum.
    pub wrong: u32,
    /// Index of the first of them.
    pub first_wrong: Option<u32>,
}
