//! A new Linux that comes by itself gets its nvidia module.
//!
//! # Meaning
//! The driver's module is built for one release of Linux. unattended-upgrades brings new ones; where neither DKMS nor a
//! package of the distribution brings the module along, the first restart afterwards ends without a GPU.
//!
//! # Detection
//! unattended-upgrades is on and takes the package that brings Linux (`linux-image-azure`, `linux-image-generic`, ...), which is
//! neither held nor excluded nor pinned; and there is no DKMS tree and no `linux-modules-nvidia-*` at all, as NVIDIA's
//! installer leaves it. That what is there can follow is said by `updates.follow_together`.
//!
//! # Fix
//! Hold Linux in the template, or install the driver from packages, which follow it.
//!
//! # Source
//! GoogleCloudPlatform/compute-gpu-installation#18,
//! <https://learn.microsoft.com/azure/virtual-machines/linux/n-series-driver-setup>,
//! <https://documentation.ubuntu.com/server/how-to/software/automatic-updates/>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, Offer, OfferedPackage, Updates},
    updated::{self, Coming},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Module, Source::Updates],
    needs: &[],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    updated::judge(facts, |updates| judge_updates(facts, updates))
}

fn judge_updates(facts: &Facts, updates: &Updates) -> Finding {
    let host = Subject::Host;
    let (Some(unattended), Some(packages)) = (updates.unattended.seen(), updates.offered.seen()) else {
        return match updates.dnf.seen() {
            Some(dnf) if dnf.installs_by.is_none() => {
                Finding::pass(host, "no timer of dnf-automatic installs updates")
            }
            Some(_) => Finding::unknown(host, "packages of rpm's are not looked at"),
            None => Finding::unknown(host, format!("packages: {}", updates.offered.why_not())),
        };
    };
    if !updated::has_driver(facts, packages) {
        return Finding::not_applicable(host, "no driver is installed");
    }
    if let Some(follower) = follower(facts, packages) {
        return Finding::pass(host, follower);
    }
    if let Some(one) = updated::modules_of_one_release(packages) {
        return Finding::not_applicable(
            host,
            format!("{} is for one Linux: see updates.follow_together", one.name),
        );
    }
    let images = updated::brings_linux(packages);
    let (package, coming) = updated::coming(unattended, updates, &images);
    let finding = match (&coming, package) {
        (Coming::Now(offer), Some(package)) => Finding::fail(
            host,
            format!(
                "{} becomes {} by itself, and no module of the driver comes with it",
                package.name, offer.version
            ),
        ),
        (Coming::Surely(offer), Some(package)) => Finding::fail(
            host,
            format!(
                "{} comes by itself from {}, and no module of the driver with it",
                package.name,
                updated::archive(offer)
            ),
        ),
        (Coming::Perhaps(offer), Some(package)) => Finding::new(
            host,
            Verdict::Warn,
            format!(
                "{} may come by itself from {}, and no module of the driver with it",
                package.name,
                updated::archive(offer)
            ),
        ),
        (Coming::Untold(why), _) => return Finding::unknown(host, why.clone()),
        (Coming::Nothing(why), _) => return Finding::pass(host, why.clone()),
        (Coming::Now(_) | Coming::Surely(_) | Coming::Perhaps(_), None) => {
            return Finding::unknown(host, "no package was told");
        }
    };
    let finding = updated::by_whom(finding, unattended, offer_of(&coming), updates);
    updated::hold(&updated::moves_with_linux(packages)).into_iter().fold(finding, Finding::run)
}

fn offer_of<'a>(coming: &Coming<'a>) -> Option<&'a Offer> {
    match coming {
        Coming::Now(offer) | Coming::Surely(offer) | Coming::Perhaps(offer) => Some(offer),
        Coming::Untold(_) | Coming::Nothing(_) => None,
    }
}

/// What brings the module for each new Linux.
fn follower(facts: &Facts, packages: &[OfferedPackage]) -> Option<String> {
    let modules =
        updated::brings_modules(packages).first().map(|package| format!("{} follows it", package.name));
    let dkms = || updated::builds_modules(facts, packages).then(|| "DKMS builds it".to_owned());
    modules.or_else(dkms)
}
