//! Files of the module: per installed Linux, and where DKMS and modprobe keep theirs.

use crate::root::Root;
use gpucheck_checks::fact::{Dkms, InstalledLinux, ModuleFile};
use std::io::{Read, Seek, SeekFrom};

const MODULES: &str = "/lib/modules";
const DKMS: &str = "/var/lib/dkms";
/// Folders of a release in which distributions and NVIDIA's installer put the module.
const PLACES: [&str; 6] =
    ["updates", "extra", "misc", "weak-updates", "kernel/drivers/video", "kernel/drivers/char/drm"];
/// How deep below such a folder a module file may lie.
const DEPTH: usize = 3;
/// What the kernel's scripts/sign-file puts at the end of a signed module.
const SIGNED: &[u8] = b"~Module signature appended~\n";
/// Lines kept of a failed build.
const LOG_LINES: usize = 20;
/// Characters kept of each.
const LOG_LINE: usize = 500;

/// Each release under `/lib/modules`.
pub(super) fn installed(root: &Root, running: &str) -> Vec<InstalledLinux> {
    root.names(MODULES)
        .into_iter()
        .filter(|release| {
            root.exists(&format!("{MODULES}/{release}/modules.dep"))
                || root.exists(&format!("{MODULES}/{release}/kernel"))
        })
        .map(|release| InstalledLinux {
            running: release == running,
            nvidia: nvidia_files(root, &release),
            nouveau: has_nouveau(root, &release),
            headers: root.exists(&format!("{MODULES}/{release}/build/Makefile")),
            release,
        })
        .collect()
}

fn nvidia_files(root: &Root, release: &str) -> Vec<ModuleFile> {
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
    found.into_iter().map(|path| ModuleFile { signed: is_signed(root, &path), path }).collect()
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
fn is_nvidia_module(name: &str) -> bool {
    let Some((stem, ending)) = name.split_once(".ko") else { return false };
    let flavour =
        ["nvidia-current", "nvidia-legacy", "nvidia-tesla"].iter().any(|flavour| stem.starts_with(flavour));
    let part = ["uvm", "drm", "modeset", "peermem", "vgpu"].iter().any(|part| stem.ends_with(part));
    matches!(ending, "" | ".xz" | ".zst" | ".gz") && (stem == "nvidia" || flavour) && !part
}

fn is_signed(root: &Root, path: &str) -> Option<bool> {
    path.strip_suffix(".ko")?;
    let mut file = root.open(path).ok()?;
    let mut end = vec![0_u8; SIGNED.len()];
    file.seek(SeekFrom::End(-i64::try_from(SIGNED.len()).ok()?)).ok()?;
    file.read_exact(&mut end).ok()?;
    Some(end == SIGNED)
}

fn has_nouveau(root: &Root, release: &str) -> bool {
    let folder = format!("{MODULES}/{release}/kernel/drivers/gpu/drm/nouveau");
    root.names(&folder).iter().any(|name| name.starts_with("nouveau.ko"))
}

/// What DKMS keeps of NVIDIA's: `/var/lib/dkms/NAME/VERSION/RELEASE/ARCHITECTURE/module`.
pub(super) fn dkms(root: &Root) -> Vec<Dkms> {
    let mut found = Vec::new();
    for name in root.names(DKMS).into_iter().filter(|name| name.contains("nvidia")) {
        for version in root
            .names(&format!("{DKMS}/{name}"))
            .into_iter()
            .filter(|version| !version.starts_with("kernel-"))
        {
            let base = format!("{DKMS}/{name}/{version}");
            let built_for: Vec<String> = root
                .names(&base)
                .into_iter()
                .filter(|release| {
                    let architectures = root.names(&format!("{base}/{release}"));
                    architectures
                        .iter()
                        .any(|arch| !root.names(&format!("{base}/{release}/{arch}/module")).is_empty())
                })
                .collect();
            let failed_log = root.text_of(&format!("{base}/build/make.log")).map(|log| last_lines(&log));
            found.push(Dkms { name: name.clone(), version, built_for, failed_log });
        }
    }
    found
}

fn last_lines(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    let last = lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default();
    let short = |line: &&str| line.chars().take(LOG_LINE).collect::<String>();
    last.iter().map(short).collect::<Vec<_>>().join("\n")
}

/// Files of the modprobe configuration that blacklist nouveau.
pub(super) fn nouveau_blacklists(root: &Root) -> Vec<String> {
    let mut found = Vec::new();
    for folder in ["/etc/modprobe.d", "/run/modprobe.d", "/usr/lib/modprobe.d", "/lib/modprobe.d"] {
        for name in root.names(folder).into_iter().filter(|name| crate::root::is_conf(name)) {
            let path = format!("{folder}/{name}");
            let text = root.text_of(&path).unwrap_or_default();
            let blacklists = |line: &str| line.split_whitespace().eq(["blacklist", "nouveau"]);
            if text.lines().any(blacklists) {
                found.push(path);
            }
        }
    }
    found
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
