//! The Linux that boots next is the one that is meant.
//!
//! # Meaning
//! A template boots anew on every clone. Which Linux that is, the boot loader decides by its own menu and settings, and not
//! by what runs now.
//!
//! # Detection
//! GRUB: `/boot/grub/grub.cfg` or `/boot/grub2/grub.cfg` (and the entries under `/boot/loader/entries`), the default in it,
//! `saved_entry` and `next_entry` in `grubenv`. systemd-boot: `loader.conf`, its entries and the variables of the firmware.
//! Doubtful are a default that names no entry (GRUB then takes the first one), a `GRUB_DEFAULT` under `/etc/default` that
//! the menu does not go by because `update-grub` was not run, and a newest Linux that the menu does not have.
//!
//! # Fix
//! `sudo update-grub` (Fedora: `sudo grub2-mkconfig -o /boot/grub2/grub.cfg`). An entry of a submenu is named with the
//! submenu: `GRUB_DEFAULT="1>2"`. Where the menu may be read by root alone: `sudo gpucheck publish`.
//!
//! # Source
//! <https://www.gnu.org/software/grub/manual/grub/grub.html#Simple-configuration>,
//! <https://uapi-group.org/specifications/specs/boot_loader_specification/>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who, boot,
    fact::{Facts, NextBoot},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::NextBoot, Source::Installation],
    needs: &[],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    boot::judge(facts, |boot| judge_boot(facts, boot))
}

fn judge_boot(facts: &Facts, boot: &NextBoot) -> Finding {
    let host = Subject::Host;
    let by = boot.chosen_by.clone().unwrap_or_default();
    let Some(release) = boot.linux.seen() else {
        return Finding::unknown(host, boot.linux.why_not()).because(by);
    };
    let once = if boot.once { "for one boot, by next_entry or a one-shot entry" } else { "" };
    if boot.doubts.is_empty() {
        return Finding::pass(host, release.clone()).because(by).because(once);
    }
    let finding =
        Finding::new(host, Verdict::Warn, format!("Linux {release} boots next, and may not be meant"))
            .with("release", release.clone());
    let finding = boot.doubts.iter().fold(finding, |finding, doubt| finding.because(doubt.clone()));
    boot::rewrite_menu(facts, finding.because(by).because(once))
}
