//! The driver in the image supports the target's GPU.
//!
//! # Meaning
//! Each branch of the driver knows the cards of its time: a K80 ends with 470, an M60, a P100 and a V100 with 580, of the
//! GRID drivers the M60 and the P100 with 535. Cards before Turing need the proprietary module, Blackwell the open one.
//! Sizes with a part of a card work with Microsoft's GRID driver alone, of a branch that goes with their hosts'; those for
//! computing not with it. Where NVSwitches
//! join the cards, CUDA does not start without the fabric manager, which belongs to the driver.
//!
//! # Detection
//! The module file of the Linux that boots next, else of the newest that has one; its version by the file, by DKMS, by the
//! libraries or the package beside it. The table of architectures and of Azure's sizes. A GRID driver of a newer branch than
//! Microsoft lists for a size is not judged. An image of a container brings no
//! driver: its host does. The fabric manager by its service, and whether that is enabled.
//!
//! # Fix
//! Install the newest branch that supports the card, with the module that fits it; where there are several targets, the
//! newest that supports all of them. The fabric manager at exactly the driver's version.
//!
//! # Source
//! NVIDIA/open-gpu-kernel-modules README.md, negativo17/nvidia-driver#158,
//! <https://learn.microsoft.com/azure/virtual-machines/linux/n-series-driver-setup>,
//! <https://documentation.ubuntu.com/server/how-to/graphics/install-nvidia-drivers/>,
//! <https://docs.nvidia.com/datacenter/tesla/fabric-manager-user-guide/>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::Facts,
    installed::Unsupported,
    judge,
    knowledge::{DriverKind, branch},
    targets::{
        self, Card,
        driver::{self, ImageDriver, Installed},
    },
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Targets, Source::Platform, Source::Module, Source::Installation, Source::NextBoot],
    needs: &[],
    severity: Severity::Unusable,
    who: Who::ImageBaker,
    judge: judge_all,
};

/// The service that joins GPUs by NVSwitches.
const FABRIC: &str = "nvidia-fabricmanager";

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    targets::each_card(facts, knowledge, |card| vec![judge_card(facts, knowledge, card)])
}

fn judge_card(facts: &Facts, knowledge: &Knowledge, card: Card<'_>) -> Finding {
    let host = Subject::Host;
    let about = |finding: Finding| finding.with("target", card.target.name).with("gpu", card.name);
    let installed = match driver::of_image(facts) {
        ImageDriver::Untold(why) => return Finding::unknown(host, format!("the driver in the image: {why}")),
        ImageDriver::Hosts => {
            return Finding::not_applicable(host, "an image of a container: its host brings the driver");
        }
        ImageDriver::Missing => {
            let missing =
                Finding::fail(host, format!("no NVIDIA driver is installed for {}", card.described()));
            return about(driver::install(facts, knowledge, card, missing.variant("missing")));
        }
        ImageDriver::Is(installed) => installed,
    };
    if let Some(finding) = wrong_kind(facts, card, &installed) {
        return about(driver::install(facts, knowledge, card, finding));
    }
    if let Some(finding) = other_than_hosts(facts, card, &installed) {
        return about(finding);
    }
    let Some(row) = knowledge.architecture(card.architecture) else {
        return Finding::unknown(host, format!("the tables do not know {} cards", card.architecture));
    };
    let label = installed.label();
    let summary = match installed.supports(row) {
        None => {
            return Finding::unknown(
                host,
                "no file and no package tells the version of the driver in the image",
            );
        }
        Some(Ok(())) => {
            if let Some(finding) = without_fabric(facts, card, &installed) {
                return about(finding);
            }
            let linux = installed.linux.map_or_else(String::new, |linux| format!(", for Linux {linux}"));
            return Finding::pass(host, format!("{label} supports {}{linux}", card.described()));
        }
        Some(Err(Unsupported::OlderThanCard(first))) => {
            format!("{label}: {} needs branch {first} or newer", card.described())
        }
        Some(Err(Unsupported::Dropped(last))) => {
            format!("{label}: branch {last} is the last for {}", card.described())
        }
        Some(Err(Unsupported::NeedsProprietary)) => {
            format!("{label} has the open module, and {} needs the proprietary one", card.described())
        }
        Some(Err(Unsupported::NeedsOpen)) => {
            format!("{label} has the proprietary module, and {} needs the open one", card.described())
        }
    };
    let finding = judge::uninstall_driver(facts, Finding::fail(host, summary));
    about(driver::install(facts, knowledge, card, finding))
}

