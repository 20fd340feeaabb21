//! Files of the module: per installed Linux, and the configuration of modprobe.

use super::modinfo::{self, ModInfo};
use crate::root::Root;
use gpucheck_checks::fact::{InstalledLinux, ModuleFile, Setting};

const MODULES: &str = "/lib/modules";
/// Folders of a release in which distributions and NVIDIA's installer put the module.
const PLACES: [&str; 6] =
    ["updates", "extra", "misc", "weak-updates", "kernel/drivers/video", "kernel/drivers/char/drm"];
/// How deep below such a folder a module file may lie.
const DEPTH: usize = 3;
/// Lines of the modprobe configuration that are told at most.
const SETTINGS: usize = 40;
/// Characters kept of each.
const SETTING: usize = 300;

/// Each release under `/lib/modules`.
pub(super) fn installed(root: &Root, running: &str) -> Vec<InstalledLinux> {
    let booted = crate::probe::boot_time(root);
    root.names(MODULES)
        .into_iter()
        .filter(|release| {
            root.exists(&format!("{MODULES}/{release}/modules.dep"))
                || root.exists(&format!("{MODULES}/{release}/kernel"))
        })
        .map(|release| InstalledLinux {
            running: release == running,
            nvidia: nvidia_files(root, &release, booted),
            nouveau: has_nouveau(root, &release),
            headers: root.exists(&format!("{MODULES}/{release}/build/Makefile")),
            release,
        })
        .collect()
}

fn nvidia_files(root: &Root, release: &str, booted: Option<u64>) -> Vec<ModuleFile> {
    let base = format!("{MODULES}/{release}");
    // Ubuntu's signed modules lie in kernel/nvidia-535/bits and the like.
    let branches =
        root.names(&format!("{base}/kernel")).into_iter().filter(|name| name.starts_with("nvidia"));
    let places =
        PLACES.iter().map(|place| (*place).to_owned()).chain(branches.map(|name| format!("kernel/{name}")));
    let mut found = Vec::new();
    for place in places {
        collect(root, &format!("{base}/{place}"), DEPTH, &mut found);
    }
    found.into_iter().map(|path| module_file(root, path, booted)).collect()
}

fn collect(root: &Root, folder: &str, depth: usize, found: &mut Vec<String>) {
    for name in root.names(folder) {
        let path = format!("{folder}/{name}");
        if is_nvidia_module(&name) {
            found.push(path);
        } else if depth > 0 && !name.contains(".ko") {
            collect(root, &path, depth - 1, found);
        }
    }
}

/// `nvidia.ko`, or Debian's `nvidia-current.ko` and `nvidia-tesla-470.ko`, compressed or not; not its parts.
pub(crate) fn is_nvidia_module(name: &str) -> bool {
    let Some((stem, ending)) = name.split_once(".ko") else { return false };
    let flavour =
        ["nvidia-current", "nvidia-legacy", "nvidia-tesla"].iter().any(|flavour| stem.starts_with(flavour));
    let part = ["uvm", "drm", "modeset", "peermem", "vgpu"].iter().any(|part| stem.ends_with(part));
    matches!(ending, "" | ".xz" | ".zst" | ".gz") && (stem == "nvidia" || flavour) && !part
}

fn module_file(root: &Root, path: String, booted: Option<u64>) -> ModuleFile {
    let is_plain = path.strip_suffix(".ko").is_some();
    let info =
        if is_plain { root.open(&path).map(modinfo::read).unwrap_or_default() } else { ModInfo::default() };
    // When the file was put there; a package keeps the time at which its maker wrote it, and not this one.
    let placed = root.stat(&path).and_then(|stat| u64::try_from(stat.st_ctime).ok());
    let since_boot = placed.zip(booted).map(|(placed, booted)| placed > booted);
    let ModInfo { signed, signer, version, license } = info;
    ModuleFile { path, signed, since_boot, signer, version, license }
}

fn has_nouveau(root: &Root, release: &str) -> bool {
    let folder = format!("{MODULES}/{release}/kernel/drivers/gpu/drm/nouveau");
    root.names(&folder).iter().any(|name| name.starts_with("nouveau.ko"))
}

/// The files of the modprobe configuration, with what they hold.
pub(super) type Modprobe = Vec<(String, String)>;

/// Files of the modprobe configuration that blacklist nouveau.
pub(super) fn nouveau_blacklists(files: &Modprobe) -> Vec<String> {
    files.iter().filter(|(_, text)| keeps_nouveau_out(text)).map(|(path, _)| path.clone()).collect()
}

/// Whether a file of the modprobe configuration keeps nouveau from being loaded.
pub(crate) fn keeps_nouveau_out(text: &str) -> bool {
    text.lines().any(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["blacklist", "nouveau"] | ["alias", "nouveau", "off"] => true,
            ["install", "nouveau", command, ..] => command.ends_with("/false") || command.ends_with("/true"),
            _ => false,
        }
    })
}

/// Lines of the modprobe configuration about the nvidia module itself.
pub(super) fn settings(files: &Modprobe) -> Vec<Setting> {
    let is_about = |line: &&str| {
        line.split_whitespace().nth(1).is_some_and(|word| word == "nvidia" || word == "nvidia-current")
    };
    let lines = files.iter().flat_map(|(path, text)| {
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#')).filter(is_about);
        let short = lines.map(|line| line.chars().take(SETTING).collect());
        short.map(|line| Setting { path: path.clone(), line }).collect::<Vec<_>>()
    });
    lines.take(SETTINGS).collect()
}

/// Reads the modprobe configuration.
pub(super) fn modprobe(root: &Root) -> Modprobe {
    let folders = ["/etc/modprobe.d", "/run/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d"];
    let paths = folders.into_iter().flat_map(|folder| {
        let names = root.names(folder).into_iter().filter(|name| crate::root::is_conf(name));
        names.map(move |name| format!("{folder}/{name}"))
    });
    paths
        .filter_map(|path| Some((root.configuration(&path)?, path)))
        .map(|(text, path)| (path, text))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_the_module() {
        for name in [
            "nvidia.ko",
            "nvidia.ko.zst",
            "nvidia-current.ko",
            "nvidia-tesla-470.ko.xz",
            "nvidia-legacy-390xx.ko",
        ] {
            assert!(is_nvidia_module(name), "{name}");
        }
        for name in [
            "nvidia-uvm.ko",
            "nvidia-current-drm.ko",
            "nvidiafb.ko",
            "nvidia.ko.bak",
            "nvidia",
            "nvidia-wmi-ec-backlight.ko",
        ] {
            assert!(!is_nvidia_module(name), "{name}");
        }
    }
}
