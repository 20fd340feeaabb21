//! NVML, as far as a verdict can use it.
//!
//! Every reading of a device stands by itself: drivers lack calls, virtual GPUs refuse them, and neither may
//! cost the other readings.

use super::{Observed, PciAddress};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `NVML_GPU_VIRTUALIZATION_MODE_VGPU`.
const VGPU: u32 = 2;

/// What libnvidia-ml said.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Nvml {
    /// The file that the loader took for `libnvidia-ml.so.1`.
    pub library: Observed<String>,
    /// Opening `/dev/nvidiactl`, which NVML does next, with the system's own error number; asked where a driver stands
    /// on this machine.
    #[serde(default = "super::never_asked::<()>")]
    pub control: Observed<()>,
    /// `nvmlInit`.
    pub init: Observed<()>,
    /// `nvmlSystemGetDriverVersion`.
    pub driver_version: Observed<String>,
    /// `nvmlSystemGetNVMLVersion`.
    pub nvml_version: Observed<String>,
    /// `nvmlSystemGetCudaDriverVersion`, as `cuDriverGetVersion` numbers it.
    pub cuda_version: Observed<i32>,
    /// Each device, in NVML's order; one that could not be opened is its failure.
    pub devices: Observed<Vec<Observed<NvmlDevice>>>,
    /// Milliseconds from the call of `nvmlInit` until the first device could be asked; none where none could.
    #[serde(default)]
    pub start_ms: Option<u64>,
}

impl Nvml {
    /// A library of which nothing has been asked yet.
    pub fn unasked(why: &str) -> Self {
        Self {
            library: Observed::not_probed(why),
            control: Observed::not_probed(why),
            init: Observed::not_probed(why),
            driver_version: Observed::not_probed(why),
            nvml_version: Observed::not_probed(why),
            cuda_version: Observed::not_probed(why),
            devices: Observed::not_probed(why),
            start_ms: None,
        }
    }
}

/// A device as NVML sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NvmlDevice {
    /// NVML's index.
    pub index: u32,
    /// Where it sits.
    pub pci: Observed<PciAddress>,
    /// Device id, upper half, and vendor id, lower half, as NVML packs them.
    pub pci_device_id: Observed<u32>,
    /// Product name.
    pub name: Observed<String>,
    /// UUID; redacted in records.
    pub uuid: Observed<String>,
    /// Compute capability, major and minor.
    pub compute_capability: Observed<(i32, i32)>,
    /// Version of the card's firmware.
    pub vbios: Observed<String>,
    /// Version of the GSP firmware, where one runs.
    pub gsp_firmware: Observed<String>,
    /// Memory.
    pub memory: Observed<Memory>,
    /// BAR1, total and used, in bytes.
    pub bar1: Observed<(u64, u64)>,
    /// Persistence mode.
    pub persistence: Observed<bool>,
    /// 0 default, 1 exclusive thread, 2 prohibited, 3 exclusive process.
    pub compute_mode: Observed<u32>,
    /// Performance state, 0 is the fastest.
    pub performance_state: Observed<u32>,
    /// Clocks.
    pub clocks: Clocks,
    /// Bits of nvml.h's `nvmlClocksEventReason*`.
    pub clock_event_reasons: Observed<u64>,
    /// Temperatures.
    pub temperature: Temperature,
    /// Power.
    pub power: Power,
    /// Error correction.
    pub ecc: Ecc,
    /// Retired pages, up to Volta.
    pub retired_pages: Observed<RetiredPages>,
    /// Remapped rows, from Ampere.
    pub remapped_rows: Observed<RemappedRows>,
    /// MIG mode, current and pending.
    pub mig_mode: Observed<(bool, bool)>,
    /// MIG instances, where the mode is on.
    pub mig_instances: Observed<Vec<MigInstance>>,
    /// 0 none, 1 pass-through, 2 vGPU, 3 host vGPU, 4 host vSGA.
    pub virtualization_mode: Observed<u32>,
    /// Licensable features of a vGPU.
    pub grid_features: Observed<Vec<GridFeature>>,
    /// PCI Express link.
    pub link: PcieLink,
    /// Width of the memory bus, in bits.
    pub memory_bus_width: Observed<u32>,
    /// Number of CUDA cores.
    pub cores: Observed<u32>,
    /// GPU and memory activity over the last sample, in percent.
    pub utilization: Observed<(u32, u32)>,
    /// `nvmlGpuFabricInfo_t`: state (3 is complete) and status.
    pub fabric: Observed<(u32, u32)>,
    /// Processes with a compute context.
    pub compute_processes: Observed<Vec<GpuProcess>>,
    /// Processes with a graphics context.
    pub graphics_processes: Observed<Vec<GpuProcess>>,
}

