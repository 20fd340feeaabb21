//! What a simulated driver replays: the driver, its GPUs, and what goes wrong.
//!
//! The libraries read it as JSON from the file that [`VARIABLE`] names. Every field is said here; a field that is not
//! is refused.
//!
//! Invariants: what a scenario does not give is not made up, NVML answers `NOT_SUPPORTED` for it; a code is a number as
//! nvml.h and cuda.h have it.

mod nvml;

pub use nvml::{Clocks, Ecc, GridFeature, Nvml, RemappedRows, RetiredPages};

use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, path::PathBuf};

/// The environment variable that names the scenario's file. Where it is unset or the file cannot be read, every call of
/// the libraries is refused.
pub const VARIABLE: &str = "GPUSIM_SCENARIO";
/// The environment variable that names a file to which every call appends a line, `SYMBOL = CODE`. A call that never
/// returns has left its `SYMBOL` alone on a line.
pub const TRACE: &str = "GPUSIM_TRACE";

/// A driver with its GPUs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    /// The driver.
    pub driver: Driver,
    /// The GPUs, in the order of their PCI addresses. Without any, NVML counts 0 and `cuInit` returns
    /// `CUDA_ERROR_NO_DEVICE`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gpus: Vec<Gpu>,
    /// What goes wrong. Of several faults that meet a call, each is done, in this order; the first that returns or
    /// ends the process is the last one done.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// A folder in which each process notes the contexts that it has, whatever user runs it. NVML lists the living ones of
    /// these processes beside those of the scenario, as every driver lists whoever has a context; where the folder cannot
    /// be read it refuses. Without one only the scenario's are listed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contexts: Option<PathBuf>,
}

/// The driver's versions.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Driver {
    /// `535.161.08`. Its branch, the first number, says the newest PTX that is taken and the layout of process lists.
    /// Which symbols there are is said by the libraries' folder; see `libraries`.
    pub version: String,
    /// What `cuDriverGetVersion` says: 12020 is CUDA 12.2.
    pub cuda: i32,
    /// What `nvmlSystemGetNVMLVersion` says; `12.535.161.08` where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nvml: Option<String>,
    /// The newest PTX that is taken, `[8, 2]`; the branch's where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ptx: Option<(u32, u32)>,
}

/// One GPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpu {
    /// Where it sits: `0001:00:00.0`. NVML writes the domain with eight digits, CUDA with four, both in capitals.
    pub pci: String,
    /// Device id in the upper half, vendor id in the lower, as NVML packs them: 0x1eb8_10de.
    pub pci_device_id: u32,
    /// The same for the subsystem.
    #[serde(default)]
    pub pci_subsystem_id: u32,
    /// `Tesla T4`.
    pub name: String,
    /// `GPU-` and 32 hexadecimal digits in five groups.
    pub uuid: String,
    /// Compute capability, major and minor.
    pub compute_capability: (i32, i32),
    /// Memory.
    pub memory: Memory,
    /// Number of multiprocessors.
    pub multiprocessors: u32,
    /// Whether NVML counts it.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub in_nvml: bool,
    /// Whether CUDA counts it.
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    pub in_cuda: bool,
    /// What NVML reads of it. A reading that is not given is `NOT_SUPPORTED`, but those that say otherwise.
    #[serde(default)]
    pub nvml: Nvml,
    /// Multi-instance GPU; none where the GPU cannot be divided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mig: Option<Mig>,
    /// Processes on it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<Process>,
    /// Device attributes of CUDA by their number in cuda.h, over those that follow from the rest.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub attributes: BTreeMap<i32, i32>,
    /// How fast it is, as CUDA's events tell it.
    #[serde(default, skip_serializing_if = "Speed::is_usual")]
    pub speed: Speed,
    /// Bits of its memory that do not change.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub bad_memory: Vec<BadBit>,
    /// Xids that `nvmlEventSetWait` tells, each once in a process.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub xid_events: Vec<u64>,
}

/// How fast a GPU is. What is not given follows from NVML's readings, so that a healthy card is as fast as one: 85 % of bus
/// width and greatest memory clock, 80 % of what the link's greatest generation and its lanes carry, 90 % of cores and
/// greatest clock. An instance has its share of memory and arithmetic.
///
/// A kernel takes as long as the longer of two: what it moves between memory and cache, and its operations. What it reads
/// again within as many bytes as the cache has (device attribute 38, else 4 MiB) is moved once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Speed {
    /// Reading or writing its memory, in GB/s; a copy within it does both.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_gbs: Option<f64>,
    /// From the host, in GB/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub upload_gbs: Option<f64>,
    /// To the host, in GB/s.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub download_gbs: Option<f64>,
    /// Thousand millions of operations in a second; a multiplication with an addition is two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gflops: Option<f64>,
}

impl Speed {
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// A bit of memory that does not change, whatever a kernel, a copy or a fill stores.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BadBit {
    /// Its byte, from the first address that `cuMemAlloc` ever gives on this GPU in a process.
    pub offset: u64,
    /// The bit of it, from 0.
    #[serde(default)]
    pub bit: u8,
    /// What it is: 0 or 1.
    pub stuck: u8,
}

/// Memory of a GPU or of an instance, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// In all.
    pub total: u64,
    /// Used by programs.
    #[serde(default)]
    pub used: u64,
    /// Kept by the driver. The first version of the call, R470 and earlier, counts it as used.
    #[serde(default)]
    pub reserved: u64,
}

/// A reading: a value, or the code with which the call refuses, `{"error": 15}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Reading<T> {
    /// The call returns this code of `nvmlReturn_t`.
    Refused {
        /// The code.
        error: u32,
    },
    /// The call succeeds.
    Told(T),
}

