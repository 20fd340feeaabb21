//! A clone has room for what a class needs.
//!
//! # Meaning
//! What is left on the disk of the template is what every student has for environments, data and checkpoints.
//!
//! # Detection
//! `/` or `/home` has less than 10 GiB left for ordinary users: two environments of conda's with a framework for GPUs, by
//! Anaconda's own figure of 5 GB for an installation. Caches of pip, conda and apt are counted, at most 20000 files of each.
//!
//! # Fix
//! Empty the caches of packages, or give the template a larger disk.
//!
//! # Source
//! <https://www.anaconda.com/docs/getting-started/anaconda/system-requirements>, statvfs(3)

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{CacheFolder, Cached, Clones, Disk, Facts},
    judge,
    readings::size,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Clones],
    needs: &["performance.disk_has_room"],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

/// Too little for a class, in bytes.
const LITTLE: u64 = 10 << 30;
/// A cache that is worth emptying, in bytes.
const LARGE: u64 = 256 << 20;
/// Where students write.
const WRITTEN: [&str; 2] = ["/", "/home"];

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    judge::asked(&facts.clones, |clones| judge_clones(facts, clones))
}

fn judge_clones(facts: &Facts, clones: &Clones) -> Finding {
    let host = Subject::Host;
    let Some(disks) = facts.platform.seen().and_then(|platform| platform.disks.seen()) else {
        return Finding::not_applicable(host, "the disks of this root are not mounted");
    };
    let written: Vec<&Disk> =
        disks.iter().filter(|disk| WRITTEN.contains(&disk.mount_point.as_str())).collect();
    let Some(least) = written.iter().min_by_key(|disk| disk.available) else {
        return Finding::not_applicable(host, "neither / nor /home is a disk");
    };
    let left = format!("{} left of {} on {}", size(least.available), size(least.total), least.mount_point);
    if least.available >= LITTLE {
        return Finding::pass(host, left);
    }
    let finding = Finding::new(host, Verdict::Warn, left).with("disk", least.mount_point.clone());
    let large = clones.caches.iter().filter(|cache| cache.bytes >= LARGE && cache.of != Cached::CompiledCode);
    let finding = large.clone().fold(finding, |finding, cache| finding.because(said(cache)));
    let commands = [
        (Cached::Pip, "pip cache purge"),
        (Cached::Conda, "conda clean --all --yes"),
        (Cached::Apt, "sudo apt clean"),
    ];
    let mut emptying =
        commands.iter().filter(|(of, _)| large.clone().any(|cache| cache.of == *of)).peekable();
    if emptying.peek().is_none() {
        return finding.run("df -h / /home");
    }
    emptying.fold(finding, |finding, (_, command)| finding.run(*command))
}

fn said(cache: &CacheFolder) -> String {
    let at_least = if cache.at_least { "at least " } else { "" };
    format!("{} holds {at_least}{}", cache.path, size(cache.bytes))
}
