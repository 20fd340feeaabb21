//! `/var/log/dpkg.log`: what was installed past apt.
//!
//! Source: dpkg, src/common/dpkg.h and log.c, dpkg(1) "FILES"; times are local ones.

use super::{is_since, local, logs, version, without_architecture};
use crate::{probe::installation::is_ours, root::Root};
use gpucheck_checks::fact::{Event, Installer, PackageChange};

const LOG: &str = "/var/log/dpkg.log";

/// Its runs from a day on, with what is `untold` elsewhere.
pub(super) fn events(root: &Root, since: &str, untold: impl Fn(&PackageChange) -> bool) -> Vec<Event> {
    let mut events = Vec::new();
    for (path, text) in logs::texts(root, LOG) {
        let is_last = text.lines().find_map(at).is_some_and(|(at, _)| !is_since(&at, since));
        events.extend(of_log(&path, &text, since, &untold));
        if is_last {
            break;
        }
    }
    events
}

fn of_log(path: &str, text: &str, since: &str, untold: impl Fn(&PackageChange) -> bool) -> Vec<Event> {
    let mut events: Vec<Event> = Vec::new();
    let mut starts = true;
    for (at, rest) in text.lines().filter_map(at).filter(|(at, _)| is_since(at, since)) {
        if rest.starts_with("startup ") {
            starts = true;
        }
        let Some(change) = change(rest).filter(|change| is_ours(&change.package) && untold(change)) else {
            continue;
        };
        match events.last_mut().filter(|_| !starts) {
            Some(event) => event.changes.push(change),
            None => events.push(event(at, path, change)),
        }
        starts = false;
    }
    events
}

fn event(at: String, path: &str, change: PackageChange) -> Event {
    Event {
        at,
        by: Installer::Dpkg,
        log: path.to_owned(),
        command: None,
        by_user: None,
        environment: None,
        asked_for: Vec::new(),
        changes: vec![change],
        others: 0,
    }
}

/// The time of a line, and what follows.
fn at(line: &str) -> Option<(String, &str)> {
    let (day, rest) = line.split_once(' ')?;
    let (time, rest) = rest.split_once(' ')?;
    Some((local(day, time)?, rest))
}

/// `upgrade NAME:ARCH OLD NEW`, `install NAME:ARCH <none> NEW`, `remove NAME:ARCH OLD <none>`.
fn change(rest: &str) -> Option<PackageChange> {
    let mut words = rest.split(' ');
    let action = words.next()?;
    if !matches!(action, "install" | "upgrade" | "remove" | "purge") {
        return None;
    }
    let (name, from, to) = (words.next()?, words.next()?, words.next()?);
    Some(PackageChange {
        package: without_architecture(name).to_owned(),
        from: version(from),
        to: version(to).filter(|_| matches!(action, "install" | "upgrade")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "2026-11-24 10:12:00 startup archives unpack
2026-11-24 10:12:00 upgrade libnvidia-compute-535:amd64 535.161.08-0ubuntu1 535.183.01-0ubuntu1
2026-11-24 10:12:00 status half-configured libnvidia-compute-535:amd64 535.161.08-0ubuntu1
2026-11-24 10:12:01 startup packages configure
2026-11-24 10:12:01 configure libnvidia-compute-535:amd64 535.183.01-0ubuntu1 <none>
garbled
2026-11-24 10:13:00 startup packages remove
2026-11-24 10:13:00 remove nvidia-utils-535:amd64 535.161.08-0ubuntu1 <none>
2026-11-24 10:13:00 install curl:amd64 <none> 7.81.0
";

    #[test]
    fn each_run_is_told_with_what_it_changed() {
        let events = of_log(LOG, TEXT, "", |_| true);
        let told: Vec<_> = events
            .iter()
            .map(|event| {
                (event.at.as_str(), event.changes[0].package.as_str(), event.changes[0].to.as_deref())
            })
            .collect();
        assert_eq!(
            told,
            [
                ("2026-11-24T10:12:00", "libnvidia-compute-535", Some("535.183.01-0ubuntu1")),
                ("2026-11-24T10:13:00", "nvidia-utils-535", None)
            ]
        );
        assert!(of_log(LOG, TEXT, "2026-11-25", |_| true).is_empty());
        assert!(of_log(LOG, TEXT, "", |_| false).is_empty());
    }
}
