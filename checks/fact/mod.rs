//! What a machine said, as values.
//!
//! Invariants: a fact never judges; it is serializable, comparable and free of clocks; a value that could not
//! be had says why. Newer gpucheck versions may add fields, so every reader ignores fields it does not know.

mod asking;
mod behaviour;
mod classroom;
mod clones;
mod cuda_libraries;
mod cuda_parts;
mod driver;
mod environments;
mod frameworks;
mod history;
mod homes;
mod installation;
mod inventory;
mod isolated;
mod load;
mod log;
mod module;
mod next_boot;
mod notebooks;
mod nvml;
mod observed;
mod packages;
mod pci;
mod platform;
mod processes;
mod seen_as;
mod target;
mod updates;
mod users;
mod work;

pub use asking::Asking;
pub use classroom::{
    Baked, BakedWhat, ClassNotebook, Classroom, JupyterAnswer, JupyterServer, Listening, NotebookContent,
    NotebookRun, RunEnd, RunOnGpu, WayIn, WayInKind,
};
pub use clones::{
    AccessValue, CacheFolder, Cached, ChosenBy, ChosenGpus, Clones, HostTrace, JupyterAccess, Named,
    SecretFile,
};
pub use cuda_libraries::{
    CudaLibraries, DriverLibrary, Framework, FrameworkLibraries, LibraryOperation, LibraryTrial, Sgemm,
};
pub use cuda_parts::{CondaPackage, CudaParts, LibraryFolder, LibraryPlace};
pub use driver::{Compute, ComputeCache, ComputeDevice, CudaDevice, Driver, VectorAdd};
pub use environments::{Environment, EnvironmentKind};
pub use frameworks::{
    Carrier, DeviceAttributes, Distribution, ExtraRequirement, FoundBy, Frameworks, Interpreter, Link,
    Listing, Look, Operation, PhysicalDevice, Python, TensorFlow, TensorFlowBuild, Way,
};
pub use history::{Event, History, Installer, PackageChange};
pub use homes::{
    ClosedFolder, Homes, LoginAccount, OwnEnvironment, OwnKernel, PasswordState, PersonsHome, StudentAccount,
    WayIntoHome, WayKind,
};
pub use installation::{Firmware, Installation, Package, Service, Trace};
pub use inventory::{Inventory, Stock};
pub use isolated::{Isolated, Shadowing, ShadowingPlace};
pub use load::{
    AskedProcess, CompiledCode, GpuLoad, GpuSample, GpuUse, GroupLimits, HostLoad, HostSample, Load,
    ProcessorUse,
};
pub use log::{KernelLog, Xid};
pub use module::{
    Access, DeviceNode, Dkms, DriverFile, InstalledLinux, LoadedModule, Module, ModuleFile, Node, SecureBoot,
    Setting,
};
pub use next_boot::{EarlyModule, Initramfs, NextBoot};
pub use notebooks::{KernelEnvironment, Kernelspec, Notebooks, Program, ProgramState, Server, Session, Spec};
pub use nvml::{
    Clocks, Ecc, GpuProcess, GridFeature, Memory, MigInstance, Nvml, NvmlDevice, PcieLink, Power,
    RemappedRows, RetiredPages, Temperature,
};
pub use observed::{Observed, ProbeFailure};
pub use packages::{
    ArrayLibrary, FoundLibrary, FrameworkDevice, Jax, LinkedLibraries, LoaderRule, MissingLibrary, Packages,
    Torch, TorchBuild,
};
pub use pci::{ConfigSpace, MemoryRegion, Pci, PciAddress, PciFunction};
pub use platform::{
    Cloud, CloudProvider, Container, Cpu, Disk, Dmi, InstanceMetadata, Os, Place, Platform, RamAndSwap, User,
};
pub use processes::{Notebook, Process, Processes};
pub use target::{Image, Target, Targets};
pub use updates::{DnfAutomatic, Offer, OfferedPackage, PackageLists, Unattended, UpdateUnit, Updates};
pub use users::{HumanUser, UserLook, Users};
pub use work::{
    Arithmetic, Level, MadeOf, MemoryFault, MemoryTest, Pass, Pattern, Product, Transfer, Work, WorkDevice,
    WorkStep,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

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
    /// What the kernel log says of GPUs and their driver.
    #[serde(default = "never_asked::<KernelLog>")]
    pub log: Observed<KernelLog>,
    /// What is installed around the driver.
    #[serde(default = "never_asked::<Installation>")]
    pub installation: Observed<Installation>,
    /// What the driver's management library said.
    pub nvml: Observed<Nvml>,
    /// What the CUDA driver API said.
    pub driver: Observed<Driver>,
    /// What a kernel computed on each GPU.
    pub compute: Observed<Compute>,
    /// What each Python's frameworks said.
    pub frameworks: Observed<Frameworks>,
    /// The processes on the GPUs.
    #[serde(default = "never_asked::<Processes>")]
    pub processes: Observed<Processes>,
    /// Jupyter's kernels and servers.
    #[serde(default = "never_asked::<Notebooks>")]
    pub notebooks: Observed<Notebooks>,
    /// What the GPUs did when they were put to work.
    #[serde(default = "never_asked::<Work>")]
    pub work: Observed<Work>,
    /// What the machine did over some seconds.
    #[serde(default = "never_asked::<Load>")]
    pub load: Observed<Load>,
    /// What boots next.
    #[serde(default = "never_asked::<NextBoot>")]
    pub next_boot: Observed<NextBoot>,
    /// What updates will change.
    #[serde(default = "never_asked::<Updates>")]
    pub updates: Observed<Updates>,
    /// What every clone of this machine inherits.
    #[serde(default = "never_asked::<Clones>")]
    pub clones: Observed<Clones>,
    /// What a class needs beyond the GPU.
    #[serde(default = "never_asked::<Classroom>")]
    pub classroom: Observed<Classroom>,
    /// The machines that this image is meant for, and what it is.
    #[serde(default = "never_asked::<Targets>")]
    pub targets: Observed<Targets>,
    /// What is installed where, and who changed it.
    #[serde(default = "never_asked::<Inventory>")]
    pub inventory: Observed<Inventory>,
    /// Who has an account on this machine, and what each of them may open.
    #[serde(default = "never_asked::<Users>")]
    pub users: Observed<Users>,
}

