//! The driver: its module's files and what the loaded module shows, its device nodes, its libraries.

use super::{Entry, Tree, module_file};
use crate::{
    file::{Config, DriverKind, Node, Packaged, Surroundings},
    machine::{Machine, Slot},
    scenario::branch,
};

/// Where Ubuntu and Debian keep the libraries.
pub(crate) const LIBRARIES: &str = "/usr/lib/x86_64-linux-gnu";
/// Where WSL has those of Windows' driver.
pub(crate) const WSL_LIBRARIES: &str = "/usr/lib/wsl/lib";
/// The libraries that are simulated.
pub(crate) const SONAMES: [&str; 2] = ["libcuda.so.1", "libnvidia-ml.so.1"];
/// The driver's modules.
const MODULES: [&str; 4] = ["nvidia_uvm", "nvidia_drm", "nvidia_modeset", "nvidia"];
/// Who signs what DKMS builds on Ubuntu, and what Ubuntu builds.
const DKMS_KEY: &str = "template Secure Boot Module Signature key";
const UBUNTU_KEY: &str = "Canonical Ltd. Kernel Module Signing";
/// The first branch that brings firmware by these names for the processor on the card.
const FIRST_WITH_FIRMWARE: u32 = 525;
/// Major number of the driver's nodes, and one that Linux gives to unified memory's.
const MAJOR: u32 = 195;
const UVM_MAJOR: u32 = 510;

impl Machine {
    /// The version of the driver, where one is installed or loaded.
    pub(crate) fn driver_version(&self) -> Option<&str> {
        self.driver.version.as_ref().map(|version| version.get_ref().as_str())
    }

    /// It is installed.
    fn is_installed(&self) -> bool {
        self.driver.installed.unwrap_or(self.driver.version.is_some())
    }

    /// The version of the libraries; none where there are none.
    pub(crate) fn libraries(&self) -> Option<&str> {
        let version = self.driver.libraries.as_ref().map(|version| version.get_ref().as_str());
        version.or(self.driver_version()).filter(|_| self.is_installed())
    }

    /// Releases that the module is built for.
    pub(crate) fn built_for(&self) -> Vec<String> {
        self.driver.built_for.clone().unwrap_or_else(|| vec![self.linux()])
    }

    /// The driver's and other modules that are loaded and matter here.
    pub(crate) fn loaded_modules(&self) -> Vec<String> {
        let is_there = self.is_installed() && self.built_for().contains(&self.linux());
        let usual = || MODULES.into_iter().filter(|_| is_there && self.place() != Surroundings::Wsl);
        self.driver.loaded.clone().unwrap_or_else(|| usual().map(str::to_owned).collect())
    }

    /// Whether a module is loaded.
    pub(crate) fn loaded(&self, module: &str) -> bool {
        self.loaded_modules().iter().any(|loaded| loaded == module)
    }

    /// The kernel's driver that is bound to a card.
    pub(crate) fn bound_driver(&self, slot: &Slot) -> Option<String> {
        let usual = || self.loaded("nvidia").then(|| "nvidia".to_owned());
        slot.driver.clone().or_else(usual).filter(|driver| driver != "none")
    }

    /// What the module says of itself, as `/proc/driver/nvidia/version` begins.
    fn version_line(&self) -> String {
        let version = self.driver_version().unwrap_or_default();
        match self.driver.kind {
            Some(DriverKind::Open) => format!(
                "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {version}  Release Build  (dvs-builder@U22)"
            ),
            Some(DriverKind::Proprietary | DriverKind::Grid) | None => {
                format!(
                    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  {version}  Mon Feb 26 01:46:03 UTC 2024"
                )
            }
        }
    }

    /// What the module writes to the kernel's log when it is loaded.
    pub(crate) fn module_greeting(&self) -> String {
        self.version_line().replacen("NVRM version: ", "NVRM: loading ", 1)
    }
}

/// Adds the driver.
pub(super) fn add(tree: &mut Tree, machine: &Machine) {
    add_kernels(tree, machine);
    if machine.is_installed() {
        add_installed(tree, machine);
    }
    if machine.loaded("nvidia") {
        add_loaded(tree, machine);
    }
    for name in nodes(machine) {
        tree.put(&format!("/dev/{name}"), Entry::Node(node(machine, &name)));
    }
    add_libraries(tree, machine);
}

