//! Pythons and the frameworks in them.

use super::{Asking, CudaLibraries, CudaParts, Environment, Isolated, Observed, Packages, PciAddress};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Every Python that was looked at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Frameworks {
    /// By the order in which they were found.
    pub pythons: Vec<Python>,
    /// Profiles and scripts of the shell that set `LD_LIBRARY_PATH`.
    #[serde(default)]
    pub library_path_set_in: Vec<String>,
    /// Notebook kernels whose Python had to be looked at and was not, by their names, each with the reason.
    #[serde(default)]
    pub notebooks_not_started: BTreeMap<String, String>,
    /// The environments that lie on the machine, those of `pythons` among them.
    #[serde(default)]
    pub environments: Vec<Environment>,
    /// Profiles, scripts and settings that set `CUDA_VISIBLE_DEVICES`, of the shell, of conda, of Jupyter's services.
    #[serde(default)]
    pub visible_devices_set_in: Vec<String>,
    /// What asks, where that is a Python; its own is the one that is found by [`FoundBy::Asking`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asking: Option<Asking>,
}

impl Frameworks {
    /// What asks, and its Python as a new process would have it.
    pub fn asking(&self) -> Option<(&Asking, &Python)> {
        let python = self.pythons.iter().find(|python| python.found_by == FoundBy::Asking)?;
        Some((self.asking.as_ref()?, python))
    }
}

/// A Python interpreter, and the environment that it stands for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Python {
    /// What led to it.
    pub found_by: FoundBy,
    /// The path it was started by.
    pub path: String,
    /// What tells it from others at this path, such as `kernel gpu-off`; none where it is the only one, or the shell's.
    #[serde(default)]
    pub label: Option<String>,
    /// The notebook kernels that start it just so, by the names that [`Notebooks::name_of`](super::Notebooks::name_of)
    /// gives them.
    #[serde(default)]
    pub kernels: Vec<String>,
    /// Seconds since the look that is retold here was taken, by an earlier run of the same user; none where it was
    /// taken now.
    #[serde(default)]
    pub retold_s: Option<u64>,
    /// User id that the probe took on, where it was not the asking user's.
    pub ran_as: Option<u32>,
    /// The user as whom it was looked at, where it is only this user's, or does otherwise for this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// What the interpreter said of itself.
    pub interpreter: Observed<Interpreter>,
    /// Head and tail of what an interpreter that gave no answer wrote to its standard streams, and as root lines
    /// `gpucheck: ...` on what was kept from it; else empty.
    #[serde(default)]
    pub log: String,
    /// TensorFlow; none where it is not installed.
    pub tensorflow: Observed<Option<TensorFlow>>,
    /// PyTorch, JAX, CuPy and cuDF.
    #[serde(default)]
    pub packages: Observed<Packages>,
    /// What the environment has of CUDA.
    #[serde(default)]
    pub cuda_parts: Observed<CudaParts>,
    /// The CUDA libraries that its frameworks take.
    #[serde(default)]
    pub cuda_libraries: Observed<CudaLibraries>,
    /// Installed distributions that are of use with TensorFlow alone, by name.
    #[serde(default)]
    pub tensorflow_companions: Vec<Distribution>,
    /// The same look without what is the user's own; none where none was taken.
    #[serde(default)]
    pub isolated: Option<Isolated>,
}

impl Python {
    /// What it is called: its path, and what tells it from others there.
    pub fn name(&self) -> String {
        let user = self.user.as_ref().map(|user| format!("of {user}"));
        let more: Vec<String> = [self.label.clone(), user].into_iter().flatten().collect();
        if more.is_empty() { self.path.clone() } else { format!("{} ({})", self.path, more.join(", ")) }
    }
}

/// What led to a Python.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FoundBy {
    /// The active virtual environment, `VIRTUAL_ENV`.
    VirtualEnv,
    /// The active conda environment, `CONDA_PREFIX`.
    CondaPrefix,
    /// The first `python3` on `PATH`.
    #[default]
    Path,
    /// A notebook kernel starts it.
    Kernel,
    /// It was found among the environments of the machine.
    Environment,
    /// It asks: gpucheck was called from within it.
    Asking,
}

