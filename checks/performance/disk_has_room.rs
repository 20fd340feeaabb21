//! The disks that programs write to have room.
//!
//! # Meaning
//! Data sets, caches and checkpoints go to disk; on a full one programs fail or crawl, and the GPU waits.
//!
//! # Detection
//! `/`, `/home`, `/tmp` or `/var` has less than 256 MiB left for ordinary users.
//!
//! # Fix
//! Delete what is not needed, or take a larger disk.
//!
//! # Source
//! <https://github.com/leestott/Azure-GPU-Setup>, statvfs(3)

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Disk, Facts},
    readings::size,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform],
    needs: &["pci.gpu_present"],
    severity: Severity::Degraded,
    who: Who::Student,
    judge,
};

/// Where programs write.
const WRITTEN: [&str; 4] = ["/", "/home", "/tmp", "/var"];
/// File systems that are full by nature: nobody can write to them.
const READ_ONLY: [&str; 4] = ["squashfs", "erofs", "iso9660", "udf"];
/// Too little to work with, in bytes.
const LITTLE: u64 = 256 << 20;

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    let host = Subject::Host;
    let Some(platform) = facts.platform.seen() else {
        return vec![Finding::unknown(host, facts.platform.why_not())];
    };
    let Some(disks) = platform.disks.seen() else {
        return vec![Finding::unknown(host, platform.disks.why_not())];
    };
    let written: Vec<&Disk> = disks.iter().filter(|disk| is_written(disk)).collect();
    let full: Vec<&&Disk> = written.iter().filter(|disk| disk.available < LITTLE).collect();
    vec![match (full.as_slice(), written.first()) {
        ([], None) => Finding::unknown(host, "none of the disks that programs write to was seen"),
        ([], Some(first)) => {
            Finding::pass(host, format!("{} left on {}", size(first.available), first.mount_point))
        }
        ([first, more @ ..], _) => {
            let finding = Finding::new(host, Verdict::Warn, left(first));
            let finding = more.iter().fold(finding, |finding, disk| finding.because(left(disk)));
            finding.with("disk", first.mount_point.clone()).run("df -h / /home /tmp")
        }
    }]
}

fn is_written(disk: &Disk) -> bool {
    WRITTEN.contains(&disk.mount_point.as_str())
        && !READ_ONLY.contains(&disk.file_system.as_str())
        && disk.total > LITTLE
        && disk.available <= disk.total
}

fn left(disk: &Disk) -> String {
    format!("{} left of {} on {}", size(disk.available), size(disk.total), disk.mount_point)
}
