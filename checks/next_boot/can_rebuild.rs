//! The driver's module will come with the next update of Linux.
//!
//! # Meaning
//! Updates bring a new Linux every few weeks, and each needs a module of its own. It comes only if DKMS finds the headers
//! and a compiler, or if the package that brings each new module is installed beside the one that brings each new Linux.
//!
//! # Detection
//! A package by which newer releases come (`linux-azure`, `linux-image-amd64`) is installed and not held, and what the
//! module's way needs is not: DKMS the package `linux-headers-FLAVOUR` and a compiler, Ubuntu's own modules the package
//! `linux-modules-nvidia-BRANCH-FLAVOUR`. What NVIDIA's installer has built without DKMS never follows.
//!
//! # Fix
//! Install the package that is missing, or hold Linux: `sudo apt-mark hold linux-azure`.
//!
//! # Source
//! dkms(8), <https://documentation.ubuntu.com/server/how-to/graphics/install-nvidia-drivers/>,
//! GoogleCloudPlatform/compute-gpu-installation#25

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    boot::{self, Supply},
    fact::{Facts, Installation, NextBoot},
    judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::NextBoot, Source::Installation],
    needs: &["next_boot.has_module"],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    boot::judge_linux(facts, |boot, release| judge_linux(facts, boot, release))
}

fn judge_linux(facts: &Facts, boot: &NextBoot, release: &str) -> Finding {
    let host = Subject::Host;
    let Some(installation) = facts.installation.seen() else {
        return Finding::unknown(host, format!("installation: {}", facts.installation.why_not()));
    };
    if installation.packages.seen().is_none() {
        return Finding::not_applicable(host, format!("packages: {}", installation.packages.why_not()));
    }
    let Some(flavour) = boot::flavour(release) else {
        return Finding::not_applicable(host, format!("packages that follow Linux {release} are not known"));
    };
    let followers = boot::followers(facts, flavour);
    if followers.is_empty() {
        return Finding::pass(host, "no package brings a newer Linux unasked");
    }
    let lacking = match boot::supply(facts, boot) {
        Supply::Dkms => {
            dkms_lacks(facts, flavour, installation.gcc.is_some() || !installation.compilers.is_empty())
        }
        Supply::Packaged(branch) => {
            let names = ["", "-open"].map(|open| format!("linux-modules-nvidia-{branch}{open}-{flavour}"));
            let follows =
                names.iter().any(|name| boot::is_installed(facts, name) || has_variant(facts, name));
            let [name, _] = names;
            if follows { Vec::new() } else { vec![name] }
        }
        Supply::Installer => return by_installer(facts, flavour, &followers),
        Supply::Unknown => {
            return Finding::not_applicable(host, "how the module comes to this machine is not known");
        }
    };
    if lacking.is_empty() {
        return Finding::pass(host, format!("it follows {}", followers.join(", ")));
    }
    let summary = format!(
        "{} brings newer releases of Linux, and {} is missing",
        followers.join(", "),
        lacking.join(" and ")
    );
    let finding = Finding::fail(host, summary).with("lacking", lacking.join(", ")).with("flavour", flavour);
    if judge::is_apt(facts) {
        finding.run(format!("sudo apt update && sudo apt install -y {}", lacking.join(" ")))
    } else {
        finding
    }
}

/// Packages that DKMS lacks to build for a Linux that is yet to come.
fn dkms_lacks(facts: &Facts, flavour: &str, has_compiler: bool) -> Vec<String> {
    // The package that brings everything of a Linux of Ubuntu's needs its headers, too.
    let headers = format!("linux-headers-{flavour}");
    let all = format!("linux-{flavour}");
    // What virtual machines have of `generic`.
    let of_virtual = ["linux-virtual", "linux-headers-virtual"].map(str::to_owned);
    let of_virtual = of_virtual.iter().filter(|_| flavour == "generic");
    let headers_follow = [&headers, &all]
        .into_iter()
        .chain(of_virtual)
        .any(|name| boot::is_installed(facts, name) || has_variant(facts, name));
    let mut lacking = Vec::new();
    if !headers_follow {
        lacking.push(headers);
    }
    if !has_compiler {
        lacking.push("gcc".to_owned());
    }
    lacking
}

/// `linux-headers-generic-hwe-22.04` for `linux-headers-generic`.
fn has_variant(facts: &Facts, name: &str) -> bool {
    let is_variant = |other: &str| {
        other.strip_prefix(name).is_some_and(|rest| rest.starts_with("-hwe-") || rest.starts_with("-lts-"))
    };
    let mut packages = facts.installation.seen().into_iter().flat_map(Installation::packages);
    packages.any(|package| package.is_installed() && is_variant(&package.name))
}

fn by_installer(facts: &Facts, flavour: &str, followers: &[String]) -> Finding {
    let summary = format!(
        "NVIDIA's installer built the module once, and {} brings newer releases of Linux",
        followers.join(", ")
    );
    let finding = Finding::fail(Subject::Host, summary)
        .variant("installer")
        .with("lacking", "dkms")
        .with("flavour", flavour);
    if judge::is_apt(facts) {
        finding.run(format!("sudo apt-mark hold {}", followers.join(" ")))
    } else {
        finding
    }
}
