//! The words for what changed since a template was saved.

use super::Phrase;
use serde::Deserialize;

/// What changed since a template was saved.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DriftWords {
    /// Before what changed: `{date}`.
    pub since: Phrase,
    /// Nothing did: `{date}`.
    pub nothing: Phrase,
    /// Nothing did that is about the GPU: `{date}`.
    pub nothing_of_it: Phrase,
    /// Something is another: `{subject}`, `{from}`, `{to}`.
    pub changed: Phrase,
    /// Something has come: `{subject}`, `{to}`.
    pub came: Phrase,
    /// Something is gone: `{subject}`, `{from}`.
    pub went: Phrase,
    /// Where it is: `{subject}`, `{place}`.
    pub in_place: Phrase,
    /// Who did it: `{who}`.
    pub by: Phrase,
    /// Not root asked for it.
    pub user: String,
    /// An installer whose command is not known: `{installer}`, `{names}`.
    pub asked_for: Phrase,
    /// A time in the zone of the machine: `{time}`.
    pub local_time: Phrase,
    /// What the first line of the report says follows from it.
    pub why: String,
    /// What follows from it: `{title}`.
    pub explains: Phrase,
    /// What it may have to do with: `{title}`.
    pub may_explain: Phrase,
    /// A root that was there before: `{title}`.
    pub already: Phrase,
    /// A root that no change explains: `{title}`.
    pub unexplained: Phrase,
    /// A root of which nobody knows whether it was there before: `{title}`.
    pub unknown: Phrase,
    /// Packages that have nothing to do with a GPU: `{count}`, `{place}`.
    pub others: Phrase,
    /// Before what could not be compared.
    pub untold: String,
    /// What things are called.
    pub what: WhatWords,
}

/// What things that change are called.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WhatWords {
    /// The module of the driver that is loaded.
    pub driver: String,
    /// The libraries of the driver.
    pub driver_libraries: String,
    /// Linux.
    pub linux: String,
    /// The operating system.
    pub os: String,
    /// The GPUs.
    pub gpu: String,
    /// The size of the virtual machine.
    pub size: String,
    /// A setting: `{name}`.
    pub setting: Phrase,
    /// An environment of Python: `{name}`.
    pub environment: Phrase,
    /// All environments.
    pub environments: String,
    /// A notebook kernel: `{name}`.
    pub kernelspec: Phrase,
    /// All notebook kernels.
    pub kernelspecs: String,
    /// A variable: `{name}`.
    pub variable: Phrase,
    /// A package: `{name}`.
    pub package: Phrase,
    /// All packages of the system.
    pub packages: String,
    /// Where packages are that are in no environment.
    pub system: String,
}
