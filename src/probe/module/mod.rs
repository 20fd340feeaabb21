//! The driver's module: what is loaded, what is installed, who may reach it.

mod dkms;
mod files;
mod libraries;
mod modinfo;
mod nodes;

pub(crate) use nodes::nodes as device_nodes;

use crate::root::Root;
pub(crate) use files::{is_nvidia_module, keeps_nouveau_out};
use gpucheck_checks::fact::{
    Dkms, DriverFile, InstalledLinux, LoadedModule, Module, Observed, PciAddress, SecureBoot,
};
use std::collections::BTreeMap;

/// What is installed of the driver, whatever runs.
pub(crate) struct OnDisk {
    pub(crate) linux: Vec<InstalledLinux>,
    pub(crate) dkms: Vec<Dkms>,
    pub(crate) libraries: Vec<DriverFile>,
    pub(crate) nouveau_blacklisted_in: Vec<String>,
}

/// Looks at what is installed: of an image, too, where no Linux runs.
pub(crate) fn on_disk(root: &Root) -> OnDisk {
    let running = root.value("/proc/sys/kernel/osrelease").unwrap_or_default();
    OnDisk {
        linux: files::installed(root, &running),
        dkms: dkms::dkms(root),
        libraries: libraries::libraries(root),
        nouveau_blacklisted_in: files::nouveau_blacklists(&files::modprobe(root)),
    }
}

/// The common names in certificates and signatures.
pub(crate) fn common_names(der: &[u8]) -> impl Iterator<Item = String> {
    modinfo::common_names(der)
}

/// Modules that matter here, besides those whose names begin with `nvidia`.
const OTHERS: [&str; 6] = ["nouveau", "nova_core", "pci_hyperv", "vfio_pci", "amdgpu", "hyperv_drm"];
const SECURE_BOOT: &str = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";

/// Looks at the module and its surroundings.
pub fn probe(root: &Root) -> Observed<Module> {
    let tells_itself =
        root.exists("/sys/module/nvidia/version") || root.exists("/proc/driver/nvidia/version");
    let modules = match root.text("/proc/modules") {
        _ if root.is_image() => String::new(),
        Ok(text) => text,
        // Some sandboxes hide the list and show the driver.
        Err(_) if tells_itself => String::new(),
        // Without CONFIG_MODULES there is no such file, and no module either.
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && root.exists("/proc/version") => {
            String::new()
        }
        Err(error) => return Observed::refused("read /proc/modules", 0, "unreadable", error.to_string()),
    };
    let version_line = root.value("/proc/driver/nvidia/version").filter(|line| !line.is_empty());
    let running = root.value("/proc/sys/kernel/osrelease").unwrap_or_default();
    let modprobe = files::modprobe(root);
    Observed::Seen(Module {
        loaded: loaded(&modules),
        version: root
            .value("/sys/module/nvidia/version")
            .or_else(|| version_line.as_deref().and_then(version_in).map(str::to_owned)),
        version_line,
        params: params(root),
        driver_gpus: root
            .names("/proc/driver/nvidia/gpus")
            .iter()
            .map(|name| PciAddress::new(name))
            .collect(),
        linux: files::installed(root, &running),
        dkms: dkms::dkms(root),
        secure_boot: secure_boot(root),
        lockdown: root.value("/sys/kernel/security/lockdown").and_then(|text| in_brackets(&text)),
        nodes: nodes::nodes(root),
        majors: nodes::majors(root),
        nouveau_blacklisted_in: files::nouveau_blacklists(&modprobe),
        settings: files::settings(&modprobe),
        libraries: libraries::libraries(root),
        modprobe_setuid: root.stat("/usr/bin/nvidia-modprobe").is_some_and(|stat| stat.st_mode & 0o4000 != 0),
        reboot_required: root.exists("/run/reboot-required") || root.exists("/var/run/reboot-required"),
    })
}

/// Whether the real driver stands behind this machine's libraries: its module is loaded, or this is WSL, where
/// Windows' is reached through `/dev/dxg`.
pub fn driver_is_behind(module: &Module) -> bool {
    module.has_driver() || module.nodes.iter().any(|node| node.path == "/dev/dxg")
}

/// `/proc/modules`: name, size, references, users, state, address.
fn loaded(text: &str) -> Vec<LoadedModule> {
    let mut loaded: Vec<LoadedModule> = text
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let name = words.next()?;
            let references = words.nth(1)?.parse().unwrap_or(0);
            let state = words.nth(1)?;
            Some(LoadedModule { name: name.to_owned(), state: state.to_owned(), references })
        })
        .filter(|module| module.name.starts_with("nvidia") || OTHERS.contains(&module.name.as_str()))
        .collect();
    loaded.sort_by(|a, b| a.name.cmp(&b.name));
    loaded
}

/// The version in NVIDIA's version line: the first word that is digits and dots.
fn version_in(line: &str) -> Option<&str> {
    let is_version =
        |word: &&str| word.contains('.') && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    line.split_whitespace().find(is_version)
}

/// Parameters of the module that decide which GPUs it drives, and how.
const PARAMS: [&str; 4] =
    ["ModifyDeviceFiles", "EnableGpuFirmware", "OpenRmEnableUnsupportedGpus", "ExcludedGpus"];

/// `/proc/driver/nvidia/params`, as far as it decides about device nodes and GPUs.
fn params(root: &Root) -> BTreeMap<String, String> {
    let text = root.text_of("/proc/driver/nvidia/params").unwrap_or_default();
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .filter(|(name, _)| name.starts_with("DeviceFile") || PARAMS.contains(name))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect()
}

/// The variable has four bytes of attributes, then the value.
fn secure_boot(root: &Root) -> SecureBoot {
    if root.is_image() {
        return SecureBoot::Unknown;
    }
    if !root.exists("/sys/firmware/efi") {
        return SecureBoot::NoUefi;
    }
    match root.bytes(SECURE_BOOT, 5).as_deref() {
        Ok([_, _, _, _, 1]) => SecureBoot::On,
        Ok([_, _, _, _, 0]) => SecureBoot::Off,
        _ => SecureBoot::Unknown,
    }
}

fn in_brackets(text: &str) -> Option<String> {
    Some(text.split_once('[')?.1.split_once(']')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_lines_of_real_drivers() {
        // NVIDIA/open-gpu-kernel-modules#188 and NVIDIA/nvidia-docker#1226.
        for (line, version) in [
            (
                "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  515.43.04  Release Build  (root@x)",
                "515.43.04",
            ),
            (
                "NVRM version: NVIDIA UNIX x86_64 Kernel Module  418.40.04  Fri Mar 15 00:59:12 CDT 2019",
                "418.40.04",
            ),
        ] {
            assert_eq!(version_in(line), Some(version));
        }
    }

    #[test]
    fn garbled_module_lines_are_passed_over() {
        let text = "nvidia 56 12 nvidia_uvm,nvidia_modeset, Live 0x0 (POE)\nnvidia\n\nsnd 1 0 - Live 0x0\nnouveau x y - Loading 0x0";
        let loaded = loaded(text);
        assert_eq!(
            loaded.iter().map(|m| (&*m.name, &*m.state, m.references)).collect::<Vec<_>>(),
            [("nouveau", "Loading", 0), ("nvidia", "Live", 12),]
        );
    }
}
