//! What package managers and installers noted of what they did: apt, dpkg, conda, pip and NVIDIA's installer.
//!
//! Invariants: times are as the log has them, no zone is made up; a command line loses passwords and tokens; who asked is
//! told as an ordinary user or root, never by name.

mod apt;
mod conda;
mod dpkg;
mod logs;
mod runfile;
mod wheels;

use crate::root::Root;
use gpucheck_checks::fact::{Event, History, Stock};
use std::{collections::BTreeSet, time::Instant};

/// Most runs that are told, the newest.
const MOST: usize = 500;
/// Most packages that all of them together are told to have changed.
const MOST_CHANGES: usize = 20_000;

/// Reads every log from this day on (`2026-11-19`; empty: all), and the files of these environments.
pub(super) fn read<'a>(
    root: &Root,
    since: &str,
    environments: impl Iterator<Item = (&'a str, &'a Stock)>,
    until: Instant,
) -> History {
    let mut events = apt::events(root, since);
    let told: BTreeSet<(String, Option<String>)> = events
        .iter()
        .flat_map(|event| &event.changes)
        .map(|change| (change.package.clone(), change.to.clone()))
        .collect();
    events.extend(dpkg::events(root, since, |change| {
        !told.contains(&(change.package.clone(), change.to.clone()))
    }));
    events.extend(runfile::event(root));
    let mut more = false;
    for (name, stock) in environments {
        if Instant::now() >= until {
            more = true;
            break;
        }
        events.extend(conda::events(root, name, since));
        events.extend(wheels::events(root, name, stock, since));
    }
    events.retain(|event| is_since(&event.at, since));
    events.sort_by(|a, b| b.at.cmp(&a.at));
    bounded(events, more)
}

fn bounded(events: Vec<Event>, more: bool) -> History {
    let mut history = History { events: Vec::new(), more };
    let mut changes = 0;
    for event in events {
        changes += event.changes.len();
        if history.events.len() >= MOST || changes > MOST_CHANGES {
            history.more = true;
            break;
        }
        history.events.push(event);
    }
    history
}

/// Whether a time is on this day or later.
fn is_since(at: &str, since: &str) -> bool {
    since.is_empty() || at.get(..since.len()).is_some_and(|day| day >= since)
}

/// `2026-11-24` and `10:12:00` as a time without an offset; none where that is no time.
fn local(day: &str, time: &str) -> Option<String> {
    let at = format!("{day}T{time}");
    at.parse::<jiff::civil::DateTime>().is_ok().then_some(at)
}

/// A package without its architecture: `libc6:amd64`.
fn without_architecture(name: &str) -> &str {
    name.split_once(':').map_or(name, |(name, _)| name)
}

/// What dpkg and apt write for no version.
fn version(text: &str) -> Option<String> {
    (!text.is_empty() && text != "<none>").then(|| text.to_owned())
}
