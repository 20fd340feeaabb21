//! Packages: of the system's driver and Linux, and of each environment; and variables of the shell.

use super::{
    What,
    compare::{Found, Thing},
};
use crate::fact::{Facts, Installation, Inventory, Observed, ProbeFailure, Stock};
use std::collections::BTreeMap;

/// Linux's number for "there is no such file".
const NOT_FOUND: i64 = 2;
/// Distributions whose packages of conda's have another name.
const OTHER_NAMES: [(&str, &str); 3] =
    [("torch", "pytorch"), ("opencv-python", "opencv"), ("tables", "pytables")];

pub(super) fn compare(before: &Facts, now: &Facts, found: &mut Found) {
    system(before, now, found);
    if let Some((was, is)) = before.inventory.seen().zip(now.inventory.seen()) {
        environments(was, is, may_tell_homes(before, now, was), found);
        found.each(What::Variable, None, &was.variables, &is.variables);
    } else {
        found.unseen(What::Environment, &before.inventory, &now.inventory);
    }
}

fn system(before: &Facts, now: &Facts, found: &mut Found) {
    // Where there was no database of packages there is nothing to miss.
    let Some(was) = before.installation.seen().filter(|was| was.packages.seen().is_some()) else { return };
    match now.installation.seen() {
        Some(is) if is.packages.seen().is_some() => {
            let [from, to] = [was, is].map(installed);
            found.each(What::Package, None, &from, &to);
        }
        Some(is) => found.unseen(What::Package, &was.packages, &is.packages),
        None => found.unseen(What::Package, &before.installation, &now.installation),
    }
}

fn installed(installation: &Installation) -> BTreeMap<String, String> {
    let packages = installation.packages().filter(|package| package.is_installed());
    packages.map(|package| (package.name.clone(), package.version.clone())).collect()
}

/// Whether an environment in a home that is new was not just out of sight: the same person looked, or homes were looked
/// into.
fn may_tell_homes(before: &Facts, now: &Facts, was: &Inventory) -> bool {
    super::same_user(before, now) || was.environments.keys().any(|name| name.starts_with("/home/"))
}

fn environments(was: &Inventory, is: &Inventory, may_tell_homes: bool, found: &mut Found) {
    for (name, before) in &was.environments {
        let Some(before) = before.seen() else { continue };
        let thing = Thing { what: What::Environment, subject: name, place: Some(name) };
        match is.environments.get(name) {
            Some(Observed::Seen(now) | Observed::Interrupted { seen: now, .. }) => {
                stock(name, before, now, found);
            }
            Some(Observed::Failed(ProbeFailure::Refused { code: NOT_FOUND, .. })) => {
                found.value(thing, Some(&python(before)), None);
            }
            Some(now @ (Observed::Failed(_) | Observed::NotProbed { .. })) => {
                found.untold(What::Environment, name, now.why_not());
            }
            None => found.untold(What::Environment, name, "it was not looked for".to_owned()),
        }
    }
    let new = is.environments.iter().filter(|(name, _)| !was.environments.contains_key(*name));
    for (name, now) in new.filter(|(name, _)| may_tell_homes || !name.starts_with("/home/")) {
        if let Some(now) = now.seen() {
            let thing = Thing { what: What::Environment, subject: name, place: Some(name) };
            found.value(thing, None, Some(&python(now)));
        }
    }
}

fn python(stock: &Stock) -> String {
    stock.version.as_ref().map_or_else(|| "Python".to_owned(), |version| format!("Python {version}"))
}

fn stock(name: &str, before: &Stock, now: &Stock, found: &mut Found) {
    if before.more || now.more {
        found.untold(What::Package, name, "it has more packages than are compared".to_owned());
    }
    let [from, to] = [before, now].map(|stock| stock.version.as_ref().map(|_| python(stock)));
    if from.is_some() && to.is_some() {
        let thing = Thing { what: What::Environment, subject: name, place: Some(name) };
        found.value(thing, from.as_deref(), to.as_deref());
    }
    let told = found.changes.len();
    found.each(What::Package, Some(name), &before.conda, &now.conda);
    let of_conda: Vec<String> =
        found.changes.iter().skip(told).map(|change| change.subject.clone()).collect();
    // What conda brought is told by conda's name, and once.
    let is_told = |name: &str| {
        let other = OTHER_NAMES.iter().find(|(known, _)| *known == name).map_or(name, |(_, other)| *other);
        of_conda.iter().any(|told| told == name || told == other)
    };
    let [from, to] = [before, now].map(|stock| {
        let own = stock.distributions.iter().filter(|(name, _)| !is_told(name));
        own.map(|(name, version)| (name.clone(), version.clone())).collect::<BTreeMap<_, _>>()
    });
    found.each(What::Package, Some(name), &from, &to);
}
