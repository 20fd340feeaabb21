//! The GPU's memory regions have addresses.
//!
//! # Meaning
//! A card is worked through windows in the machine's address space. Where the firmware or the hypervisor left no room
//! for them (a card with much memory wants a window above 4 GiB), no driver can start it.
//!
//! # Detection
//! A memory region in `/sys/bus/pci/devices/*/resource` that is marked as unset, or the first two empty, and the driver does not list
//! the card.
//!
//! # Fix
//! Give the virtual machine a larger 64-bit window: `Set-VM -HighMemoryMappedIoSpace` on Hyper-V, 64-bit MMIO in OVMF;
//! on a physical machine "Above 4G Decoding" in the firmware.
//!
//! # Source
//! NVIDIA/open-gpu-kernel-modules kernel-open/nvidia/nv-pci.c, cloud-hypervisor/cloud-hypervisor#6147,
//! include/linux/ioport.h (`IORESOURCE_UNSET`)

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Facts, MemoryRegion, PciFunction},
};

/// `IORESOURCE_UNSET`: there is such a region, and no address for it.
const UNSET: u64 = 0x2000_0000;
/// `IORESOURCE_MEM`. The old ports for VGA, `IORESOURCE_IO`, often get no address, and nobody misses them.
const MEMORY: u64 = 0x200;

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Nvml],
    needs: &["pci.gpu_answers"],
    severity: Severity::Unusable,
    who: Who::Platform,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    facts.gpus().map(|gpu| judge_gpu(facts, gpu)).collect()
}

fn judge_gpu(facts: &Facts, gpu: &PciFunction) -> Finding {
    let subject = Subject::Gpu(gpu.address.clone());
    let unassigned = unassigned(&gpu.regions);
    if facts.nvml_device(&gpu.address).is_some() {
        Finding::pass(subject, "the driver works through them")
    } else if gpu.regions.is_empty() {
        Finding::unknown(subject, "its memory regions could not be read")
    } else if unassigned.is_empty() {
        let used = gpu.regions.iter().filter(|region| !is_empty(region)).count();
        Finding::pass(subject, format!("{used} regions have addresses"))
    } else {
        let finding = Finding::fail(subject, format!("no address for {}", unassigned.join(", ")));
        let said = facts.log.seen().into_iter().flat_map(|log| log.messages("This PCI I/O region"));
        said.take(2).fold(finding, Finding::because)
    }
}

/// The regions without an address. Every GPU has the first, its registers, and the second, a window to its memory.
fn unassigned(regions: &[MemoryRegion]) -> Vec<String> {
    let both_empty = regions.iter().take(2).all(is_empty);
    let is_unset = |region: &MemoryRegion| region.flags & UNSET != 0 && region.flags & MEMORY != 0;
    let regions = regions.iter().enumerate();
    let without = regions.filter(|(index, region)| is_unset(region) || (both_empty && *index < 2));
    without.map(|(index, _)| format!("BAR{index}")).collect()
}

fn is_empty(region: &MemoryRegion) -> bool {
    *region == MemoryRegion { start: 0, end: 0, flags: 0 }
}