impl NvmlDevice {
    /// A device of which nothing has been asked yet.
    pub fn unasked(index: u32, why: &str) -> Self {
        fn none<T>(why: &str) -> Observed<T> {
            Observed::not_probed(why)
        }
        Self {
            index,
            pci: none(why),
            pci_device_id: none(why),
            name: none(why),
            uuid: none(why),
            compute_capability: none(why),
            vbios: none(why),
            gsp_firmware: none(why),
            memory: none(why),
            bar1: none(why),
            persistence: none(why),
            compute_mode: none(why),
            performance_state: none(why),
            clocks: Clocks {
                sm: none(why),
                sm_max: none(why),
                memory: none(why),
                memory_max: none(why),
                application_sm: none(why),
                application_sm_default: none(why),
            },
            clock_event_reasons: none(why),
            temperature: Temperature { gpu: none(why), slowdown: none(why), shutdown: none(why) },
            power: Power { usage: none(why), enforced_limit: none(why), default_limit: none(why) },
            ecc: Ecc {
                mode: none(why),
                volatile_corrected: none(why),
                volatile_uncorrected: none(why),
                aggregate_uncorrected: none(why),
            },
            retired_pages: none(why),
            remapped_rows: none(why),
            mig_mode: none(why),
            mig_instances: none(why),
            virtualization_mode: none(why),
            grid_features: none(why),
            link: PcieLink {
                generation: none(why),
                generation_max: none(why),
                width: none(why),
                width_max: none(why),
                replays: none(why),
            },
            memory_bus_width: none(why),
            cores: none(why),
            utilization: none(why),
            fabric: none(why),
            compute_processes: none(why),
            graphics_processes: none(why),
        }
    }

    /// MIG divides it.
    pub fn has_mig(&self) -> bool {
        matches!(self.mig_mode.seen(), Some((true, _)))
    }

    /// It is a slice of a card that a hypervisor shares out.
    pub fn is_vgpu(&self) -> bool {
        self.virtualization_mode.seen() == Some(&VGPU)
    }

    /// The processes on it that are not gpucheck's own, computing and drawing ones.
    pub fn processes(&self) -> impl Iterator<Item = &GpuProcess> {
        let lists = [&self.compute_processes, &self.graphics_processes];
        lists.into_iter().filter_map(Observed::seen).flatten().filter(|process| !process.ours)
    }
}

/// Memory of a device, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Memory {
    /// In all.
    pub total: u64,
    /// Free.
    pub free: u64,
    /// In use; drivers up to 470 count what the driver keeps for itself.
    pub used: u64,
    /// What the driver keeps for itself; none where it is counted as used.
    #[serde(default)]
    pub reserved: Option<u64>,
}

impl Memory {
    /// Whether the numbers can be those of a card.
    pub fn is_plausible(&self) -> bool {
        self.total > 0 && self.free.checked_add(self.used).is_some_and(|sum| sum <= self.total)
    }

