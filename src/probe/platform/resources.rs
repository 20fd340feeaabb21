//! Processor, memory and disks, by sysinfo. It knows this machine only; of another root the files alone speak.

use crate::root::Root;
use gpucheck_checks::fact::{Cpu, Disk, Observed, RamAndSwap};
use sysinfo::{CpuRefreshKind, DiskRefreshKind, Disks, MemoryRefreshKind, RefreshKind, System};

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

/// The mounted disks, by where they are mounted.
pub(super) fn disks(root: &Root) -> Observed<Vec<Disk>> {
    let storage = DiskRefreshKind::nothing().with_storage();
    ask(root, "disks", Disks::new_with_refreshed_list_specifics(storage)).map(|disks| {
        let mut disks: Vec<Disk> = disks
            .iter()
            .map(|disk| Disk {
                mount_point: disk.mount_point().to_string_lossy().into_owned(),
                file_system: disk.file_system().to_string_lossy().into_owned(),
                total: disk.total_space(),
                available: disk.available_space(),
            })
            .collect();
        disks.sort_by(|a, b| a.mount_point.cmp(&b.mount_point));
        disks.dedup();
        disks
    })
}

fn ask<T>(root: &Root, what: &str, answer: Result<T, sysinfo::Error>) -> Observed<T> {
    match answer {
        _ if !root.is_this_machine() => Observed::not_probed(OTHER_ROOT),
        Ok(seen) => Observed::Seen(seen),
        Err(error) => Observed::refused(what, 0, "unreadable", error.to_string()),
    }
}
