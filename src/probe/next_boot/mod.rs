//! What boots next, by files alone: the boot loader's menu and settings, the modules of that Linux, its initramfs.
//!
//! Invariants: an image without a Linux that runs tells as much as a machine; an initramfs is unpacked as a stream, within
//! bounds of bytes and time, and nothing of it is kept but names and versions.

mod archive;
mod bls;
mod choice;
mod grub;
mod initramfs;
mod keys;
pub(in crate::probe) mod packed;
mod release;
mod scan;
mod unpacked;

use crate::{probe::module, root::Root};
use gpucheck_checks::fact::{NextBoot, Observed};

/// Where lists of modules lie that are loaded at boot, and rules of udev that load some.
const AT_BOOT: [&str; 6] = [
    "/etc/modules-load.d",
    "/usr/lib/modules-load.d",
    "/lib/modules-load.d",
    "/etc/udev/rules.d",
    "/usr/lib/udev/rules.d",
    "/lib/udev/rules.d",
];
/// Who asks for a reboot, a package a line; and lines that are kept.
const WANTED_BY: &str = "/run/reboot-required.pkgs";
const MOST: usize = 20;

/// Looks at the next boot.
pub fn probe(root: &Root) -> Observed<NextBoot> {
    let choice = choice::choice(root);
    let mut on_disk = module::on_disk(root);
    for linux in on_disk.linux.iter_mut().filter(|linux| choice.linux.seen() == Some(&linux.release)) {
        linux.nvidia.iter_mut().for_each(|file| unpacked::tell(root, file));
    }
    let initramfs = match &choice.linux {
        Observed::Seen(release) => initramfs::read(root, release, choice.initrd.as_deref()),
        Observed::Failed(_) | Observed::Interrupted { .. } | Observed::NotProbed { .. } => {
            Observed::not_probed("which Linux boots next could not be told")
        }
    };
    Observed::Seen(NextBoot {
        linux: choice.linux,
        chosen_by: choice.chosen_by,
        once: choice.once,
        doubts: choice.doubts,
        images: choice.images,
        command_line: choice.command_line,
        installed: on_disk.linux,
        dkms: on_disk.dkms,
        libraries: on_disk.libraries,
        nouveau_blacklisted_in: on_disk.nouveau_blacklisted_in,
        initramfs,
        enrolled_keys: keys::enrolled(root),
        reboot_wanted_by: wanted_by(root),
        reboot_required: root.exists("/run/reboot-required"),
        unified_memory_loaded_by: unified_memory_loaded_by(root),
    })
}

fn wanted_by(root: &Root) -> Vec<String> {
    let text = root.configuration(WANTED_BY).unwrap_or_default();
    let mut names: Vec<String> = text
        .lines()
        .map(|line| line.trim().chars().take(100).collect())
        .filter(|line: &String| !line.is_empty())
        .collect();
    names.sort();
    names.dedup();
    names.truncate(MOST);
    names
}

/// What loads the module for unified memory at boot: a list of modules, or a rule of udev.
fn unified_memory_loaded_by(root: &Root) -> Vec<String> {
    let files = AT_BOOT.iter().flat_map(|folder| {
        let names = root.names(folder).into_iter();
        names
            .filter(|name| name.contains("nvidia") || name.contains("modules"))
            .map(move |name| format!("{folder}/{name}"))
    });
    let loads = |path: &String| {
        let text = root.configuration(path).unwrap_or_default();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        lines.any(|line| line.contains("nvidia-uvm") || line.contains("nvidia_uvm"))
    };
    std::iter::once("/etc/modules".to_owned()).chain(files).filter(loads).take(MOST).collect()
}
