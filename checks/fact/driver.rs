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
        }
    }
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
