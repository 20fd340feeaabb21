//! `/var/log/apt/history.log`: what was asked of apt, and what it changed.
//!
//! Source: apt-pkg/deb/dpkgpm.cc, `pkgDPkgPM::OpenLog` and `WriteHistoryTag`; times are local ones.

use super::{local, logs, version, without_architecture};
use crate::{probe::installation::is_ours, root::Root};
use gpucheck_checks::fact::{Event, Installer, PackageChange};

const LOG: &str = "/var/log/apt/history.log";

/// Its runs from a day on.
pub(super) fn events(root: &Root, since: &str) -> Vec<Event> {
    let mut events = Vec::new();
    for (path, text) in logs::texts(root, LOG) {
        let of_log: Vec<Event> = text.split("\n\n").filter_map(|block| event(block, &path)).collect();
        let is_old = |event: &Event| !super::is_since(&event.at, since);
        // What lies before the first run of this day is in older logs.
        let is_last = of_log.first().is_some_and(is_old);
        events.extend(of_log.into_iter().filter(|event| !is_old(event)));
        if is_last {
            break;
        }
    }
    events
}

/// One paragraph; none where it is cut off or garbled, or has nothing that matters.
fn event(block: &str, path: &str) -> Option<Event> {
    let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
    let start = field("Start-Date")?;
    let (day, time) = start.trim().split_once(' ')?;
    let mut event = Event {
        at: local(day, time.trim())?,
        by: Installer::Apt,
        log: path.to_owned(),
        command: field("Commandline").map(logs::command),
        by_user: field("Requested-By").map(|who| !who.contains("(0)")),
        environment: None,
        asked_for: Vec::new(),
        changes: Vec::new(),
        others: 0,
    };
    for (name, removes) in [
        ("Install", false),
        ("Reinstall", false),
        ("Upgrade", false),
        ("Downgrade", false),
        ("Remove", true),
        ("Purge", true),
    ] {
        for package in field(name).into_iter().flat_map(packages) {
            match change(package, removes) {
                Some(change) if is_ours(&change.package) => event.changes.push(change),
                _ => event.others = event.others.saturating_add(1),
            }
        }
    }
    (!event.changes.is_empty()).then_some(event)
}

/// `NAME:ARCH (VERSIONS), NAME:ARCH (VERSIONS)`.
fn packages(list: &str) -> impl Iterator<Item = &str> {
    list.split("), ").map(|package| package.trim_end_matches(')'))
}

/// `NAME:ARCH (OLD, NEW`, `NAME:ARCH (NEW, automatic`, `NAME:ARCH (OLD`.
fn change(package: &str, removes: bool) -> Option<PackageChange> {
    let (name, versions) = package.split_once(" (")?;
    let mut versions = versions.split(", ").filter(|version| *version != "automatic");
    let (first, second) = (versions.next()?, versions.next());
    let (from, to) = match (removes, second) {
        (true, _) => (version(first), None),
        (false, Some(second)) => (version(first), version(second)),
        (false, None) => (None, version(first)),
    };
    Some(PackageChange { package: without_architecture(name).to_owned(), from, to })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of Ubuntu's unattended-upgrades as apt writes it, on a machine of Azure's.
    const UPGRADE: &str = "
Start-Date: 2026-11-24  06:12:31
Commandline: /usr/bin/unattended-upgrade
Install: linux-image-5.15.0-1054-azure:amd64 (5.15.0-1054.62, automatic), linux-modules-5.15.0-1054-azure:amd64 (5.15.0-1054.62, automatic)
Upgrade: linux-azure:amd64 (5.15.0.1053.48, 5.15.0.1054.49), curl:amd64 (7.81.0-1ubuntu1.14, 7.81.0-1ubuntu1.15)
End-Date: 2026-11-24  06:13:40
";

    #[test]
    fn a_run_tells_its_command_and_what_it_changed() {
        let event = event(UPGRADE, LOG).unwrap();
        assert_eq!(event.at, "2026-11-24T06:12:31");
        assert_eq!(event.command.as_deref(), Some("/usr/bin/unattended-upgrade"));
        assert_eq!((event.by_user, event.others), (None, 1));
        let told: Vec<_> = event.changes.iter().map(|change| format!("{change:?}")).collect();
        assert_eq!(told.len(), 3, "{told:?}");
        let upgraded = event.changes.iter().find(|change| change.package == "linux-azure").unwrap();
        assert_eq!(upgraded.from.as_deref(), Some("5.15.0.1053.48"));
        assert_eq!(upgraded.to.as_deref(), Some("5.15.0.1054.49"));
        let installed = &event.changes[0];
        assert_eq!((installed.from.as_ref(), installed.to.as_deref()), (None, Some("5.15.0-1054.62")));
    }

    #[test]
    fn a_removal_leaves_no_version_and_who_asked_stays_nameless() {
        let block = "Start-Date: 2026-11-24  10:12:00
Commandline: apt purge nvidia-driver-535
Requested-By: kim (1000)
Purge: nvidia-driver-535:amd64 (535.161.08-0ubuntu2.22.04.1)
End-Date: 2026-11-24  10:12:09";
        let event = event(block, LOG).unwrap();
        assert_eq!(event.by_user, Some(true));
        assert_eq!(event.changes[0].to, None);
        assert!(!format!("{event:?}").contains("kim"));
    }

    #[test]
    fn what_is_garbled_is_passed_over() {
        for block in [
            "",
            "Start-Date: yesterday\nUpgrade: nvidia-dkms:amd64 (1, 2)",
            "Start-Date: 2026-13-41  10:12:00\nUpgrade: nvidia-dkms:amd64 (1, 2)",
            "art-Date: 2026-11-24  10:12:00\nUpgrade: nvidia-dkms:amd64 (1, 2)",
            "Start-Date: 2026-11-24  10:12:00\nUpgrade: nvidia-dkms",
            "Start-Date: 2026-11-24  10:12:00\nUpgrade: curl:amd64 (1, 2)",
        ] {
            assert_eq!(event(block, LOG), None, "{block}");
        }
    }
}
