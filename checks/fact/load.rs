//! What a machine did over some seconds: its GPUs, its processors, its memory and disks.
//!
//! A list of samples holds one value a sample; what a driver or a kernel does not tell is none.

use super::{Observed, PciAddress};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was sampled.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Load {
    /// How long, in milliseconds.
    pub lasted_ms: u64,
    /// Whose slowness was asked about.
    pub asked: Option<AskedProcess>,
    /// Each GPU.
    pub gpus: Vec<GpuLoad>,
    /// The host.
    pub host: Observed<HostLoad>,
    /// Where CUDA keeps the code that it compiles.
    pub compiled: Option<CompiledCode>,
}

/// The process that was asked about: that of a notebook's kernel, or of a number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AskedProcess {
    /// Its number.
    pub pid: u32,
    /// The notebook, where it is one's kernel.
    pub notebook: Option<String>,
    /// Its name, where it was there.
    pub name: Option<String>,
    /// It has ended before the sampling did.
    pub ended: bool,
    /// It has mapped libcuda.
    pub has_cuda: Option<bool>,
    /// It has mapped the driver's compiler, `libnvidia-ptxjitcompiler`.
    pub has_compiler: Option<bool>,
}

/// One GPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct GpuLoad {
    /// Where it sits.
    pub pci: PciAddress,
    /// What NVML said, sample by sample.
    pub samples: Observed<Vec<GpuSample>>,
    /// What each process used, over all samples.
    pub processes: Observed<Vec<GpuUse>>,
    /// Xids that NVML told while it was sampled; none where it takes no events.
    #[serde(default)]
    pub xids: Option<Vec<u32>>,
}

/// One sample of a GPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GpuSample {
    /// When, in milliseconds from the first sample on.
    pub at_ms: u64,
    /// Time in which a kernel ran, in percent.
    pub activity: Option<u32>,
    /// Time in which memory was read or written, in percent.
    pub memory_activity: Option<u32>,
    /// Memory in use, in bytes.
    pub memory_used: Option<u64>,
    /// Clock of the multiprocessors, in MHz.
    pub sm_mhz: Option<u32>,
    /// Clock of the memory, in MHz.
    pub memory_mhz: Option<u32>,
    /// Clock event reasons, bits of nvml.h.
    pub reasons: Option<u64>,
    /// Temperature of the chip, in degrees Celsius.
    pub temperature: Option<u32>,
    /// Power, in milliwatts.
    pub power_mw: Option<u32>,
    /// Generation of the PCI Express link.
    pub link_generation: Option<u32>,
    /// Its lanes.
    pub link_width: Option<u32>,
    /// What the GPU sent over it, in KB/s.
    pub sent_kbs: Option<u32>,
    /// What the GPU received over it, in KB/s.
    pub received_kbs: Option<u32>,
}

/// What a process used of a GPU: `nvmlDeviceGetProcessUtilization`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GpuUse {
    /// Its number.
    pub pid: u32,
    /// Time in which a kernel of its ran, in percent, at the mean of what NVML told.
    pub activity: u32,
    /// Time in which it read or wrote memory, in percent, in the same way.
    pub memory_activity: u32,
}

/// The host.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HostLoad {
    /// Sample by sample.
    pub samples: Vec<HostSample>,
    /// The processes that used most of the processors, most first; the one that was asked about among them, always.
    pub processes: Vec<ProcessorUse>,
    /// Limits of the control group of the process that was asked about, else of gpucheck's own.
    pub limits: Option<GroupLimits>,
}

/// One sample of the host, about the time since the one before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct HostSample {
    /// When, in milliseconds from the first sample on.
    pub at_ms: u64,
    /// Time in which each core was busy, in percent.
    pub cores: Vec<u8>,
    /// Time in which cores waited for disks, in percent of all.
    pub waiting: u8,
    /// Memory that programs can have, in bytes.
    pub memory_available: u64,
    /// Pages read from swap.
    pub swapped_in: u64,
    /// Pages written to swap.
    pub swapped_out: u64,
    /// Time in which some program waited for memory, in percent: `some avg10` of /proc/pressure/memory.
    pub memory_pressure: Option<u8>,
    /// Time in which some program waited for disks, in the same way.
    pub disk_pressure: Option<u8>,
    /// Time in which the busiest disk was at work, in percent, and its name.
    pub busiest_disk: Option<(String, u8)>,
}

/// What a process used of the processors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessorUse {
    /// Its number.
    pub pid: u32,
    /// Its name.
    pub name: String,
    /// Who started it, the nearest first, as far as they are seen.
    #[serde(default)]
    pub ancestors: Vec<u32>,
    /// Time of one core, in percent: 400 is four cores.
    pub percent: u32,
    /// Its busiest thread, in the same way.
    pub busiest_thread: u32,
    /// Memory in use, in bytes.
    pub memory: u64,
    /// It has mapped the driver's compiler; none where nobody looked, or it is closed to the asking user.
    #[serde(default)]
    pub has_compiler: Option<bool>,
    /// Threads or processes of its that waited for a disk, at the mean in percent of the samples.
    pub waiting: u8,
}

/// Limits of a control group, and what they did while it was sampled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupLimits {
    /// Processors that it may use, in percent of one core; none without a limit.
    pub processors: Option<u32>,
    /// Time in which it was held back for that, in percent.
    pub held_back: Option<u8>,
    /// Memory that it may use, in bytes; none without a limit.
    pub memory: Option<u64>,
    /// Memory that it uses.
    pub memory_used: Option<u64>,
}

/// The cache of compiled code of the user who was asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CompiledCode {
    /// The folder.
    pub folder: Option<String>,
    /// Whether that user may write there, as far as can be told.
    pub writable: Option<bool>,
    /// `CUDA_CACHE_DISABLE` of the process.
    pub disable: Option<String>,
    /// `CUDA_CACHE_MAXSIZE` of the process.
    pub max_size: Option<String>,
    /// Bytes in it at the first sample; none where it is not there.
    pub bytes_before: Option<u64>,
    /// Bytes in it at the last one.
    pub bytes_after: Option<u64>,
}