    /// Whether too little is left to work with: contexts of CUDA alone take some hundred megabytes.
    pub fn is_full(&self) -> bool {
        self.is_plausible() && self.free < LITTLE.min(self.total / 10)
    }
}

/// Free memory of a device with which nothing can be begun, in bytes.
const LITTLE: u64 = 500 << 20;

/// Clocks of a device, in MHz.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Clocks {
    /// Multiprocessors, now.
    pub sm: Observed<u32>,
    /// Multiprocessors, greatest.
    pub sm_max: Observed<u32>,
    /// Memory, now.
    pub memory: Observed<u32>,
    /// Memory, greatest.
    pub memory_max: Observed<u32>,
    /// Multiprocessors, as somebody set it for applications.
    #[serde(default = "super::never_asked::<u32>")]
    pub application_sm: Observed<u32>,
    /// The same, as the card comes.
    #[serde(default = "super::never_asked::<u32>")]
    pub application_sm_default: Observed<u32>,
}

/// Temperatures of a device, in degrees Celsius.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Temperature {
    /// Of the chip.
    pub gpu: Observed<u32>,
    /// From which the chip slows down.
    pub slowdown: Observed<u32>,
    /// From which it shuts down.
    pub shutdown: Observed<u32>,
}

/// Power of a device, in milliwatts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Power {
    /// Drawn now.
    pub usage: Observed<u32>,
    /// The limit in force.
    pub enforced_limit: Observed<u32>,
    /// The limit that the card comes with.
    pub default_limit: Observed<u32>,
}

/// Error correction of a device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ecc {
    /// On now, and on after the next reset.
    pub mode: Observed<(bool, bool)>,
    /// Corrected errors since the driver was loaded.
    pub volatile_corrected: Observed<u64>,
    /// Uncorrected errors since the driver was loaded.
    pub volatile_uncorrected: Observed<u64>,
    /// Uncorrected errors over the life of the card.
    pub aggregate_uncorrected: Observed<u64>,
}

/// Pages taken out of use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RetiredPages {
    /// For many corrected errors.
    pub single_bit: u32,
    /// For an uncorrected error.
    pub double_bit: u32,
    /// Some wait for a reboot.
    pub pending: bool,
}

/// Rows replaced by spare ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RemappedRows {
    /// For corrected errors.
    pub corrected: u32,
    /// For uncorrected errors.
    pub uncorrected: u32,
    /// Some wait for a reset.
    pub pending: bool,
    /// A row could not be replaced.
    pub failed: bool,
}

/// A MIG instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MigInstance {
    /// Its index on the device.
    pub index: u32,
    /// Its name, such as `NVIDIA A100-SXM4-40GB MIG 1g.5gb`.
    pub name: Observed<String>,
}

/// A feature of a vGPU that wants a licence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GridFeature {
    /// `nvmlGridLicenseFeatureCode_t`: 1 vGPU, 2 RTX workstation, 3 gaming, 4 compute.
    pub code: u32,
    /// It is licensed now.
    pub licensed: bool,
}

/// The PCI Express link of a device, as NVML sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PcieLink {
    /// Generation now; an idle card may rest at 1.
    pub generation: Observed<u32>,
    /// Greatest generation of card and slot together.
    pub generation_max: Observed<u32>,
    /// Lanes now.
    pub width: Observed<u32>,
    /// Greatest number of lanes of card and slot together.
    pub width_max: Observed<u32>,
    /// Replays since the driver was loaded.
    pub replays: Observed<u32>,
}

/// A process on a device.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GpuProcess {
    /// Its id in this process id namespace.
    pub pid: u32,
    /// Memory that it holds, in bytes; none where NVML does not tell (WDDM, MIG, permissions).
    pub memory: Option<u64>,
    /// Its name from `/proc/PID/comm`, where readable.
    pub name: Option<String>,
    /// It is one of gpucheck's own, which look at the GPU at the same time.
    #[serde(default)]
    pub ours: bool,
}
