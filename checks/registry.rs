//! All checks and all causes, listed by the build script from the files themselves.
//!
//! Adding one is adding a file: `LAYER/NAME.rs` with a `CHECK`, or `causes/NAME.rs` with a `CAUSE`.

use crate::{Cause, Check};
use std::{collections::BTreeMap, sync::LazyLock};

/// A check or a cause, with what its file says about it.
pub struct Registered<T: 'static> {
    /// `LAYER.NAME` for a check, the disease's name for a cause.
    pub id: &'static str,
    /// The first line of the manual: for a check, the statement that holds when healthy.
    pub title: &'static str,
    /// The manual page.
    pub manual: &'static str,
    /// The thing itself.
    pub item: &'static T,
}

include!(concat!(env!("OUT_DIR"), "/registry.rs"));

/// Every check, in the order in which a machine works: layer by layer, and none before those that it needs.
pub static CHECKS: LazyLock<Vec<&'static Registered<Check>>> = LazyLock::new(|| {
    let mut waiting: Vec<&Registered<Check>> = BY_NAME.iter().collect();
    let mut ordered: Vec<&Registered<Check>> = Vec::new();
    while !waiting.is_empty() {
        let is_ready =
            |check: &&Registered<Check>| !waiting.iter().any(|other| check.item.needs.contains(&other.id));
        // Checks that need each other would wait for ever; a test keeps them out.
        let next = waiting.remove(waiting.iter().position(is_ready).unwrap_or(0));
        ordered.push(next);
    }
    ordered
});

/// The position of a check among all: the order in which a machine works, from the bus to the framework.
pub(crate) fn position(id: &str) -> usize {
    CHECKS.iter().position(|check| check.id == id).unwrap_or(usize::MAX)
}

/// The layer of a check's id; of a layer, itself.
pub fn layer(id: &str) -> &str {
    id.split_once('.').map_or(id, |(layer, _)| layer)
}

/// The check of this id.
pub(crate) fn check(id: &str) -> Option<&'static Registered<Check>> {
    CHECKS.iter().find(|check| check.id == id).copied()
}

/// What each check needs, directly or through others. Judging asks for it some hundred times a machine.
static ALL_NEEDS: LazyLock<BTreeMap<&'static str, Vec<&'static str>>> =
    LazyLock::new(|| CHECKS.iter().map(|check| (check.id, needs_of(check))).collect());

/// Every check that this one needs, directly or through others.
pub(crate) fn all_needs(id: &str) -> &'static [&'static str] {
    ALL_NEEDS.get(id).map(Vec::as_slice).unwrap_or_default()
}

fn needs_of(of: &Registered<Check>) -> Vec<&'static str> {
    let mut found: Vec<&'static str> = Vec::new();
    let mut open = of.item.needs.to_vec();
    while let Some(need) = open.pop() {
        if !found.contains(&need) {
            found.push(need);
            open.extend(check(need).map(|check| check.item.needs).unwrap_or_default());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_manual_has_its_sections() {
        let pages = CHECKS
            .iter()
            .map(|check| (check.id, check.title, check.manual))
            .chain(CAUSES.iter().map(|cause| (cause.id, cause.title, cause.manual)));
        for (id, title, manual) in pages {
            assert!(!title.is_empty() && !title.ends_with('.'), "{id}: title {title:?}");
            for section in ["# Meaning", "# Detection", "# Fix", "# Source"] {
                assert!(manual.contains(&format!("\n{section}\n")), "{id}: no section {section}");
            }
        }
    }

    #[test]
    fn every_id_that_is_named_exists() {
        for check in CHECKS.iter() {
            for need in check.item.needs {
                assert!(super::check(need).is_some(), "{} needs {need}, which is no check", check.id);
                assert!(!all_needs(need).contains(&check.id), "{} and {need} need each other", check.id);
            }
            assert!(!check.item.reads.is_empty(), "{} reads nothing", check.id);
        }
        for cause in CAUSES {
            assert!(!cause.item.explains.is_empty(), "{} explains nothing", cause.id);
            for id in cause.item.explains {
                assert!(super::check(id).is_some(), "{} explains {id}, which is no check", cause.id);
            }
        }
    }
}
