//! What checks of updates ask: which packages are the driver's, which bring Linux and what follows it, and what comes by itself.

use crate::{
    Finding, Judged, Subject,
    fact::{Facts, Observed, Offer, OfferedPackage, Unattended, Updates},
    judge,
};

/// Judges the updates; nothing where nobody asked for them.
pub(crate) fn judge(facts: &Facts, judge: impl FnOnce(&Updates) -> Finding) -> Judged {
    let was_asked = !matches!(facts.updates, Observed::NotProbed { .. });
    if was_asked && judge::in_container(facts) {
        let why = "the driver and Linux are those of the container's host";
        return vec![Finding::not_applicable(Subject::Host, why)];
    }
    judge::asked(&facts.updates, judge)
}

/// Names of packages that bring the driver's user space, or build its module.
const ANCHORS: [&str; 8] = [
    "libnvidia-compute",
    "libcuda1",
    "libnvidia-ml1",
    "nvidia-utils-",
    "nvidia-driver",
    "cuda-drivers",
    "nvidia-dkms-",
    "nvidia-kernel-dkms",
];

/// The packages that are made of the driver: those of NVIDIA's that have its version.
pub(crate) fn of_driver(packages: &[OfferedPackage]) -> Vec<&OfferedPackage> {
    let is_anchor = |package: &&OfferedPackage| ANCHORS.iter().any(|start| package.name.starts_with(start));
    let versions: Vec<&str> =
        packages.iter().filter(is_anchor).map(|package| upstream(&package.installed)).collect();
    let is_ours = |package: &&OfferedPackage| {
        let name = package.name.as_str();
        let is_nvidias = name.contains("nvidia") || name.starts_with("cuda-drivers") || name == "libcuda1";
        is_nvidias && !name.starts_with("linux-") && versions.contains(&upstream(&package.installed))
    };
    packages.iter().filter(is_ours).collect()
}

/// `535.161.08` of `1:535.161.08-0ubuntu2.22.04.1`.
fn upstream(version: &str) -> &str {
    let version = version.split_once(':').map_or(version, |(_, rest)| rest);
    version.rsplit_once('-').map_or(version, |(upstream, _)| upstream)
}

/// Whether a name is that of one release of Linux, such as `linux-image-6.5.0-1025-azure`.
fn is_of_release(name: &str) -> bool {
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    name.split('-').any(|part| part.split('.').count() > 2 && part.split('.').all(is_number))
}

/// The packages that bring the newest Linux, such as `linux-image-azure`.
pub(crate) fn brings_linux(packages: &[OfferedPackage]) -> Vec<&OfferedPackage> {
    let is_image =
        |package: &&OfferedPackage| package.name.starts_with("linux-image-") && !is_of_release(&package.name);
    packages.iter().filter(is_image).collect()
}

/// All packages that move with Linux: its image, its headers, what brings both, and NVIDIA's modules built for it.
pub(crate) fn moves_with_linux(packages: &[OfferedPackage]) -> Vec<&OfferedPackage> {
    let starts = [
        "linux-image-",
        "linux-headers-",
        "linux-modules-",
        "linux-azure",
        "linux-aws",
        "linux-gcp",
        "linux-generic",
        "linux-virtual",
    ];
    let is_of = |package: &&OfferedPackage| {
        starts.iter().any(|start| package.name.starts_with(start)) && !is_of_release(&package.name)
    };
    packages.iter().filter(is_of).collect()
}

/// Packages of headers that come with each new Linux, such as `linux-headers-azure`.
pub(crate) fn brings_headers(packages: &[OfferedPackage]) -> Vec<&OfferedPackage> {
    starting(packages, "linux-headers-")
}

/// Packages of modules that Ubuntu built and signed for each new Linux, such as `linux-modules-nvidia-535-server-azure`.
pub(crate) fn brings_modules(packages: &[OfferedPackage]) -> Vec<&OfferedPackage> {
    starting(packages, "linux-modules-nvidia-")
}

