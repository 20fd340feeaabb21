//! The initramfs of the next boot carries no other driver than the disk.
//!
//! # Meaning
//! What the initramfs holds is loaded first: an nvidia module of before the last update, or nouveau, which the disk's own
//! configuration keeps out and the initramfs does not know of. Both take the card before the driver is there.
//!
//! # Detection
//! The initramfs of the Linux that boots next is unpacked in memory (cpio, gzip, zstd, lz4, xz). It does not fit where an
//! nvidia module in it has another version than the one under `/lib/modules`, or where `nouveau.ko` is in it and a file
//! that keeps nouveau out lies on the disk and not in it.
//!
//! # Fix
//! `sudo update-initramfs -u -k RELEASE` (Fedora: `sudo dracut --force --kver RELEASE`).
//!
//! # Source
//! <https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/> ("Disabling Nouveau"), initramfs-tools(7),
//! <https://docs.kernel.org/driver-api/early-userspace/buffer-format.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who, boot,
    fact::{Facts, Initramfs, NextBoot, Observed},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::NextBoot, Source::Installation],
    needs: &["next_boot.has_module"],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    boot::judge_linux(facts, |boot, release| judge_linux(facts, boot, release))
}

fn judge_linux(facts: &Facts, boot: &NextBoot, release: &str) -> Finding {
    let host = Subject::Host;
    let trouble = boot
        .initramfs
        .seen()
        .and_then(|initramfs| stale_module(boot, initramfs).or_else(|| early_nouveau(boot, initramfs)));
    match (trouble, &boot.initramfs) {
        (Some(finding), _) => boot::rewrite_initramfs(facts, release, finding.with("release", release)),
        (None, Observed::Seen(initramfs)) => match untold(boot, initramfs) {
            Some(path) => {
                Finding::unknown(host, format!("{}: {path} or the disk's tells no version", initramfs.path))
            }
            None => Finding::pass(host, told(initramfs)),
        },
        (None, Observed::NotProbed { why }) => Finding::not_applicable(host, why.clone()),
        (None, Observed::Failed(_) | Observed::Interrupted { .. }) => {
            Finding::unknown(host, boot.initramfs.why_not())
        }
    }
}

fn told(initramfs: &Initramfs) -> String {
    let held = match (initramfs.nvidia.is_empty(), initramfs.nouveau) {
        (true, false) => "no driver of a card is in it",
        (true, true) => "nouveau is in it, and is kept out as on the disk",
        (false, _) => "its nvidia module is the disk's",
    };
    format!("{}: {held}", initramfs.path)
}

/// A module in it of which nobody can say whether it is the disk's.
fn untold<'i>(boot: &NextBoot, initramfs: &'i Initramfs) -> Option<&'i str> {
    let on_disk = boot.next().and_then(|linux| boot::module_version(boot, linux));
    let mut modules = initramfs.nvidia.iter();
    modules.find(|module| module.version.is_none() || on_disk.is_none()).map(|module| module.path.as_str())
}

fn stale_module(boot: &NextBoot, initramfs: &Initramfs) -> Option<Finding> {
    let on_disk = boot::module_version(boot, boot.next()?)?;
    let early = initramfs.nvidia.iter().find_map(|module| {
        let version = module.version.as_deref().filter(|version| *version != on_disk)?;
        Some((module, version))
    });
    let (module, version) = early?;
    let summary = format!("the initramfs has nvidia {version}, the disk {on_disk}");
    Some(
        Finding::fail(Subject::Host, summary)
            .with("early", version)
            .with("disk", on_disk)
            .because(format!("{}: {}", initramfs.path, module.path)),
    )
}

fn early_nouveau(boot: &NextBoot, initramfs: &Initramfs) -> Option<Finding> {
    let kept_out_on_disk = boot.nouveau_blacklisted_in.first()?;
    let is_kept_out = !initramfs.nouveau_blacklisted_in.is_empty() || boot::keeps_nouveau_out(boot);
    if !initramfs.nouveau || is_kept_out {
        return None;
    }
    Some(
        Finding::fail(Subject::Host, "the initramfs has nouveau, and nothing in it keeps it out")
            .variant("nouveau")
            .because(format!("{kept_out_on_disk} keeps it out on the disk alone")),
    )
}
