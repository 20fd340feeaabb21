//! What NVML reads of a simulated GPU.
//!
//! Invariant: a reading that is not given is `NOT_SUPPORTED`, but those that say otherwise.

use super::{Memory, Reading};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// NVML's readings of a GPU.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Nvml {
    /// `nvmlDeviceGetHandleByIndex`, `-BySerial`, `-ByUUID` and `-ByPciBusId` refuse with this code; none lets them
    /// succeed. A GPU that has fallen off the bus has 15, `GPU_IS_LOST`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub handle: Option<u32>,
    /// `nvmlDeviceGetName`; the GPU's name where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Reading<String>>,
    /// `nvmlDeviceGetUUID`; the GPU's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uuid: Option<Reading<String>>,
    /// `nvmlDeviceGetPciInfo`: the address; the GPU's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pci: Option<Reading<String>>,
    /// `nvmlDeviceGetMemoryInfo`; the GPU's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Reading<Memory>>,
    /// `nvmlDeviceGetCudaComputeCapability`; the GPU's where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_capability: Option<Reading<(i32, i32)>>,
    /// `nvmlDeviceGetArchitecture`, as nvml.h numbers it; that of the compute capability where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Reading<u32>>,
    /// `nvmlDeviceGetMinorNumber`: N of /dev/nvidiaN; the GPU's place in the list where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minor: Option<Reading<u32>>,
    /// `nvmlDeviceGetBrand`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub brand: Option<Reading<u32>>,
    /// `nvmlDeviceGetSerial`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub serial: Option<Reading<String>>,
    /// `nvmlDeviceGetBoardPartNumber`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub board_part: Option<Reading<String>>,
    /// `nvmlDeviceGetBoardId`: the GPUs of one board have the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub board_id: Option<Reading<u32>>,
    /// `nvmlDeviceGetMultiGpuBoard`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_gpu_board: Option<Reading<bool>>,
    /// `nvmlDeviceGetVbiosVersion`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vbios: Option<Reading<String>>,
    /// `nvmlDeviceGetGspFirmwareVersion`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gsp_firmware: Option<Reading<String>>,
    /// `nvmlDeviceGetGspFirmwareMode`: on, and on by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gsp_mode: Option<Reading<(bool, bool)>>,
    /// `nvmlDeviceGetBAR1MemoryInfo`: total and used, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bar1: Option<Reading<(u64, u64)>>,
    /// `nvmlDeviceGetPersistenceMode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub persistence: Option<Reading<bool>>,
    /// `nvmlDeviceGetComputeMode`, which CUDA keeps to as well: 0 default, 2 prohibited, 3 exclusive process. For CUDA
    /// it is 0 where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compute_mode: Option<Reading<u32>>,
    /// `nvmlDeviceGetDisplayMode`: a display is connected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_mode: Option<Reading<bool>>,
    /// `nvmlDeviceGetDisplayActive`: something is shown on it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub display_active: Option<Reading<bool>>,
    /// `nvmlDeviceGetPerformanceState`, `-GetPowerState`: 0 is the fastest, 32 unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub performance_state: Option<Reading<u32>>,
    /// `nvmlDeviceGetClockInfo`, in MHz.
    pub clocks: Clocks,
    /// `nvmlDeviceGetMaxClockInfo`, in MHz.
    pub max_clocks: Clocks,
    /// `nvmlDeviceGetApplicationsClock`, in MHz.
    pub application_clocks: Clocks,
    /// `nvmlDeviceGetDefaultApplicationsClock`, in MHz.
    pub default_application_clocks: Clocks,
    /// `nvmlDeviceGetCurrentClocksThrottleReasons` and `-EventReasons`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clock_event_reasons: Option<Reading<u64>>,
    /// `nvmlDeviceGetSupportedClocksThrottleReasons` and `-EventReasons`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub supported_clock_event_reasons: Option<Reading<u64>>,
    /// `nvmlDeviceGetTemperature` of the chip, in degrees Celsius.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<Reading<u32>>,
    /// `nvmlDeviceGetTemperatureThreshold`: shutdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shutdown_temperature: Option<Reading<u32>>,
    /// The same: slowdown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slowdown_temperature: Option<Reading<u32>>,
    /// The same: the most that the memory shall have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_max_temperature: Option<Reading<u32>>,
    /// The same: the most that the chip shall have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_max_temperature: Option<Reading<u32>>,
    /// `nvmlDeviceGetFanSpeed`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fan: Option<Reading<u32>>,
    /// `nvmlDeviceGetNumFans`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fans: Option<Reading<u32>>,
    /// `nvmlDeviceGetPowerUsage`, in milliwatts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_usage: Option<Reading<u32>>,
    /// `nvmlDeviceGetEnforcedPowerLimit`, in milliwatts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enforced_power_limit: Option<Reading<u32>>,
    /// `nvmlDeviceGetPowerManagementLimit`, in milliwatts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_limit: Option<Reading<u32>>,
    /// `nvmlDeviceGetPowerManagementDefaultLimit`, in milliwatts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default_power_limit: Option<Reading<u32>>,
    /// `nvmlDeviceGetPowerManagementLimitConstraints`, in milliwatts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_limits: Option<Reading<(u32, u32)>>,
    /// `nvmlDeviceGetPowerManagementMode`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub power_management: Option<Reading<bool>>,
    /// `nvmlDeviceGetTotalEnergyConsumption`, in millijoules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub energy: Option<Reading<u64>>,
    /// `nvmlDeviceGetViolationStatus` by `nvmlPerfPolicyType_t`, in nanoseconds.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub violations: BTreeMap<u32, Reading<u64>>,
    /// `nvmlDeviceGetEccMode`: current and pending.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ecc_mode: Option<Reading<(bool, bool)>>,
    /// `nvmlDeviceGetTotalEccErrors`.
    pub ecc: Ecc,
    /// `nvmlDeviceGetRetiredPages` and `-PendingStatus`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retired_pages: Option<Reading<RetiredPages>>,
    /// `nvmlDeviceGetRemappedRows`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remapped_rows: Option<Reading<RemappedRows>>,
    /// `nvmlDeviceGetRowRemapperHistogram`: banks with all, many, some, few and no spare rows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_remapper: Option<Reading<[u32; 5]>>,
    /// `nvmlDeviceGetVirtualizationMode`: 0 none, 1 pass-through, 2 vGPU.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub virtualization_mode: Option<Reading<u32>>,
    /// `nvmlDeviceGetGridLicensableFeatures`; three at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub grid_features: Option<Reading<Vec<GridFeature>>>,
    /// `nvmlDeviceGetCurrPcieLinkGeneration`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_generation: Option<Reading<u32>>,
    /// `nvmlDeviceGetMaxPcieLinkGeneration`: of GPU and slot together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_generation_max: Option<Reading<u32>>,
    /// `nvmlDeviceGetGpuMaxPcieLinkGeneration`: of the GPU alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gpu_link_generation_max: Option<Reading<u32>>,
    /// `nvmlDeviceGetCurrPcieLinkWidth`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_width: Option<Reading<u32>>,
    /// `nvmlDeviceGetMaxPcieLinkWidth`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_width_max: Option<Reading<u32>>,
    /// `nvmlDeviceGetPcieReplayCounter`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_replays: Option<Reading<u32>>,
    /// `nvmlDeviceGetPcieThroughput`: sent and received, in KB/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_throughput: Option<Reading<(u32, u32)>>,
    /// `nvmlDeviceGetNvLinkState` of each link.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nvlinks: Vec<Reading<bool>>,
    /// `nvmlDeviceGetMemoryBusWidth`, in bits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bus_width: Option<Reading<u32>>,
    /// `nvmlDeviceGetNumGpuCores`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cores: Option<Reading<u32>>,
    /// `nvmlDeviceGetUtilizationRates`: GPU and memory, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub utilization: Option<Reading<(u32, u32)>>,
    /// `nvmlDeviceGetEncoderUtilization`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoder: Option<Reading<u32>>,
    /// `nvmlDeviceGetDecoderUtilization`, in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decoder: Option<Reading<u32>>,
    /// `nvmlDeviceGetGpuFabricInfo`: state and status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fabric: Option<Reading<(u32, u32)>>,
    /// `nvmlDeviceGetComputeRunningProcesses` and `-GraphicsRunningProcesses` refuse with this code; none lets them tell
    /// the GPU's processes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processes: Option<u32>,
    /// `nvmlDeviceGetFieldValues` by field id.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub fields: BTreeMap<u32, Reading<u64>>,
}