/// What an interpreter said of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Interpreter {
    /// `sys.version_info` as `3.11.7`.
    pub version: String,
    /// `sys.implementation.name`.
    pub implementation: String,
    /// `sys.executable`.
    pub executable: String,
    /// `sys.prefix`.
    pub prefix: String,
    /// `sys.base_prefix`, which differs in a virtual environment.
    pub base_prefix: String,
    /// The global interpreter lock is absent.
    pub free_threaded: bool,
}

/// TensorFlow in one environment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TensorFlow {
    /// The folder that `import tensorflow` would take.
    pub package: String,
    /// Installed distributions that bring a `tensorflow` package, by name.
    pub distributions: Vec<Distribution>,
    /// Names of those that do not lie beside the package: what they brought is another folder's.
    #[serde(default)]
    pub elsewhere: Vec<String>,
    /// How it was built, read from its files.
    pub build: Observed<TensorFlowBuild>,
    /// Requirements of the distribution that the environment does not meet.
    pub unmet: Vec<String>,
    /// What the extra `and-cuda` of the distribution would install; empty where it has none.
    #[serde(default)]
    pub cuda_extra: Vec<ExtraRequirement>,
    /// Each look that was taken, in order.
    pub looks: Vec<Look>,
}

impl TensorFlow {
    /// The look that tells most: the full one, else the bare one.
    pub fn best_look(&self) -> Option<&Look> {
        self.full_look().or_else(|| self.looks.last())
    }

    /// The look through the student's own `import tensorflow`.
    pub fn full_look(&self) -> Option<&Look> {
        self.looks.iter().find(|look| look.way == Way::Full)
    }

    /// The distribution that brought it: beside the package, of the imported version; the first where that leaves more.
    pub fn distribution(&self) -> Option<&Distribution> {
        let imported = self.full_look().and_then(|look| look.listing.seen()?.version.as_deref());
        let here = |found: &&Distribution| !self.elsewhere.contains(&found.name);
        let mut by_version = self.distributions.iter().filter(here);
        let same = by_version.find(|found| Some(found.version.as_str()) == imported);
        same.or_else(|| self.distributions.iter().find(here)).or_else(|| self.distributions.first())
    }

    /// Name and version of its distribution, such as `tensorflow 2.21.0`.
    pub fn label(&self) -> String {
        self.distribution()
            .map_or_else(|| "TensorFlow".to_owned(), |found| format!("{} {}", found.name, found.version))
    }
}

/// A distribution that another one or an extra of it asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ExtraRequirement {
    /// Name, with hyphens.
    pub name: String,
    /// The versions that it asks for, such as `>=9.3.0.75, <10.0`.
    pub versions: String,
    /// The version that is installed.
    pub installed: Option<String>,
}

/// An installed distribution.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Distribution {
    /// Name, with hyphens.
    pub name: String,
    /// Version.
    pub version: String,
}

/// `tensorflow/python/platform/build_info.py`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct TensorFlowBuild {
    /// Built with CUDA.
    pub is_cuda_build: Option<bool>,
    /// CUDA version that it was built with.
    pub cuda_version: Option<String>,
    /// cuDNN version that it was built with.
    pub cudnn_version: Option<String>,
    /// `sm_XY` (machine code) and `compute_XY` (machine code and PTX) that it carries.
    pub compute_capabilities: Vec<String>,
}

/// One run of a framework probe.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Look {
    /// How much was imported.
    pub way: Way,
    /// How the probe got into the Python.
    pub carrier: Observed<Carrier>,
    /// What it found.
    pub listing: Observed<Listing>,
    /// Why nothing was computed on what was listed, where that was asked for.
    #[serde(default)]
    pub why_idle: Option<String>,
    /// Head and tail of what the framework wrote to its standard streams.
    pub log: String,
    /// From start to answer, in milliseconds.
    pub elapsed_ms: u64,
}

/// How much of TensorFlow a look imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// `tensorflow.python.client.device_lib` under empty parent packages: the runtime, not the import.
    Bare,
    /// `import tensorflow` first, as a notebook does, then an operation on each GPU that is listed.
    Full,
}

/// How the framework probe got into a Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Carrier {
    /// The PyO3 extension from a sealed memory file.
    Memory,
    /// The PyO3 extension from a file.
    File,
    /// The same questions in plain Python, for interpreters that load neither.
    PlainPython,
}

