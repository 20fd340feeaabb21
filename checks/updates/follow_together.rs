//! When Linux is updated, the nvidia module can follow.
//!
//! # Meaning
//! A new Linux needs a module of its own. Either a package brings it (`linux-modules-nvidia-535-server-azure`), or DKMS builds it
//! from the headers of that Linux. Where Linux moves and what follows it is held or missing, the next restart ends without
//! a GPU.
//!
//! # Detection
//! The package that brings Linux may move, and of what makes the module none can follow: the package of signed modules
//! is held, or there is one for a single release alone; or DKMS is to build, and the package of headers (`linux-headers-azure`)
//! is missing or held, or no compiler is installed. Fails where unattended-upgrades will bring Linux, warns where only a
//! person would.
//!
//! # Fix
//! Install what is missing; or hold Linux as well, so that both stay.
//!
//! # Source
//! <https://learn.microsoft.com/azure/virtual-machines/linux/n-series-driver-setup>,
//! <https://ubuntu.com/server/docs/nvidia-drivers-installation>, GoogleCloudPlatform/compute-gpu-installation#18

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, OfferedPackage, Updates},
    installed,
    updated::{self, Coming},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Module, Source::Installation, Source::Updates],
    needs: &["next_boot.can_rebuild"],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    updated::judge(facts, |updates| judge_updates(facts, updates))
}

fn judge_updates(facts: &Facts, updates: &Updates) -> Finding {
    let host = Subject::Host;
    let Some(packages) = updates.offered.seen() else {
        return Finding::not_applicable(host, "no packages of apt's here");
    };
    let images = updated::brings_linux(packages);
    let Some(image) = images.iter().find(|package| !package.held && package.pinned_by.is_none()) else {
        return match images.first() {
            Some(image) => Finding::pass(host, format!("{} stays where it is", image.name)),
            None => Finding::not_applicable(host, "no package is installed that brings a new Linux"),
        };
    };
    let ways = [by_packages(facts, packages), by_building(facts, packages)];
    let mut ways = ways.iter().flatten();
    match (ways.clone().find(|way| way.trouble.is_none()), ways.next()) {
        (Some(way), _) => Finding::pass(host, format!("{} follows {}", way.by, image.name)),
        (None, Some(way)) => told(updates, image, way),
        (None, None) => {
            Finding::not_applicable(host, "nothing brings the module along: see updates.linux_stays")
        }
    }
}

/// A way in which the module follows, and why it cannot.
struct Way {
    by: String,
    trouble: Option<String>,
    command: Option<String>,
}

fn told(updates: &Updates, image: &OfferedPackage, way: &Way) -> Finding {
    let packages = updates.offered.seen().map(Vec::as_slice).unwrap_or_default();
    let coming = updates.unattended.seen().map(|unattended| updated::coming(unattended, updates, &[image]).1);
    let comes = matches!(coming, Some(Coming::Now(_) | Coming::Surely(_)));
    let verdict = if comes { Verdict::Fail } else { Verdict::Warn };
    let trouble = way.trouble.clone().unwrap_or_default();
    let finding = Finding::new(Subject::Host, verdict, format!("{} moves, and {trouble}", image.name))
        .with("linux", image.name.clone());
    let finding = match coming {
        Some(Coming::Now(offer) | Coming::Surely(offer)) => {
            finding.because(format!("it comes by itself, from {}", updated::archive(offer)))
        }
        Some(Coming::Perhaps(_) | Coming::Untold(_) | Coming::Nothing(_)) | None => {
            finding.because("it comes when somebody runs apt upgrade")
        }
    };
    let command = way.command.clone().or_else(|| updated::hold(&updated::moves_with_linux(packages)));
    command.into_iter().fold(finding, Finding::run)
}

fn by_packages(facts: &Facts, packages: &[OfferedPackage]) -> Option<Way> {
    let following = updated::brings_modules(packages);
    if let Some(package) = following.iter().find(|package| !package.held).or_else(|| following.first()) {
        let trouble = package.held.then(|| format!("{} is held", package.name));
        return Some(Way { by: package.name.clone(), trouble, command: None });
    }
    let one = updated::modules_of_one_release(packages)?;
    let release = &facts.platform.seen()?.linux_release;
    let names = installed::packaged_branch(facts).zip(installed::flavour(release));
    let wanted = names.map(|(branch, flavour)| format!("linux-modules-nvidia-{branch}-{flavour}"));
    Some(Way {
        by: one.name.clone(),
        trouble: Some(format!("{} is there for one Linux alone", one.name)),
        command: wanted.map(|name| format!("sudo apt install -y {name}")),
    })
}

fn by_building(facts: &Facts, packages: &[OfferedPackage]) -> Option<Way> {
    if !updated::builds_modules(facts, packages) {
        return None;
    }
    let trouble = |told: String, command: Option<String>| {
        Some(Way { by: "DKMS".to_owned(), trouble: Some(told), command })
    };
    let headers = updated::brings_headers(packages);
    let image = updated::brings_linux(packages)
        .first()
        .map(|image| image.name.replace("linux-image-", "linux-headers-"));
    match headers.iter().find(|package| !package.held).or_else(|| headers.first()) {
        None => {
            let command = image.map(|name| format!("sudo apt install -y {name}"));
            trouble("DKMS has no package that brings its headers".to_owned(), command)
        }
        Some(headers) if headers.held => trouble(format!("{} is held", headers.name), None),
        Some(_)
            if facts
                .installation
                .seen()
                .is_some_and(|seen| seen.compilers.is_empty() && seen.gcc.is_none()) =>
        {
            trouble("DKMS has no compiler".to_owned(), Some("sudo apt install -y gcc make".to_owned()))
        }
        Some(_) => Some(Way { by: "DKMS".to_owned(), trouble: None, command: None }),
    }
}
