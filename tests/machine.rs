//! The machines of which facts are given, for the tests that judge them.

use gpucheck_checks::fact::Facts;
use gpucheck_machines::{Kind, expect::Expected, facts, folder, names};
use std::path::PathBuf;

/// A machine.
pub(crate) struct Machine {
    pub(crate) name: String,
    pub(crate) facts: Facts,
    pub(crate) expect: Expected,
}

impl Machine {
    /// Every machine, by name.
    pub(crate) fn all() -> Vec<Self> {
        names(&folder(), Kind::Facts).iter().map(|name| Self::load(name)).collect()
    }

    /// The machine of this name.
    pub(crate) fn load(name: &str) -> Self {
        let facts::Machine { name, facts, expect } =
            facts::Machine::load(&folder(), name).unwrap_or_else(|error| panic!("{error}"));
        Self { name, facts, expect }
    }

    /// Where its files lie.
    pub(crate) fn folder(&self) -> PathBuf {
        folder().join(&self.name)
    }
}

/// Facts of a machine on which everything works. Tests break it.
pub(crate) fn healthy() -> Facts {
    Machine::load("t4-535").facts
}