/// `/lib/modules`: a container shows none of it.
fn add_kernels(tree: &mut Tree, machine: &Machine) {
    if machine.host.container.is_some() || machine.place() == Surroundings::Wsl {
        return;
    }
    for release in machine.installed_linux() {
        let base = format!("/lib/modules/{release}");
        tree.file(format!("{base}/modules.dep"), "");
        tree.file(
            format!("{base}/kernel/drivers/gpu/drm/nouveau/nouveau.ko"),
            module_file::module(&[("license", "GPL and additional rights")], Some(UBUNTU_KEY)),
        );
        tree.file(format!("{base}/build/Makefile"), "");
        tree.file(format!("/boot/vmlinuz-{release}"), "");
    }
}

fn add_installed(tree: &mut Tree, machine: &Machine) {
    let version = machine.driver_version().unwrap_or_default();
    let in_container = machine.host.container.is_some();
    if !in_container && machine.place() != Surroundings::Wsl {
        for release in machine.built_for() {
            add_module(tree, machine, &release, version);
        }
        if branch(version) >= FIRST_WITH_FIRMWARE {
            for chip in ["tu10x", "ga10x"] {
                tree.file(format!("/lib/firmware/nvidia/{version}/gsp_{chip}.bin"), "");
            }
        }
        if machine.driver.packaged.unwrap_or(Packaged::Dkms) == Packaged::Dkms {
            tree.file(
                format!("/var/lib/dkms/nvidia/{version}/source/dkms.conf"),
                "PACKAGE_NAME=\"nvidia\"\n",
            );
        }
        if machine.driver.blacklists_nouveau.unwrap_or(true) {
            let name = "/etc/modprobe.d/nvidia-graphics-drivers.conf";
            tree.file(name, "blacklist nouveau\nblacklist lbm-nouveau\nalias nouveau off\n");
        }
        if machine.driver.modprobe.unwrap_or(true) {
            let modprobe = Entry::File { bytes: Vec::new(), mode: 0o4755 };
            tree.put("/usr/bin/nvidia-modprobe", modprobe);
        }
        if machine.driver.kind == Some(DriverKind::Grid) {
            tree.file("/etc/nvidia/gridd.conf.template", "ServerAddress=\nFeatureType=0\n");
        }
    }
    tree.file("/usr/bin/nvidia-smi", "");
}

/// The module's file for a release, where the package puts it.
fn add_module(tree: &mut Tree, machine: &Machine, release: &str, version: &str) {
    let base = format!("/lib/modules/{release}");
    let licence = if machine.driver.kind == Some(DriverKind::Open) { "Dual MIT/GPL" } else { "NVIDIA" };
    let magic = format!("{release} SMP mod_unload modversions ");
    let fields = [("license", licence), ("version", version), ("vermagic", &magic)];
    let module = |signer| module_file::module(&fields, signer);
    match machine.driver.packaged.unwrap_or(Packaged::Dkms) {
        Packaged::Dkms => {
            let built = format!("/var/lib/dkms/nvidia/{version}/{release}/x86_64/module/nvidia.ko");
            tree.file(format!("{base}/updates/dkms/nvidia.ko"), module(Some(DKMS_KEY)));
            tree.file(built, module(Some(DKMS_KEY)));
        }
        Packaged::Ubuntu => {
            let folder = format!("{base}/kernel/nvidia-{}srv", branch(version));
            tree.file(format!("{folder}/nvidia.ko"), module(Some(UBUNTU_KEY)));
        }
        Packaged::Runfile => tree.file(format!("{base}/kernel/drivers/video/nvidia.ko"), module(None)),
    }
}

