//! Updates do not move the driver by themselves.
//!
//! # Meaning
//! The driver is a module in Linux and libraries beside it, and both must be of one version. unattended-upgrades installs new
//! libraries while the old module runs: from then on CUDA ends with an error in each student's machine, until it is
//! restarted.
//!
//! # Detection
//! unattended-upgrades is installed and on (`APT::Periodic` in apt.conf, `apt-daily-upgrade.timer`), a package of the
//! driver is neither held nor in `Package-Blacklist` nor pinned to its version, and an archive that it takes from has it. Fails
//! where apt's lists have a newer version there, or where that archive is one of security fixes, to which Ubuntu brings new
//! versions of the driver; warns of all others. A held `nvidia-driver-535-server` holds its parts as well. apt is not run.
//!
//! # Fix
//! Hold the driver's packages in the template: `sudo apt-mark hold ...`. Take the hold off when you update the template
//! yourself, and restart then.
//!
//! # Source
//! NVIDIA/ubuntu-packaging-nvidia-driver#3, <https://documentation.ubuntu.com/server/how-to/software/automatic-updates/>,
//! <https://packages.ubuntu.com/jammy/amd64/libnvidia-extra-580-server> (security, restricted), unattended-upgrades 2.9.1, apt_preferences(5)

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{DnfAutomatic, Facts, Offer, OfferedPackage, Unattended, Updates},
    updated::{self, Coming},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Module, Source::Updates],
    needs: &[],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

/// Packages that are named as proof, at most.
const MOST: usize = 4;

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    updated::judge(facts, |updates| judge_updates(facts, updates))
}

fn judge_updates(facts: &Facts, updates: &Updates) -> Finding {
    let host = Subject::Host;
    if let Some(dnf) = updates.dnf.seen() {
        return judge_dnf(facts, dnf);
    }
    let (Some(unattended), Some(packages)) = (updates.unattended.seen(), updates.offered.seen()) else {
        return Finding::unknown(host, format!("packages: {}", updates.offered.why_not()));
    };
    let driver = updated::of_driver(packages);
    if driver.is_empty() {
        return Finding::not_applicable(
            host,
            "no package of the driver is installed that updates could move",
        );
    }
    if let Some(holder) = driver.iter().find(|package| package.held && holds_all(&package.name)) {
        return Finding::pass(
            host,
            format!("{} is held, and needs the others in its own version", holder.name),
        );
    }
    let (package, coming) = updated::coming(unattended, updates, &driver);
    match (coming, package) {
        (Coming::Now(offer), Some(package)) => {
            let summary =
                format!("{} {} becomes {} by itself", package.name, package.installed, offer.version);
            moved(Finding::fail(host, summary), unattended, updates, offer)
        }
        (Coming::Surely(offer), Some(package)) => {
            let summary = format!(
                "security fixes of {} come by themselves, from {}",
                package.name,
                updated::archive(offer)
            );
            moved(Finding::fail(host, summary), unattended, updates, offer)
        }
        (Coming::Perhaps(offer), Some(package)) => {
            let summary = format!(
                "what comes new to {} is installed by itself, {} too",
                updated::archive(offer),
                package.name
            );
            moved(Finding::new(host, Verdict::Warn, summary), unattended, updates, offer)
        }
        (Coming::Untold(why), _) => Finding::unknown(host, why),
        (Coming::Nothing(why), _) => driver
            .iter()
            .find_map(|package| by_hand(package))
            .into_iter()
            .fold(Finding::pass(host, why), Finding::because),
        (Coming::Now(_) | Coming::Surely(_) | Coming::Perhaps(_), None) => {
            Finding::unknown(host, "no package was told")
        }
    }
}

/// Whether a package is Ubuntu's for the whole driver, which depends on each part in the same version.
fn holds_all(name: &str) -> bool {
    name.strip_prefix("nvidia-driver-").is_some_and(|branch| branch.starts_with(|c: char| c.is_ascii_digit()))
}

/// What a person would bring about.
fn by_hand(package: &OfferedPackage) -> Option<String> {
    let offer = package.taken()?;
    Some(format!("apt upgrade would make {} {} of {}", package.name, offer.version, package.installed))
}

fn moved(finding: Finding, unattended: &Unattended, updates: &Updates, offer: &Offer) -> Finding {
    let packages = updates.offered.seen().map(Vec::as_slice).unwrap_or_default();
    let driver = updated::of_driver(packages);
    let moving = driver.iter().filter_map(|package| Some((package, package.taken_unattended()?)));
    let moving =
        moving.map(|(package, offer)| format!("{} {} -> {}", package.name, package.installed, offer.version));
    // The first is in the summary.
    let finding = moving.skip(1).take(MOST).fold(finding, Finding::because);
    let finding = updated::by_whom(finding, unattended, Some(offer), updates);
    // Signed modules come with the version of the driver that they belong to: whoever holds one holds both.
    let mut held = driver;
    if !updated::brings_modules(packages).is_empty() {
        held.extend(updated::moves_with_linux(packages));
    }
    updated::hold(&held).into_iter().fold(finding, Finding::run)
}

fn judge_dnf(facts: &Facts, dnf: &DnfAutomatic) -> Finding {
    let host = Subject::Host;
    if !updated::has_driver(facts, &[]) {
        return Finding::not_applicable(host, "no driver is installed");
    }
    let is_kept = dnf.excluded.iter().any(|pattern| pattern.contains("nvidia"));
    match &dnf.installs_by {
        None => Finding::pass(host, "no timer of dnf-automatic installs updates"),
        Some(_) if is_kept => Finding::pass(host, "dnf.conf excludes NVIDIA's packages"),
        Some(timer) => Finding::new(
            host,
            Verdict::Warn,
            format!("{timer} installs updates by itself, and dnf.conf excludes no package of NVIDIA's"),
        )
        .variant("dnf")
        .run("echo 'excludepkgs=*nvidia*,cuda-drivers*,kernel*' | sudo tee -a /etc/dnf/dnf.conf"),
    }
}