/// The GPUs of the size are joined by NVSwitches, and nothing in the image joins them: CUDA returns 802 there.
fn without_fabric(facts: &Facts, card: Card<'_>, installed: &Installed<'_>) -> Option<Finding> {
    if !card.target.machine.fabric {
        return None;
    }
    let host = Subject::Host;
    let Some(installation) = facts.installation.seen() else {
        return Some(Finding::unknown(host, format!("the fabric manager: {}", facts.installation.why_not())));
    };
    let (state, command) = match installation.service(FABRIC) {
        Some(service) if service.masked => {
            ("is masked", Some(format!("sudo systemctl unmask {FABRIC} && sudo systemctl enable {FABRIC}")))
        }
        Some(service) if service.enabled => return None,
        Some(_) => ("is not enabled", Some(format!("sudo systemctl enable {FABRIC}"))),
        None => {
            let branch = installed.version.and_then(branch).filter(|_| judge::is_ubuntu(facts));
            let install =
                |branch| format!("sudo apt install -y {FABRIC}-{branch} && sudo systemctl enable {FABRIC}");
            ("is not installed", branch.map(install))
        }
    };
    let summary = format!("NVSwitches join the GPUs of {}, and {FABRIC} {state}", card.target.name);
    let finding = Finding::fail(host, summary).variant("fabric");
    let finding = command.into_iter().fold(finding, Finding::run);
    Some(finding.see("https://docs.nvidia.com/datacenter/tesla/fabric-manager-user-guide/"))
}

/// A driver for virtual GPUs where the size has a whole one, or the other way round.
fn wrong_kind(facts: &Facts, card: Card<'_>, installed: &Installed<'_>) -> Option<Finding> {
    let label = installed.label();
    let finding = match (card.target.machine.driver?, installed.grid) {
        (DriverKind::Grid, false) => {
            // Whether it is GRID's is told by the files around it.
            facts.installation.seen()?;
            let summary = format!("{label} is no GRID driver, and {} works with no other", card.described());
            Finding::fail(Subject::Host, summary).variant("grid")
        }
        (DriverKind::Cuda, true) => {
            let summary =
                format!("{label}, and {} works with the data centre driver alone", card.described());
            Finding::fail(Subject::Host, summary).variant("compute")
        }
        (DriverKind::Grid, true) | (DriverKind::Cuda, false) | (DriverKind::Either, _) => return None,
    };
    Some(judge::uninstall_driver(facts, finding))
}

/// A GRID driver whose branch does not go with the driver of the size's hosts, or is not known to.
fn other_than_hosts(facts: &Facts, card: Card<'_>, installed: &Installed<'_>) -> Option<Finding> {
    let (first, newest) = card.target.machine.grid_branches?;
    let branch = branch(installed.version?)?;
    let (label, name) = (installed.label(), card.described());
    if branch < first {
        let summary = format!("{label}, and the hosts of {name} take branch {first} or newer");
        let finding = judge::uninstall_driver(facts, Finding::fail(Subject::Host, summary));
        return Some(
            driver::grid(finding.variant("hosts")).because(format!("Microsoft lists branch {newest} for it")),
        );
    }
    let untold = format!("{label}, and the newest branch that the table has for {name} is {newest}");
    (branch > newest).then(|| Finding::unknown(Subject::Host, untold))
}
