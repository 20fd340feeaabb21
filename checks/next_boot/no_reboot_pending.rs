//! No reboot is pending.
//!
//! # Meaning
//! Packages were updated whose new state comes with the next boot. What was tried so far is not what the clones will run:
//! nobody has seen yet whether the GPU works there.
//!
//! # Detection
//! `/run/reboot-required`, and the packages in `/run/reboot-required.pkgs`.
//!
//! # Fix
//! `sudo reboot`, and look again before publishing.
//!
//! # Source
//! update-notifier-common of Ubuntu (`/usr/share/update-notifier/notify-reboot-required`),
//! <https://wiki.debian.org/Reboot>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who, boot,
    fact::{Facts, NextBoot},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::NextBoot, Source::Installation],
    // The same reboot mends a driver that waits for it.
    needs: &["module.loaded", "module.drives_gpu", "nvml.initializes", "driver.initializes"],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    boot::judge(facts, judge_boot)
}

fn judge_boot(boot: &NextBoot) -> Finding {
    let host = Subject::Host;
    if !boot.reboot_required {
        return Finding::pass(host, "none is asked for");
    }
    let by = boot.reboot_wanted_by.join(", ");
    let by = if by.is_empty() { String::new() } else { format!("for {by}") };
    Finding::new(host, Verdict::Warn, "/run/reboot-required asks for a reboot").because(by).run("sudo reboot")
}
