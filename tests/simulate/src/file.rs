//! `machine.toml`, as a person writes it. Everything that may be left out is an option: a machine that stands on another
//! one says only what differs.

use crate::{
    error::{Error, Place},
    expect::Expect,
};
use gpucheck_sim::scenario;
use serde::{Deserialize, de::DeserializeOwned};
use std::{collections::BTreeMap, fs, path::Path};
use toml::Spanned;

/// The file's name.
pub const NAME: &str = "machine.toml";

/// The file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// The machine in a sentence.
    pub about: String,
    /// Where its readings and what is expected of it come from.
    pub source: String,
    /// The machine that it stands on.
    pub on: Option<Spanned<String>>,
    /// The question that gpucheck is asked; whether the GPU is usable where it is not given.
    pub profile: Option<Question>,
    /// What the machine is an image for, as `gpucheck bake --target` takes it.
    pub targets: Option<Vec<String>>,
    /// Paths that are not there, with all below them.
    #[serde(default)]
    pub remove: Vec<String>,
    /// The host.
    #[serde(default)]
    pub host: Host,
    /// The driver.
    #[serde(default)]
    pub driver: Driver,
    /// The GPUs.
    #[serde(default)]
    pub gpu: Vec<Gpu>,
    /// Other functions on the PCI bus.
    #[serde(default)]
    pub pci: Vec<Function>,
    /// Processes that run, beside the first of every Linux.
    #[serde(default)]
    pub process: Vec<Process>,
    /// What goes wrong in the driver's libraries.
    #[serde(default)]
    pub fault: Vec<Fault>,
    /// Logs.
    #[serde(default)]
    pub log: Log,
    /// Variables that gpucheck is started with; `{root}` in a value is the machine's folder.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Files by their path, over what is derived.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// Symbolic links by their path.
    #[serde(default)]
    pub links: BTreeMap<String, String>,
    /// Device nodes by their path.
    #[serde(default)]
    pub nodes: BTreeMap<String, Node>,
    /// What gpucheck has to say of it.
    pub expect: Expect,
}

/// A question that gpucheck is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Question {
    /// Whether the GPU is usable.
    #[default]
    Check,
    /// Whether the machine is ready to be published.
    Publish,
    /// Whether it is good as an image.
    Bake,
}

/// The host.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Host {
    /// `ubuntu-22.04` and the like.
    pub os: Option<Spanned<String>>,
    /// The release of Linux that runs.
    pub linux: Option<String>,
    /// Releases of Linux that are installed; the one that runs where it is not given.
    pub installed: Option<Vec<String>>,
    /// Packages that are installed beside those of Linux and of the driver, and their versions.
    pub packages: Option<BTreeMap<String, String>>,
    /// Packages that updates leave alone.
    pub held: Option<Vec<String>>,
    /// What the machine is, or runs in.
    pub place: Option<Surroundings>,
    /// `docker`, `podman`: gpucheck runs in such a container on it.
    pub container: Option<Container>,
    /// The size of a virtual machine of Azure's, as its metadata service tells it.
    pub size: Option<String>,
    /// The user who asks; needs root to be simulated. Whoever runs the test where it is not given.
    pub user: Option<u32>,
    /// Secure Boot is on, or off; the machine booted without UEFI where it is not given.
    pub secure_boot: Option<bool>,
    /// Time for the driver's libraries to answer, in milliseconds; gpucheck's own where it is not given. For machines
    /// that hang.
    pub deadline_ms: Option<u64>,
}

/// What a machine is, or runs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Surroundings {
    /// A virtual machine of Azure's.
    Azure,
    /// One of Amazon's.
    Aws,
    /// One of Google's.
    Google,
    /// One under KVM that is nobody's cloud.
    Kvm,
    /// One under VMware.
    Vmware,
    /// A server.
    BareMetal,
    /// A person's computer.
    Workstation,
    /// Windows Subsystem for Linux.
    Wsl,
}

/// A container's runtime.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Container {
    /// Docker.
    Docker,
    /// Podman.
    Podman,
}

/// The driver.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Driver {
    /// `535.161.08`: the version of the module and, where they are not given, of the libraries.
    pub version: Option<Spanned<String>>,
    /// The flavour of the module.
    pub kind: Option<DriverKind>,
    /// It is installed: libraries, module, tools. True where there is a version.
    pub installed: Option<bool>,
    /// How its module came.
    pub packaged: Option<Packaged>,
    /// Releases of Linux that its module is built for; the one that runs where it is not given.
    pub built_for: Option<Vec<String>>,
    /// Modules that are loaded; all of the driver's where they are built for the Linux that runs.
    pub loaded: Option<Vec<String>>,
    /// The version of the libraries.
    pub libraries: Option<Spanned<String>>,
    /// Libraries that are missing: `libcuda.so.1`.
    pub lacks: Option<Vec<String>>,
    /// More places where a library lies: path and the name of the library.
    pub copies: Option<BTreeMap<String, String>>,
    /// Mode of the device nodes; 0o666 where it is not given.
    pub node_mode: Option<u32>,
    /// Group of the device nodes.
    pub node_group: Option<u32>,
    /// Device nodes that are there: `nvidia0`, `nvidiactl`. Those that the loaded modules have where it is not given.
    pub nodes: Option<Vec<String>>,
    /// A setuid `nvidia-modprobe` is there.
    pub modprobe: Option<bool>,
    /// The driver's packages keep nouveau out.
    pub blacklists_nouveau: Option<bool>,
}

