//! When a change was made and by whom: the newest run in the logs that left what is there now.

use super::{By, Change, What};
use crate::fact::{Event, Facts, Installer, PackageChange};

/// Adds what the logs tell.
pub(super) fn attach(changes: &mut [Change], now: &Facts) {
    let Some(inventory) = now.inventory.seen() else { return };
    let Some(history) = inventory.history.seen() else { return };
    for change in changes {
        let made = history.events.iter().find(|event| made(event, change));
        change.when = made.map(|event| event.at.clone());
        change.by = made.map(|event| By {
            installer: event.by,
            command: event.command.clone(),
            asked_for: asked_for(event, &change.subject),
            by_user: event.by_user,
            log: event.log.clone(),
        });
    }
}

/// What was asked for by name that brought this: itself, else all of it; where the command is known that tells.
fn asked_for(event: &Event, package: &str) -> Vec<String> {
    if event.command.is_some() {
        Vec::new()
    } else if event.asked_for.iter().any(|name| name == package) {
        vec![package.to_owned()]
    } else {
        event.asked_for.clone()
    }
}

fn made(event: &Event, change: &Change) -> bool {
    let of_system = event.environment.is_none();
    match change.what {
        What::Driver | What::DriverLibraries => {
            of_system && event.changes.iter().any(|package| is_driver(package, change.to.as_deref()))
        }
        What::Linux => {
            of_system && event.changes.iter().any(|package| is_linux(package, change.to.as_deref()))
        }
        What::Package => {
            let here = match &change.place {
                None => of_system && event.by != Installer::Nvidia,
                Some(place) => event.environment.as_ref() == Some(place),
            };
            let left = |package: &PackageChange| package.package == change.subject && package.to == change.to;
            here && event.changes.iter().any(left)
        }
        What::Environment => {
            // That it came into being is what its first run did.
            let is_first =
                event.changes.iter().any(|package| package.package == "python" && package.from.is_none());
            change.from.is_none()
                && event.environment == change.place
                && event.by == Installer::Conda
                && is_first
        }
        What::Os | What::Gpu | What::Size | What::Setting | What::Kernelspec | What::Variable => false,
    }
}

/// A package of the driver that left this version of it, or took it away.
fn is_driver(package: &PackageChange, version: Option<&str>) -> bool {
    let is_nvidia = package.package.contains("nvidia");
    let version = version.map(|version| version.split(' ').next().unwrap_or(version));
    is_nvidia
        && match (version, &package.to) {
            (None, None) => true,
            (Some(version), Some(to)) => {
                let to = to.split_once(':').map_or(to.as_str(), |(_, to)| to);
                to.strip_prefix(version).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_digit()))
            }
            (_, _) => false,
        }
}

/// The package that brought this release of Linux.
fn is_linux(package: &PackageChange, release: Option<&str>) -> bool {
    let (Some(release), true) = (release, package.to.is_some()) else { return false };
    ["linux-image-", "linux-image-unsigned-", "linux-modules-"]
        .iter()
        .any(|before| package.package.strip_prefix(before) == Some(release))
}