fn starting<'a>(packages: &'a [OfferedPackage], start: &str) -> Vec<&'a OfferedPackage> {
    packages
        .iter()
        .filter(|package| package.name.starts_with(start) && !is_of_release(&package.name))
        .collect()
}

/// Modules that Ubuntu built and signed for one Linux alone.
pub(crate) fn modules_of_one_release(packages: &[OfferedPackage]) -> Option<&OfferedPackage> {
    packages
        .iter()
        .find(|package| package.name.starts_with("linux-modules-nvidia-") && is_of_release(&package.name))
}

/// Whether DKMS builds the driver's module for each new Linux.
pub(crate) fn builds_modules(facts: &Facts, packages: &[OfferedPackage]) -> bool {
    let is_source = |name: &str| name.contains("nvidia") && name.contains("dkms");
    let by_runfile =
        || facts.module.seen().is_some_and(|module| module.dkms.iter().any(|tree| tree.name == "nvidia"));
    packages.iter().any(|package| is_source(&package.name))
        || (packages.iter().any(|package| package.name == "dkms") && by_runfile())
}

/// Whether a driver is installed, by packages or without.
pub(crate) fn has_driver(facts: &Facts, packages: &[OfferedPackage]) -> bool {
    let has_module = facts.module.seen().is_some_and(|module| {
        module.has_driver() || module.linux.iter().any(|linux| !linux.nvidia.is_empty())
    });
    has_module || !of_driver(packages).is_empty()
}

/// What unattended-upgrades will do to a package.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Coming<'a> {
    /// It installs this, at the next opportunity.
    Now(&'a Offer),
    /// It will: security fixes come to this archive, and it takes them from there.
    Surely(&'a Offer),
    /// It may: it takes from this archive, should something new come to it.
    Perhaps(&'a Offer),
    /// There are no lists that tell, or they or the settings could not be read: the reason.
    Untold(String),
    /// Nothing, for this reason.
    Nothing(String),
}

/// What unattended-upgrades will do to the one of these packages that it does most to.
pub(crate) fn coming<'a>(
    unattended: &Unattended,
    updates: &Updates,
    packages: &[&'a OfferedPackage],
) -> (Option<&'a OfferedPackage>, Coming<'a>) {
    if let Some(why) = unattended.stopped() {
        // Nothing is in what could not be read until somebody has read it.
        return match unattended.unread.first().filter(|_| unattended.installed) {
            Some(unread) => (None, Coming::Untold(unread.clone())),
            None => (None, Coming::Nothing(why)),
        };
    }
    let all = packages.iter().map(|package| (Some(*package), coming_to(unattended, updates, package)));
    all.min_by_key(|(_, coming)| rank(coming))
        .unwrap_or((None, Coming::Nothing("no such package is installed".to_owned())))
}

fn rank(coming: &Coming<'_>) -> u8 {
    match coming {
        Coming::Now(_) => 0,
        Coming::Surely(_) => 1,
        Coming::Untold(_) => 2,
        Coming::Perhaps(_) => 3,
        Coming::Nothing(_) => 4,
    }
}

fn coming_to<'a>(unattended: &Unattended, updates: &Updates, package: &'a OfferedPackage) -> Coming<'a> {
    if let Some(why) = package.stays_unattended() {
        return Coming::Nothing(format!("{}: {why}", package.name));
    }
    if let Some(offer) = package.taken_unattended() {
        return Coming::Now(offer);
    }
    let unread = unattended.unread.first().or(updates.lists.unread.first());
    if !unattended.fetches_lists() {
        let why = "apt's lists are not fetched by themselves".to_owned();
        return unread.cloned().map_or(Coming::Nothing(why), Coming::Untold);
    }
    if updates.lists.read == 0 && unread.is_none() {
        return Coming::Untold(
            "apt has no lists here that tell where packages come from; run sudo apt update".to_owned(),
        );
    }
    let secure = package.followed().find(|offer| offer.suite.ends_with("-security"));
    match (secure, package.followed().find(|offer| !is_frozen(offer))) {
        (Some(offer), _) => Coming::Surely(offer),
        (None, Some(offer)) => Coming::Perhaps(offer),
        (None, None) if unread.is_some() => Coming::Untold(unread.cloned().unwrap_or_default()),
        (None, None) => {
            Coming::Nothing(format!("{} is in no archive that unattended-upgrades takes from", package.name))
        }
    }
}

