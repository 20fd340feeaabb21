//! Nouveau is kept out at the next boot.
//!
//! # Meaning
//! Linux brings nouveau, a driver for the same cards without CUDA. Where nothing keeps it out, whichever of both is loaded
//! first has the card: a matter of chance at each boot.
//!
//! # Detection
//! The Linux that boots next has the nouveau module, no file of modprobe's configuration blacklists it, and no word of the
//! command line does (`modprobe.blacklist=`, `module_blacklist=`, `rd.driver.blacklist=`).
//!
//! # Fix
//! A file under `/etc/modprobe.d` that says `blacklist nouveau`, and a new initramfs.
//!
//! # Source
//! <https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/> ("Disabling Nouveau"), modprobe.d(5),
//! <https://docs.kernel.org/admin-guide/kernel-parameters.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who, boot,
    fact::{Facts, NextBoot},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::NextBoot, Source::Installation],
    needs: &["next_boot.has_module", "module.drives_gpu"],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    boot::judge_linux(facts, |boot, release| judge_linux(facts, boot, release))
}

fn judge_linux(facts: &Facts, boot: &NextBoot, release: &str) -> Finding {
    let host = Subject::Host;
    if !boot.next().is_some_and(|linux| linux.nouveau) {
        return Finding::not_applicable(host, format!("Linux {release} has no nouveau"));
    }
    if let Some(path) = boot.nouveau_blacklisted_in.first() {
        return Finding::pass(host, path.clone());
    }
    if boot::keeps_nouveau_out(boot) {
        return Finding::pass(host, format!("command line: {}", boot.command_line.join(" ")));
    }
    let finding = Finding::new(host, Verdict::Warn, format!("Linux {release} has nouveau, and nothing keeps it out"))
        .run("printf 'blacklist nouveau\\noptions nouveau modeset=0\\n' | sudo tee /etc/modprobe.d/blacklist-nouveau.conf");
    boot::rewrite_initramfs(facts, release, finding)
}