/// `device_lib.list_local_devices()`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Listing {
    /// `tensorflow.__version__`, where it was imported.
    pub version: Option<String>,
    /// Every device.
    pub devices: Vec<DeviceAttributes>,
    /// An operation on each listed GPU; full looks only.
    pub operations: Vec<Operation>,
}

impl Listing {
    /// The GPUs among the devices.
    pub fn gpus(&self) -> impl Iterator<Item = &DeviceAttributes> {
        self.devices.iter().filter(|device| device.device_type == "GPU")
    }
}

/// TensorFlow's `DeviceAttributes`, field by field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DeviceAttributes {
    /// Such as `/device:GPU:0`.
    pub name: String,
    /// `CPU`, `GPU`, `XLA_CPU`, ...
    pub device_type: String,
    /// In bytes; for a GPU it follows the free memory, it is not the card's size.
    pub memory_limit: i64,
    /// A random number of each process, as text: it exceeds what JSON readers keep exact.
    pub incarnation: String,
    /// `locality.bus_id`.
    pub bus_id: i32,
    /// `locality.numa_node`.
    pub numa_node: i32,
    /// `locality.links`.
    pub links: Vec<Link>,
    /// Free text of the device, empty for a CPU.
    pub physical_device_desc: String,
    /// The same, taken apart.
    pub physical_device: Option<PhysicalDevice>,
    /// From TensorFlow 2.7 on.
    pub xla_global_id: Option<i64>,
}

/// A link between two devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Link {
    /// The other device.
    pub device_id: i32,
    /// Such as `StreamExecutor`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Strength.
    pub strength: i32,
}

/// `physical_device_desc`, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PhysicalDevice {
    /// `device`, the ordinal in the process.
    pub device: u32,
    /// `name`.
    pub name: String,
    /// `pci bus id`.
    pub pci: PciAddress,
    /// `compute capability`, major and minor.
    pub compute_capability: (i32, i32),
}

impl PhysicalDevice {
    /// Takes a description apart.
    ///
    /// The form is `device: 0, name: NAME, pci bus id: ADDRESS, compute capability: 3.7`; a name may hold
    /// anything, a comma too. None for every other text, `device: XLA_CPU device` among them.
    ///
    /// Source: `DeviceDescription` in tensorflow/core/common_runtime/gpu/gpu_device.cc.
    pub fn parse(description: &str) -> Option<Self> {
        let (device, rest) = description.strip_prefix("device: ")?.split_once(", name: ")?;
        let (rest, capability) = rest.rsplit_once(", compute capability: ")?;
        let (name, pci) = rest.rsplit_once(", pci bus id: ")?;
        let (major, minor) = capability.trim().split_once('.')?;
        Some(Self {
            device: device.trim().parse().ok()?,
            name: name.to_owned(),
            pci: PciAddress::new(pci),
            compute_capability: (major.parse().ok()?, minor.parse().ok()?),
        })
    }
}

/// An operation on one device.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Operation {
    /// The device it ran on, such as `/device:GPU:0`.
    pub device: String,
    /// Such as `matmul`.
    pub name: String,
    /// Whether its result is the exact one.
    pub correct: Observed<bool>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_k80_of_the_lab_guide() {
        // MicrosoftDocs/azure-docs, articles/lab-services/class-type-jupyter-notebook.md.
        let parsed = PhysicalDevice::parse(
            "device: 0, name: Tesla K80, pci bus id: 0001:00:00.0, compute capability: 3.7",
        );
        assert_eq!(
            parsed,
            Some(PhysicalDevice {
                device: 0,
                name: "Tesla K80".to_owned(),
                pci: PciAddress::new("0001:00:00.0"),
                compute_capability: (3, 7),
            })
        );
    }

    #[test]
    fn a_name_may_hold_anything() {
        let odd =
            "device: 1, name: A, pci bus id: B, name: C, pci bus id: 0000:01:00.0, compute capability: 9.0";
        assert_eq!(PhysicalDevice::parse(odd).unwrap().name, "A, pci bus id: B, name: C");
    }

    #[test]
    fn other_texts_are_no_gpu() {
        for text in [
            "",
            "device: XLA_CPU device",
            "device: 0, name: x",
            "device: x, name: y, pci bus id: z, compute capability: 1.2",
        ] {
            assert_eq!(PhysicalDevice::parse(text), None, "{text}");
        }
    }
}
