//! Updates do not move the driver by themselves.
//!
//! # Meaning
//! The driver is a module in Linux and libraries beside it, and both must be of one version. unattended-upgrades installs new
//! libraries while the old module runs: from then on CUDA ends with an error in each student's machine, until it is
//! restarted. A fabric manager that moves alone does not start beside the driver of before, and without it CUDA does not
//! either where NVSwitches join the GPUs.
//!
//! # Detection
//! unattended-upgrades is installed and on (`APT::Periodic` in apt.conf, `apt-daily-upgrade.timer`), a package of the
//! driver is neither held nor in `Package-Blacklist` nor pinned to its version, nor left out by a `Package-Whitelist`, and an archive that it takes from has it. Fails
//! where apt's lists have a newer version there, or where that archive is one of security fixes, to which Ubuntu brings new
//! versions of the driver; warns of all others. A held `nvidia-driver-535-server` holds its parts as well; the fabric
//! manager is none of them. Where NVSwitches are on the bus, or on a target of the image, it is judged by itself, and
//! nowhere else. apt is not run.
//!
//! # Fix
//! Hold the driver's packages in the template: `sudo apt-mark hold ...`. Take the hold off when you update the template
//! yourself, and restart then.
//!
//! # Source
//! NVIDIA/ubuntu-packaging-nvidia-driver#3, <https://documentation.ubuntu.com/server/how-to/software/automatic-updates/>,
//! <https://packages.ubuntu.com/jammy/amd64/libnvidia-extra-580-server> (security, restricted), unattended-upgrades 2.9.1, apt_preferences(5),
//! <https://docs.nvidia.com/datacenter/tesla/fabric-manager-user-guide/>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{DnfAutomatic, Facts, Offer, OfferedPackage, PciFunction, Unattended, Updates},
    targets,
    updated::{self, Coming},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Pci, Source::Module, Source::Updates, Source::Targets],
    needs: &[],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

/// Packages that are named as proof, at most.
const MOST: usize = 4;

fn judge(facts: &Facts, knowledge: &Knowledge) -> Judged {
    updated::judge(facts, |updates| judge_updates(facts, knowledge, updates))
}

fn judge_updates(facts: &Facts, knowledge: &Knowledge, updates: &Updates) -> Finding {
    let host = Subject::Host;
    if let Some(dnf) = updates.dnf.seen() {
        return judge_dnf(facts, dnf);
    }
    let (Some(unattended), Some(packages)) = (updates.unattended.seen(), updates.offered.seen()) else {
        return Finding::unknown(host, format!("packages: {}", updates.offered.why_not()));
    };
    let mut driver = updated::of_driver(packages);
    if !has_switches(facts, knowledge) {
        driver.retain(|package| !is_fabric(package));
    }
    if driver.is_empty() {
        return Finding::not_applicable(
            host,
            "no package of the driver is installed that updates could move",
        );
    }
    if let Some(holder) = driver.iter().find(|package| package.held && holds_all(&package.name)) {
        let held = format!("{} is held, and needs the others in its own version", holder.name);
        driver.retain(|package| is_fabric(package));
        if driver.is_empty() {
            return Finding::pass(host, held);
        }
    }
    let (package, coming) = updated::coming(unattended, updates, &driver);
    let (verdict, summary, offer) = match (coming, package) {
        (Coming::Now(offer), Some(package)) => {
            let summary =
                format!("{} {} becomes {} by itself", package.name, package.installed, offer.version);
            (Verdict::Fail, summary, offer)
        }
        (Coming::Surely(offer), Some(package)) => {
            let from = updated::archive(offer);
            let summary = format!("security fixes of {} come by themselves, from {from}", package.name);
            (Verdict::Fail, summary, offer)
        }
        (Coming::Perhaps(offer), Some(package)) => {
            let from = updated::archive(offer);
            let summary = format!("what comes new to {from} is installed by itself, {} too", package.name);
            (Verdict::Warn, summary, offer)
        }
        (Coming::Untold(why), _) => return Finding::unknown(host, why),
        (Coming::Nothing(why), _) => {
            let by_hand = driver.iter().find_map(|package| by_hand(package));
            return by_hand.into_iter().fold(Finding::pass(host, why), Finding::because);
        }
        (Coming::Now(_) | Coming::Surely(_) | Coming::Perhaps(_), None) => {
            return Finding::unknown(host, "no package was told");
        }
    };
    let finding = moved(Finding::new(host, verdict, summary), unattended, updates, (offer, &driver));
    if package.is_some_and(is_fabric) { finding.variant("fabric") } else { finding }
}

/// Whether a package is Ubuntu's for the whole driver, which depends on each part in the same version.
fn holds_all(name: &str) -> bool {
    name.strip_prefix("nvidia-driver-").is_some_and(|branch| branch.starts_with(|c: char| c.is_ascii_digit()))
}

/// Whether a package is the fabric manager, which no package of the driver depends on.
fn is_fabric(package: &OfferedPackage) -> bool {
    package.name.contains("fabricmanager")
}

/// Whether NVSwitches join GPUs here, or on a machine that the image is meant for.
fn has_switches(facts: &Facts, knowledge: &Knowledge) -> bool {
    let mut functions = facts.pci.seen().into_iter().flat_map(|pci| &pci.functions);
    functions.any(PciFunction::is_nvswitch)
        || targets::all(facts, knowledge).iter().any(|target| target.machine.fabric)
}

/// What a person would bring about.
fn by_hand(package: &OfferedPackage) -> Option<String> {
    let offer = package.taken()?;
    Some(format!("apt upgrade would make {} {} of {}", package.name, offer.version, package.installed))
}

/// `driver` is what is not held by another package.
fn moved(
    finding: Finding,
    unattended: &Unattended,
    updates: &Updates,
    (offer, driver): (&Offer, &[&OfferedPackage]),
) -> Finding {
    let packages = updates.offered.seen().map(Vec::as_slice).unwrap_or_default();
    let moving = driver.iter().filter_map(|package| Some((package, package.taken_unattended()?)));
    let moving =
        moving.map(|(package, offer)| format!("{} {} -> {}", package.name, package.installed, offer.version));
    // The first is in the summary.
    let finding = moving.skip(1).take(MOST).fold(finding, Finding::because);
    let finding = updated::by_whom(finding, unattended, Some(offer), updates);
    // Signed modules come with the version of the driver that they belong to: whoever holds one holds both.
    let mut held = driver.to_vec();
    let moves_alone = driver.iter().all(|package| is_fabric(package));
    if !moves_alone && !updated::brings_modules(packages).is_empty() {
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