/// The flavour of the driver's module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DriverKind {
    /// NVIDIA's closed one.
    Proprietary,
    /// NVIDIA's open one.
    Open,
    /// The closed one for virtual GPUs.
    Grid,
}

/// How a driver's module came to the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Packaged {
    /// Built by DKMS.
    Dkms,
    /// Built and signed by Ubuntu.
    Ubuntu,
    /// By NVIDIA's installer.
    Runfile,
}

/// A GPU.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpu {
    /// Where it sits: `0001:00:00.0`. One that the machine underneath has is changed, another one is added.
    pub at: Spanned<String>,
    /// Its model: the name of a file under tests/machines/cards.
    pub card: Option<Spanned<String>>,
    /// The kernel's driver that is bound to it, or `none`; nvidia where that is loaded and not told otherwise.
    pub driver: Option<String>,
    /// What its config space says.
    pub config: Option<Config>,
    /// Its name.
    pub name: Option<String>,
    /// Its memory, in bytes.
    pub memory: Option<scenario::Memory>,
    /// NVML counts it.
    pub in_nvml: Option<bool>,
    /// CUDA counts it.
    pub in_cuda: Option<bool>,
    /// NVML's readings that differ from the card's.
    #[serde(default)]
    pub nvml: scenario::Nvml,
    /// Multi-instance GPU.
    pub mig: Option<scenario::Mig>,
    /// Processes on it.
    pub processes: Option<Vec<scenario::Process>>,
    /// Device attributes of CUDA that differ, by their number in cuda.h.
    pub attributes: Option<BTreeMap<String, i32>>,
    /// How fast it is, where that does not follow from its readings.
    #[serde(default)]
    pub speed: scenario::Speed,
    /// Bits of its memory that do not change.
    pub bad_memory: Option<Vec<scenario::BadBit>>,
    /// Xids that NVML's events tell.
    pub xid_events: Option<Vec<u64>>,
}

/// What a config space says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Config {
    /// The card's ids.
    Answers,
    /// Ones only: nobody answers.
    AllOnes,
}

/// A function on the PCI bus that is no GPU of NVIDIA's.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Function {
    /// Where.
    pub at: String,
    /// Vendor.
    pub vendor: u16,
    /// Device.
    pub device: u16,
    /// Class: 0x030000 is a display.
    pub class: u32,
    /// The kernel's driver that is bound to it.
    pub driver: Option<String>,
}

/// A process that runs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its name, as `/proc/PID/comm` has it.
    pub name: String,
    /// Its command line.
    #[serde(default)]
    pub command: Vec<String>,
    /// Its user; 1000 where it is not given.
    #[serde(default = "student")]
    pub user: u32,
    /// Its parent; the first process where it is not given.
    #[serde(default = "init")]
    pub parent: u32,
    /// For how many seconds it has run.
    #[serde(default)]
    pub age_s: u64,
    /// Its environment.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Device nodes that it has open: `/dev/nvidia0`.
    #[serde(default)]
    pub nodes: Vec<String>,
}

fn student() -> u32 {
    1000
}

fn init() -> u32 {
    1
}

/// What goes wrong in the driver's libraries.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The call; with a `*` at its end, all that begin so.
    pub call: Spanned<String>,
    /// Only this call of those, from 1.
    pub nth: Option<u64>,
    /// This call and those after it.
    pub from: Option<u64>,
    /// Only calls about the GPU in this place of the list, from 0.
    pub gpu: Option<usize>,
    /// What happens.
    #[serde(rename = "do")]
    pub action: scenario::Action,
}

/// Logs.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// What the kernel wrote, after what it writes on every machine.
    pub kernel: Option<String>,
}

/// A device node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Node {
    /// Major number.
    pub major: u32,
    /// Minor number.
    #[serde(default)]
    pub minor: u32,
    /// Permission bits; 0o666 where they are not given.
    #[serde(default = "open_to_all")]
    pub mode: u32,
    /// Owner.
    #[serde(default)]
    pub uid: u32,
    /// Group.
    #[serde(default)]
    pub gid: u32,
}

fn open_to_all() -> u32 {
    0o666
}

/// Reads a TOML file.
pub fn read<T: DeserializeOwned>(path: &Path) -> Result<(T, String), Error> {
    let text = fs::read_to_string(path).map_err(|error| Error::of(&path.display().to_string(), error))?;
    let place = Place { path, text: &text };
    let value = toml::from_str(&text).map_err(|error| Error::toml(&place, &error))?;
    Ok((value, text))
}
