//! What can follow from which change: the physics of it, a row each.
//!
//! A row names changes (a kind, and of packages, variables and settings which ones) and what follows: causes and checks by
//! their ids, `*` at the end for all that begin so. What is under `perhaps` may have to do with it. Whether it is about the
//! same place is judged in `explain.rs`.

mod environments;
mod machine;
mod shell;

use super::{Change, What};

/// A row.
#[derive(Debug)]
pub(super) struct Rule {
    what: &'static [What],
    /// Names, `*` at their end for all that begin so; empty for all.
    named: &'static [&'static str],
    /// In an environment, or on the whole machine; none for either.
    in_environment: Option<bool>,
    pub(super) explains: &'static [&'static str],
    pub(super) perhaps: &'static [&'static str],
}

fn all() -> impl Iterator<Item = &'static Rule> {
    machine::RULES.iter().chain(environments::RULES).chain(shell::RULES)
}

/// The rows that are about a change.
pub(super) fn about(change: &Change) -> impl Iterator<Item = &'static Rule> {
    let (what, subject, is_inside) = (change.what, change.subject.clone(), change.place.is_some());
    all().filter(move |rule| {
        rule.what.contains(&what)
            && rule.in_environment.is_none_or(|inside| inside == is_inside)
            && (rule.named.is_empty() || is_one_of(rule.named, &subject))
    })
}

/// Whether a name is one of these, or begins like one with a `*`.
pub(super) fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| match known.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => *known == name,
    })
}

/// The ids that rows name, for the test that they exist.
#[cfg(test)]
pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    all().flat_map(|rule| rule.explains.iter().chain(rule.perhaps)).copied()
}
