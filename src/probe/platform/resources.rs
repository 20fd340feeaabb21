//! Processor and memory by sysinfo, disks by Linux. All of it is this machine's; of another root the files alone speak.

use crate::root::Root;
use gpucheck_checks::fact::{Cpu, Disk, Observed, RamAndSwap};
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

const OTHER_ROOT: &str = "this machine's resources say nothing of another root";

/// The flags of the first processor.
pub(super) fn processor_flags(root: &Root) -> Option<String> {
    let text = root.text_of("/proc/cpuinfo")?;
    let line = text.lines().find(|line| line.starts_with("flags"))?;
    Some(line.split_once(':')?.1.to_owned())
}

/// The processor.
pub(super) fn cpu(root: &Root) -> Observed<Cpu> {
    let cpus = RefreshKind::nothing().with_cpu(CpuRefreshKind::nothing());
    ask(root, "processor", System::new_with_specifics(cpus)).map(|system| Cpu {
        model: system.cpus().first().map(|cpu| cpu.brand().trim().to_owned()).unwrap_or_default(),
        logical: system.cpus().len(),
        physical: System::physical_core_count().ok(),
        avx: processor_flags(root).map(|flags| flags.split_whitespace().any(|flag| flag == "avx")),
    })
}

/// Memory and swap.
pub(super) fn memory(root: &Root) -> Observed<RamAndSwap> {
    let memory = MemoryRefreshKind::nothing().with_ram().with_swap();
    let system = System::new_with_specifics(RefreshKind::nothing().with_memory(memory));
    ask(root, "memory", system).map(|system| RamAndSwap {
        total: system.total_memory(),
        available: system.available_memory(),
        swap_total: system.total_swap(),
        swap_used: system.used_swap(),
    })
}

/// The mounted disks, by where they are mounted. Only of this machine's own: of a file system that somebody else serves
/// (network, FUSE) even its size is answered by that somebody, perhaps never.
pub(super) fn disks(root: &Root) -> Observed<Vec<Disk>> {
    if !root.is_this_machine() {
        return Observed::not_probed(OTHER_ROOT);
    }
    match root.text("/proc/self/mounts") {
        Err(error) => Observed::refused("read /proc/self/mounts", 0, "unreadable", error.to_string()),
        Ok(mounts) => {
            let mut disks: Vec<Disk> = mounts.lines().filter_map(local).filter_map(measured).collect();
            disks.sort_by(|a, b| a.mount_point.cmp(&b.mount_point));
            disks.dedup();
            Observed::Seen(disks)
        }
    }
}

/// Size of `/dev/shm`, where a file system of its own is mounted there.
pub(super) fn shared_memory(root: &Root) -> Option<u64> {
    let mounts = root.is_this_machine().then(|| root.text_of("/proc/self/mounts")).flatten()?;
    let is_mounted = mounts.lines().any(|line| line.split(' ').nth(1) == Some("/dev/shm"));
    let sizes = is_mounted.then(|| rustix::fs::statvfs("/dev/shm").ok()).flatten()?;
    Some(sizes.f_blocks.saturating_mul(sizes.f_frsize))
}

/// The place and the type of file system in a line of `/proc/mounts`, where it is a local disk's.
fn local(line: &str) -> Option<(String, &str)> {
    let mut words = line.split(' ');
    let (device, place, kind) = (words.next()?, words.next()?, words.next()?);
    let on_disk =
        matches!(kind, "overlay" | "zfs") || (device.starts_with("/dev/") && !kind.starts_with("fuse"));
    on_disk.then(|| (unescaped(place), kind))
}

/// White space and backslashes stand in `/proc/mounts` as three octal digits.
fn unescaped(place: &str) -> String {
    [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")]
        .into_iter()
        .fold(place.to_owned(), |place, (written, meant)| place.replace(written, meant))
}

fn measured((mount_point, file_system): (String, &str)) -> Option<Disk> {
    let sizes = rustix::fs::statvfs(&mount_point).ok()?;
    Some(Disk {
        mount_point,
        file_system: file_system.to_owned(),
        total: sizes.f_blocks.saturating_mul(sizes.f_frsize),
        available: sizes.f_bavail.saturating_mul(sizes.f_frsize),
    })
}

fn ask<T>(root: &Root, what: &str, answer: Result<T, sysinfo::Error>) -> Observed<T> {
    match answer {
        _ if !root.is_this_machine() => Observed::not_probed(OTHER_ROOT),
        Ok(seen) => Observed::Seen(seen),
        Err(error) => Observed::refused(what, 0, "unreadable", error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_disks_of_this_machine_are_measured() {
        for (line, expected) in [
            ("/dev/nvme0n1p1 / ext4 rw,relatime 0 0", Some(("/", "ext4"))),
            ("/dev/sdb1 /mnt/my\\040data xfs rw 0 0", Some(("/mnt/my data", "xfs"))),
            ("overlay / overlay rw,lowerdir=/a 0 0", Some(("/", "overlay"))),
            ("tank/home /home zfs rw 0 0", Some(("/home", "zfs"))),
            ("server:/export /home nfs4 rw,hard 0 0", None),
            ("//server/share /mnt cifs rw 0 0", None),
            ("kim@host:/ /home/kim/host fuse.sshfs rw 0 0", None),
            ("/dev/fuse /run/user/1000/doc fuse.portal rw 0 0", None),
            ("/dev/sdc1 /media/stick fuseblk rw 0 0", None),
            ("proc /proc proc rw 0 0", None),
            ("/dev/sda1", None),
            ("", None),
        ] {
            let found = local(line);
            assert_eq!(found.as_ref().map(|(place, kind)| (place.as_str(), *kind)), expected, "{line}");
        }
    }
}