/// Multi-instance GPU.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mig {
    /// On now.
    pub mode: bool,
    /// On after the next reset.
    pub pending: bool,
    /// How many there can be; 7 where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub places: Option<u32>,
    /// Those that there are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub instances: Vec<Instance>,
}

/// A compute instance in a GPU instance of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Instance {
    /// `NVIDIA A100-SXM4-40GB MIG 1g.5gb`.
    pub name: String,
    /// `MIG-` and 32 hexadecimal digits in five groups.
    pub uuid: String,
    /// Memory.
    pub memory: Memory,
    /// Number of multiprocessors.
    pub multiprocessors: u32,
    /// Number of the GPU instance; its place in the list plus one where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_instance: Option<u32>,
    /// Number of the compute instance.
    #[serde(default)]
    pub compute_instance: u32,
}

impl Instance {
    /// The number of its GPU instance, where it is in this place of the list.
    pub fn gpu_instance(&self, place: usize) -> u32 {
        self.gpu_instance.unwrap_or_else(|| u32::try_from(place + 1).unwrap_or(u32::MAX))
    }
}

/// A process on a GPU.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Memory of the GPU that it holds, in bytes; none where NVML cannot tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u64>,
    /// What it has.
    #[serde(default, rename = "type")]
    pub kind: ProcessKind,
    /// The number of its GPU instance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu_instance: Option<u32>,
    /// How much of the time its kernels run, in percent, for `nvmlDeviceGetProcessUtilization`; that tells nothing of a
    /// process without it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activity: Option<u32>,
    /// How much of the time it reads or writes the GPU's memory, in percent; 0 where it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_activity: Option<u32>,
}

/// What a process has on a GPU.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ProcessKind {
    /// A compute context.
    #[default]
    Compute,
    /// A graphics context.
    Graphics,
}

/// Something that goes wrong.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The symbol, `cuInit`; with a `*` at its end, all that begin so. `dlopen libcuda.so.1` is the library being
    /// loaded, `dlclose libcuda.so.1` being unloaded.
    pub call: String,
    /// Only this call of those that match (and are of this GPU), counted from 1 in each process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nth: Option<u64>,
    /// This call and those after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,
    /// Only calls that concern the GPU of this place in the list: by NVML's handle, CUDA's device or current context.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<usize>,
    /// What happens.
    #[serde(rename = "do")]
    pub action: Action,
}

/// What happens instead of, before or after a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    /// The call does nothing and returns this code. Where it is one that CUDA keeps (700, 702, 710, 714 to 719), every
    /// later call of CUDA in the process returns it too.
    Return(u32),
    /// The call does nothing and returns success: a kernel that never runs, a copy that never happens.
    Skip,
    /// The call sleeps for ever.
    Hang,
    /// The call computes for ever.
    Spin,
    /// The process dies of SIGSEGV.
    Segv,
    /// The process dies of SIGABRT.
    Abort,
    /// The process exits with this status.
    Exit(i32),
    /// This text goes to standard output before the call.
    Stdout(String),
    /// This text goes to standard error before the call.
    Stderr(String),
    /// The call takes so many milliseconds longer.
    DelayMs(u64),
    /// The call succeeds, and every byte of what it tells is this one. Texts have no end.
    Garbage(u8),
    /// The call succeeds, and a bit of what it wrote is wrong: after a launch of the memory allocated last, after a
    /// copy or a fill of its destination.
    BitFlip(BitFlip),
}

/// The bit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BitFlip {
    /// The byte, from the beginning of what was written.
    pub byte: u64,
    /// The bit of it, from 0.
    #[serde(default)]
    pub bit: u8,
}

fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes it so")]
fn is_yes(it: &bool) -> bool {
    *it
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_comes_back_as_it_was_written() {
        let text = r#"{
            "driver": {"version": "535.161.08", "cuda": 12020},
            "gpus": [{
                "pci": "0001:00:00.0", "pci_device_id": 515379422, "name": "Tesla T4", "uuid": "GPU-0",
                "compute_capability": [7, 5], "memory": {"total": 16106127360}, "multiprocessors": 40,
                "nvml": {"temperature": 44, "fan": {"error": 3}, "ecc_mode": [true, true], "fields": {"82": 7}},
                "processes": [{"pid": 42, "memory": 1000}]
            }],
            "faults": [
                {"call": "cuInit", "do": "hang"},
                {"call": "cuMemAlloc_v2", "nth": 2, "gpu": 0, "do": {"return": 2}},
                {"call": "cuLaunchKernel", "from": 1, "do": {"bit_flip": {"byte": 28}}}
            ]
        }"#;
        let scenario: Scenario = serde_json::from_str(text).unwrap();
        let nvml = &scenario.gpus[0].nvml;
        assert_eq!(nvml.temperature, Some(Reading::Told(44)));
        assert_eq!(nvml.fan, Some(Reading::Refused { error: 3 }));
        assert_eq!(nvml.fields[&82], Reading::Told(7));
        assert!(scenario.gpus[0].in_cuda);
        assert_eq!(scenario.faults[1].action, Action::Return(2));
        let again: Scenario = serde_json::from_str(&serde_json::to_string(&scenario).unwrap()).unwrap();
        assert_eq!(again, scenario);
    }

    #[test]
    fn an_unknown_field_is_refused() {
        let text = r#"{"driver": {"version": "535.161.08", "cuda": 12020, "color": "green"}}"#;
        let error = serde_json::from_str::<Scenario>(text).unwrap_err().to_string();
        assert!(error.contains("unknown field `color`"), "{error}");
    }
}