/// What a loaded module shows under /proc and /sys.
fn add_loaded(tree: &mut Tree, machine: &Machine) {
    let version = machine.driver_version().unwrap_or_default();
    tree.file("/sys/module/nvidia/version", format!("{version}\n"));
    tree.file("/sys/module/nvidia/initstate", "live\n");
    let gcc = machine.gcc();
    tree.file(
        "/proc/driver/nvidia/version",
        format!("{}\nGCC version:  gcc version {gcc}\n", machine.version_line()),
    );
    let mode = machine.driver.node_mode.unwrap_or(0o666);
    let group = machine.driver.node_group.unwrap_or(0);
    tree.file(
        "/proc/driver/nvidia/params",
        format!(
            "ResmanDebugLevel: 4294967295\nRmLogonRC: 1\nModifyDeviceFiles: 1\nDeviceFileUID: 0\n\
             DeviceFileGID: {group}\nDeviceFileMode: {mode}\nEnableMSI: 1\nRegistryDwords: \"\"\n"
        ),
    );
    let unified_memory =
        if machine.loaded("nvidia_uvm") { format!("{UVM_MAJOR} nvidia-uvm\n") } else { String::new() };
    tree.file(
        "/proc/devices",
        format!(
            "Character devices:\n  1 mem\n  5 /dev/tty\n{MAJOR} nvidia-frontend\n{unified_memory}\n\
             Block devices:\n  8 sd\n"
        ),
    );
    for (minor, slot) in driven(machine).enumerate() {
        tree.file(
            format!("/proc/driver/nvidia/gpus/{}/information", slot.at),
            format!(
                "Model: \t\t {}\nIRQ:   \t\t 34\nGPU UUID: \t {}\nBus Type: \t PCIe\nBus Location: \t {}\n\
                 Device Minor: \t {minor}\n",
                slot.name,
                crate::scenario::uuid("GPU", &slot.at),
                slot.at
            ),
        );
    }
}

/// The cards that NVIDIA's module drives.
fn driven(machine: &Machine) -> impl Iterator<Item = &Slot> {
    machine.gpus.iter().filter(|slot| machine.bound_driver(slot).as_deref() == Some("nvidia"))
}

/// The names of the device nodes that are there.
fn nodes(machine: &Machine) -> Vec<String> {
    if let Some(nodes) = &machine.driver.nodes {
        return nodes.clone();
    }
    if machine.place() == Surroundings::Wsl {
        return vec!["dxg".to_owned()];
    }
    let mut names = Vec::new();
    if machine.loaded("nvidia") {
        names.push("nvidiactl".to_owned());
        let answering = driven(machine).enumerate().filter(|(_, slot)| slot.config == Config::Answers);
        names.extend(answering.map(|(minor, _)| format!("nvidia{minor}")));
    }
    if machine.loaded("nvidia_uvm") {
        names.extend(["nvidia-uvm".to_owned(), "nvidia-uvm-tools".to_owned()]);
    }
    names
}

fn node(machine: &Machine, name: &str) -> Node {
    let (major, minor) = match name {
        "nvidiactl" => (MAJOR, 255),
        "nvidia-modeset" => (MAJOR, 254),
        "nvidia-uvm" => (UVM_MAJOR, 0),
        "nvidia-uvm-tools" => (UVM_MAJOR, 1),
        "dxg" => (10, 127),
        _ => (MAJOR, name.trim_start_matches("nvidia").parse().unwrap_or(0)),
    };
    // Unified memory's own nodes are open to all, whatever the module is told.
    let (mode, gid) = if major == MAJOR {
        (machine.driver.node_mode.unwrap_or(0o666), machine.driver.node_group.unwrap_or(0))
    } else {
        (0o666, 0)
    };
    Node { major, minor, mode, uid: 0, gid }
}

/// The libraries: the file with its version, and the name that programs ask for.
fn add_libraries(tree: &mut Tree, machine: &Machine) {
    let Some(version) = machine.libraries() else { return };
    let lacks = machine.driver.lacks.as_deref().unwrap_or_default();
    let wsl = machine.place() == Surroundings::Wsl;
    let folder = if wsl { WSL_LIBRARIES } else { LIBRARIES };
    for soname in SONAMES.into_iter().filter(|soname| !lacks.iter().any(|lacking| lacking == soname)) {
        let stem = soname.trim_end_matches('1');
        let file = if wsl { soname.to_owned() } else { format!("{stem}{version}") };
        tree.put(&format!("{folder}/{file}"), Entry::Library(soname.to_owned()));
        if file != soname {
            tree.link(format!("{folder}/{soname}"), &file);
        }
    }
    for (path, soname) in machine.driver.copies.iter().flatten() {
        tree.put(path, Entry::Library(soname.clone()));
    }
}
