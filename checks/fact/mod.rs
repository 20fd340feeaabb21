//! What a machine said, as values.
//!
//! Invariants: a fact never judges; it is serializable, comparable and free of clocks; a value that could not
//! be had says why. Newer gpucheck versions may add fields, so every reader ignores fields it does not know.

mod driver;
mod frameworks;
mod module;
mod nvml;
mod observed;
mod pci;
mod platform;

pub use driver::{Compute, ComputeDevice, CudaDevice, Driver, VectorAdd};
pub use frameworks::{
    Carrier, DeviceAttributes, Distribution, FoundBy, Frameworks, Interpreter, Link, Listing, Look,
    Operation, PhysicalDevice, Python, TensorFlow, TensorFlowBuild, Way,
};
pub use module::{
    Access, DeviceNode, Dkms, DriverFile, InstalledKernel, LoadedModule, Module, ModuleFile, Node, SecureBoot,
};
pub use nvml::{
    Clocks, Ecc, GpuProcess, GridFeature, Memory, MigInstance, Nvml, NvmlDevice, PcieLink, Power,
    RemappedRows, RetiredPages, Temperature,
};
pub use observed::{Observed, ProbeFailure};
pub use pci::{ConfigSpace, Pci, PciAddress, PciFunction};
pub use platform::{
    Cloud, CloudProvider, Container, Cpu, Disk, Dmi, InstanceMetadata, Os, Place, Platform, RamAndSwap, User,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The number of this layout of [`Facts`]. It grows when a field changes its meaning or goes away.
pub const FACTS_SCHEMA: u32 = 1;

/// Everything that the probes saw on one machine at one time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Facts {
    /// Layout of this document, [`FACTS_SCHEMA`] when written by this version.
    pub schema: u32,
    /// Version of the gpucheck that looked.
    pub gpucheck: String,
    /// When the looking began, RFC 3339 in UTC.
    pub taken_at: String,
    /// Host, operating system, cloud.
    pub platform: Observed<Platform>,
    /// Display functions on the PCI bus.
    pub pci: Observed<Pci>,
    /// The NVIDIA kernel module and what belongs to it.
    pub module: Observed<Module>,
    /// What the driver's management library said.
    pub nvml: Observed<Nvml>,
    /// What the CUDA driver API said.
    pub driver: Observed<Driver>,
    /// What a kernel computed on each GPU.
    pub compute: Observed<Compute>,
    /// What each Python's frameworks said.
    pub frameworks: Observed<Frameworks>,
}

impl Facts {
    /// Facts of a machine that nobody has looked at yet, each marked with `why`.
    pub fn unprobed(gpucheck: &str, taken_at: &str, why: &str) -> Self {
        Self {
            schema: FACTS_SCHEMA,
            gpucheck: gpucheck.to_owned(),
            taken_at: taken_at.to_owned(),
            platform: Observed::not_probed(why),
            pci: Observed::not_probed(why),
            module: Observed::not_probed(why),
            nvml: Observed::not_probed(why),
            driver: Observed::not_probed(why),
            compute: Observed::not_probed(why),
            frameworks: Observed::not_probed(why),
        }
    }

    /// The NVIDIA GPUs on the PCI bus, in the order of their addresses; empty where the bus was not seen.
    pub fn gpus(&self) -> impl Iterator<Item = &PciFunction> {
        self.pci.seen().into_iter().flat_map(|pci| &pci.functions).filter(|function| function.is_nvidia_gpu())
    }

    /// Where this machine stands, as far as the platform facts tell.
    pub fn place(&self) -> Place {
        self.platform.seen().map_or(Place::Unknown, Platform::place)
    }
}