/// Clocks by their kind, in MHz.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clocks {
    /// Graphics.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub graphics: Option<Reading<u32>>,
    /// Multiprocessors.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sm: Option<Reading<u32>>,
    /// Memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Reading<u32>>,
    /// Video.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub video: Option<Reading<u32>>,
}

/// Counts of memory errors.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Ecc {
    /// Corrected since the driver was loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volatile_corrected: Option<Reading<u64>>,
    /// Uncorrected since the driver was loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub volatile_uncorrected: Option<Reading<u64>>,
    /// Corrected ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregate_corrected: Option<Reading<u64>>,
    /// Uncorrected ever.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregate_uncorrected: Option<Reading<u64>>,
}

/// Retired pages, up to Volta and on Turing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RetiredPages {
    /// For many corrected errors.
    pub single_bit: u32,
    /// For an uncorrected one.
    pub double_bit: u32,
    /// Some wait for a reboot.
    pub pending: bool,
}

/// Remapped rows, from Ampere.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RemappedRows {
    /// For corrected errors.
    pub corrected: u32,
    /// For uncorrected ones.
    pub uncorrected: u32,
    /// Some wait for a reset.
    pub pending: bool,
    /// One could not be remapped.
    pub failed: bool,
}

/// A licensable feature of a virtual GPU.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GridFeature {
    /// 1 vGPU, 2 NVIDIA RTX, 3 gaming, 4 compute.
    pub code: u32,
    /// Its licence is there.
    pub licensed: bool,
    /// The feature is enabled (third version of the call).
    pub enabled: bool,
    /// `NVIDIA Virtual Compute Server` (second version).
    pub product: String,
    /// Status of the expiry and year, month, day, hour, minute, second (fourth version); 2 is "valid".
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires: Option<[u32; 7]>,
}
