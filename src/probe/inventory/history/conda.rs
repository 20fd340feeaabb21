//! `conda-meta/history` of an environment: conda's and mamba's commands, and what each changed.
//!
//! Source: conda, conda/history.py, `History.parse` and `write_changes`; CEP 23 draft "Structure of installed conda
//! environments"; times are local ones.

use super::{is_since, local, logs};
use crate::root::Root;
use gpucheck_checks::fact::{Event, Installer, PackageChange};
use std::collections::BTreeMap;

/// Most packages that one block is told to change.
const MOST: usize = 4096;

/// What was done to an environment from a day on.
pub(super) fn events(root: &Root, prefix: &str, since: &str) -> Vec<Event> {
    let log = format!("{prefix}/conda-meta/history");
    let text = logs::text(root, &log).unwrap_or_default();
    // What stands before the first head was cut off.
    let blocks = text
        .split("\n==> ")
        .enumerate()
        .filter_map(|(index, block)| if index == 0 { block.strip_prefix("==> ") } else { Some(block) });
    blocks.filter_map(|block| event(block, &log, prefix)).filter(|event| is_since(&event.at, since)).collect()
}

fn event(block: &str, log: &str, prefix: &str) -> Option<Event> {
    let mut lines = block.lines();
    let (day, time) = lines.next()?.strip_suffix("<==")?.trim().split_once(' ')?;
    let at = local(day, time)?;
    let mut changed: BTreeMap<String, PackageChange> = BTreeMap::new();
    let (mut command, mut asked_for) = (None, Vec::new());
    for line in lines {
        if let Some(text) = line.strip_prefix("# cmd: ") {
            command = Some(logs::command(text));
        } else if let Some((_, specs)) = line.strip_prefix("# ").and_then(|line| line.split_once(" specs: "))
        {
            asked_for.extend(names(specs));
        } else if let Some((name, version)) = line.strip_prefix('+').and_then(package) {
            let change = changed.entry(name.clone()).or_default();
            (change.package, change.to) = (name, Some(version));
        } else if let Some((name, version)) = line.strip_prefix('-').and_then(package) {
            let change = changed.entry(name.clone()).or_default();
            (change.package, change.from) = (name, Some(version));
        }
    }
    (!changed.is_empty()).then(|| Event {
        at,
        by: Installer::Conda,
        log: log.to_owned(),
        command,
        by_user: None,
        environment: Some(prefix.to_owned()),
        asked_for,
        changes: changed.into_values().take(MOST).collect(),
        others: 0,
    })
}

/// `CHANNEL/SUBDIR::NAME-VERSION-BUILD`, of old conda without what stands before the colons; the version with its build.
fn package(text: &str) -> Option<(String, String)> {
    let stem = text.rsplit_once("::").map_or(text, |(_, stem)| stem).trim();
    let (rest, build) = stem.rsplit_once('-')?;
    let (name, version) = rest.rsplit_once('-')?;
    (!name.is_empty()).then(|| (name.to_owned(), format!("{version} {build}")))
}

/// The names in `['pytorch', 'numpy=1.26']`; mamba's have double quotes.
fn names(specs: &str) -> Vec<String> {
    let quoted = specs.split(['\'', '"']).skip(1).step_by(2);
    let name = |spec: &str| {
        let spec = spec.rsplit_once("::").map_or(spec, |(_, spec)| spec);
        let end = spec.find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)));
        spec.get(..end.unwrap_or(spec.len())).unwrap_or_default().to_owned()
    };
    quoted.map(name).filter(|name| !name.is_empty()).take(MOST).collect()
}