/// What facts that were recorded before a field existed say of it.
fn never_asked<T>() -> Observed<T> {
    Observed::not_probed("the gpucheck that looked did not know of it")
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
            log: Observed::not_probed(why),
            installation: Observed::not_probed(why),
            nvml: Observed::not_probed(why),
            driver: Observed::not_probed(why),
            compute: Observed::not_probed(why),
            frameworks: Observed::not_probed(why),
            processes: Observed::not_probed(why),
            notebooks: Observed::not_probed(why),
            work: Observed::not_probed(why),
            load: Observed::not_probed(why),
            next_boot: Observed::not_probed(why),
            updates: Observed::not_probed(why),
            clones: Observed::not_probed(why),
            classroom: Observed::not_probed(why),
            targets: Observed::not_probed(why),
            inventory: Observed::not_probed(why),
            users: Observed::not_probed(why),
        }
    }

    /// The NVIDIA GPUs on the PCI bus that this place was given and that are not set aside, in the order of their
    /// addresses; empty where the bus was not seen.
    ///
    /// A container shows the bus of its host and is often given some of the GPUs on it: those that the driver lists.
    pub fn gpus(&self) -> impl Iterator<Item = &PciFunction> {
        let given = self.given_to_container();
        let shown = self.shown_gpus().filter(|gpu| !self.is_set_aside(gpu));
        shown.filter(move |gpu| given.as_ref().is_none_or(|given| given.contains(&gpu.address)))
    }

    /// The NVIDIA GPUs that were meant for something else, while the driver has another one: handed to a virtual
    /// machine, or kept for the screen.
    pub fn gpus_set_aside(&self) -> impl Iterator<Item = &PciFunction> {
        self.shown_gpus().filter(|gpu| self.is_set_aside(gpu))
    }

    fn shown_gpus(&self) -> impl Iterator<Item = &PciFunction> {
        let functions = self.pci.seen().into_iter().flat_map(|pci| &pci.functions);
        functions.filter(|function| function.is_nvidia_gpu())
    }

    fn is_set_aside(&self, gpu: &PciFunction) -> bool {
        let is_driven = |gpu: &PciFunction| gpu.driver.as_deref() == Some("nvidia");
        let is_elsewhere = match gpu.driver.as_deref() {
            Some("vfio-pci" | "nouveau") => true,
            Some(_) => false,
            None => gpu.boot_vga == Some(true),
        };
        is_elsewhere && self.shown_gpus().any(is_driven)
    }

    /// What the driver lists inside a container; none elsewhere, and where it lists nothing or a device is in trouble.
    fn given_to_container(&self) -> Option<Vec<PciAddress>> {
        self.platform.seen()?.container.as_ref()?;
        let nvml = self.nvml.seen().and_then(|nvml| nvml.devices.seen());
        if nvml.into_iter().flatten().any(|device| device.failure().is_some()) {
            return None;
        }
        let listed: Vec<PciAddress> = self.listed_addresses().cloned().collect();
        (!listed.is_empty()).then_some(listed)
    }

    /// The addresses that NVML and CUDA tell.
    fn listed_addresses(&self) -> impl Iterator<Item = &PciAddress> {
        let nvml = self.nvml_devices().filter_map(|device| device.pci.seen());
        nvml.chain(self.cuda_devices().filter_map(|device| device.pci.seen()))
    }

    /// The addresses of all GPUs, sorted: those on the bus; where it shows none, those that NVML and CUDA list.
    pub fn gpu_addresses(&self) -> Vec<PciAddress> {
        let on_bus: BTreeSet<PciAddress> = self.gpus().map(|gpu| gpu.address.clone()).collect();
        let all = if on_bus.is_empty() { self.listed_addresses().cloned().collect() } else { on_bus };
        all.into_iter().collect()
    }

    /// The devices that NVML opened.
    pub fn nvml_devices(&self) -> impl Iterator<Item = &NvmlDevice> {
        let devices = self.nvml.seen().and_then(|nvml| nvml.devices.seen());
        devices.into_iter().flatten().filter_map(Observed::seen)
    }

    /// NVML's device at this address.
    pub fn nvml_device(&self, address: &PciAddress) -> Option<&NvmlDevice> {
        self.at(address, self.nvml_devices().collect(), |device| device.pci.seen()).into_iter().next()
    }

    /// What a GPU did while it was watched.
    pub fn gpu_load(&self, address: &PciAddress) -> Option<&GpuLoad> {
        self.load.seen()?.gpus.iter().find(|gpu| gpu.pci == *address)
    }

    /// The devices that CUDA listed.
    pub fn cuda_devices(&self) -> impl Iterator<Item = &CudaDevice> {
        self.driver.seen().and_then(|driver| driver.devices.seen()).into_iter().flatten()
    }

    /// CUDA's first device at this address.
    pub fn cuda_device(&self, address: &PciAddress) -> Option<&CudaDevice> {
        self.cuda_devices_at(address).into_iter().next()
    }

    /// CUDA's devices at this address: several where MIG divides the GPU.
    pub fn cuda_devices_at(&self, address: &PciAddress) -> Vec<&CudaDevice> {
        self.at(address, self.cuda_devices().collect(), |device| device.pci.seen())
    }

    /// The devices at an address. Layers may word an odd address differently: the only device is the only GPU's.
    fn at<'a, T>(
        &self,
        address: &PciAddress,
        devices: Vec<&'a T>,
        pci: impl Fn(&'a T) -> Option<&'a PciAddress>,
    ) -> Vec<&'a T> {
        let here: Vec<&T> = devices.iter().copied().filter(|device| pci(device) == Some(address)).collect();
        let only = here.is_empty() && devices.len() == 1 && self.gpus().count() == 1;
        if only { devices } else { here }
    }

    /// The Pythons that were looked at.
    pub fn pythons(&self) -> impl Iterator<Item = &Python> {
        self.frameworks.seen().into_iter().flat_map(|frameworks| &frameworks.pythons)
    }

    /// What the files that led to a Python tell of its environment.
    pub fn environment_of(&self, python: &Python) -> Option<&Environment> {
        self.frameworks.seen()?.environments.iter().find(|environment| environment.python == python.path)
    }

    /// The folder of a Python's environment, by its own words or by the files that led to it.
    pub fn prefix_of<'a>(&'a self, python: &'a Python) -> Option<&'a str> {
        let told = python.interpreter.seen().map(|interpreter| interpreter.prefix.as_str());
        told.or_else(|| Some(self.environment_of(python)?.prefix.as_str()))
    }

    /// What is known of a process beyond its number.
    pub fn process(&self, pid: u32) -> Option<&Process> {
        self.processes.seen()?.on_gpus.iter().find(|process| process.pid == pid)
    }

    /// What a Jupyter server says of a kernel: of those that use one, the notebook comes first.
    pub fn session(&self, kernel: &str) -> Option<&Session> {
        let servers = self.notebooks.seen().into_iter().flat_map(|notebooks| &notebooks.servers);
        let sessions = servers.filter_map(|server| server.sessions.seen()).flatten();
        let of_kernel = sessions.filter(|session| !kernel.is_empty() && session.kernel == kernel);
        of_kernel.min_by_key(|session| (session.kind.as_deref() != Some("notebook"), session.path.is_none()))
    }

    /// Whether they are of an image of which nothing runs.
    pub fn are_of_image(&self) -> bool {
        self.targets.seen().is_some_and(|targets| targets.image.mounted)
    }

    /// Where this machine stands, as far as the platform facts tell.
    pub fn place(&self) -> Place {
        self.platform.seen().map_or(Place::Unknown, Platform::place)
    }
}