/// Ubuntu's archive of a release itself: nothing comes to it once that is out, but to `-security` and `-updates`.
fn is_frozen(offer: &Offer) -> bool {
    offer.origin == "Ubuntu" && !offer.suite.contains('-')
}

/// An archive in words.
pub(crate) fn archive(offer: &Offer) -> String {
    let words = [offer.origin.as_str(), offer.suite.as_str(), offer.component.as_str()];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Adds what unattended-upgrades is told, as proof.
pub(crate) fn by_whom(
    finding: Finding,
    unattended: &Unattended,
    offer: Option<&Offer>,
    updates: &Updates,
) -> Finding {
    let allowed = offer.and_then(|offer| offer.allowed_by.as_ref());
    let finding = match allowed {
        Some(pattern) => finding.because(format!("unattended-upgrades takes from {pattern}")),
        None => finding,
    };
    let finding = match offer.and_then(|offer| offer.phased) {
        Some(percentage) => {
            finding.because(format!("rolled out in phases: {percentage} % of machines have it already"))
        }
        None => finding,
    };
    let finding = match &updates.lists.fetched {
        Some(time) => finding.because(format!("by apt's lists of {time}")),
        None => finding,
    };
    if unattended.restarts() {
        finding.because(
            "Unattended-Upgrade::Automatic-Reboot: it restarts the machine afterwards, also in class",
        )
    } else {
        finding
    }
}

/// The command that keeps packages where they are; none of them is held already.
pub(crate) fn hold(packages: &[&OfferedPackage]) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for package in packages.iter().filter(|package| !package.held) {
        if !names.contains(&package.name.as_str()) {
            names.push(&package.name);
        }
    }
    (!names.is_empty()).then(|| format!("sudo apt-mark hold {}", names.join(" ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packages_of_one_release_are_told_from_those_that_follow() {
        for name in [
            "linux-image-6.5.0-1025-azure",
            "linux-modules-nvidia-535-server-6.8.0-1010-azure",
            "linux-image-6.1.0-28-amd64",
        ] {
            assert!(is_of_release(name), "{name}");
        }
        for name in [
            "linux-image-azure",
            "linux-image-generic-hwe-22.04",
            "linux-modules-nvidia-535-server-generic-hwe-22.04",
            "linux-image-amd64",
        ] {
            assert!(!is_of_release(name), "{name}");
        }
    }

    #[test]
    fn what_has_the_drivers_version_is_the_drivers() {
        let package = |name: &str, installed: &str| OfferedPackage {
            name: name.to_owned(),
            installed: installed.to_owned(),
            ..OfferedPackage::default()
        };
        let packages = [
            package("libnvidia-compute-535-server", "535.161.08-0ubuntu2.22.04.1"),
            package("libnvidia-container1", "1.14.6-1"),
            package("linux-modules-nvidia-535-server-azure", "6.5.0-1025.25"),
            package("nvidia-kernel-common-535-server", "535.161.08-0ubuntu2.22.04.1"),
            package("nvidia-settings", "510.47.03-0ubuntu1"),
        ];
        let names: Vec<&str> = of_driver(&packages).iter().map(|package| package.name.as_str()).collect();
        assert_eq!(names, ["libnvidia-compute-535-server", "nvidia-kernel-common-535-server"]);
    }
}
