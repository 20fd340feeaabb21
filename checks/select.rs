//! Which checks are asked for.

use crate::{
    Source,
    registry::{self, CHECKS},
};
use std::collections::BTreeSet;

/// A choice among all checks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selection {
    only: Vec<String>,
    skip: Vec<String>,
}

/// An id that is neither a check nor a layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownId(pub String);

impl Selection {
    /// The checks named in `only` (all where it is empty) with everything they need, less those in `skip`.
    /// A name is a check's id or a layer.
    ///
    /// # Errors
    /// The first name that is neither.
    pub fn new(only: Vec<String>, skip: Vec<String>) -> Result<Self, UnknownId> {
        for name in only.iter().chain(&skip) {
            if !CHECKS.iter().any(|check| names(name, check.id)) {
                return Err(UnknownId(name.clone()));
            }
        }
        Ok(Self { only, skip })
    }

    /// Whether this check is to be judged.
    pub fn judges(&self, id: &str) -> bool {
        if self.skip.iter().any(|name| names(name, id)) {
            return false;
        }
        self.only.is_empty()
            || self.is_asked_for(id)
            || CHECKS
                .iter()
                .filter(|check| self.is_asked_for(check.id))
                .any(|check| registry::all_needs(check.id).contains(&id))
    }

    /// The sources that the judged checks read, and those that tell what to make of them. A machine is watched for some
    /// seconds only where that is asked for by itself.
    pub fn sources(&self) -> BTreeSet<Source> {
        let read = CHECKS.iter().filter(|check| self.judges(check.id)).flat_map(|check| check.item.reads);
        read.copied().filter(|source| !Source::ASKED_FOR.contains(source)).collect()
    }

    fn is_asked_for(&self, id: &str) -> bool {
        self.only.iter().any(|name| names(name, id))
    }
}

/// Whether this name, a check's id or a layer, names that check.
fn names(name: &str, id: &str) -> bool {
    name == id || name == registry::layer(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_comes_along() {
        let only = Selection::new(vec!["driver.initializes".to_owned()], Vec::new()).unwrap();
        assert!(only.judges("driver.initializes") && only.judges("pci.gpu_present"));
        assert!(!only.judges("frameworks.tensorflow_imports"));
        assert!(!only.sources().contains(&Source::Frameworks));
    }

    #[test]
    fn a_layer_stands_for_its_checks() {
        let skip = Selection::new(Vec::new(), vec!["frameworks".to_owned()]).unwrap();
        assert!(!skip.judges("frameworks.tensorflow_imports") && skip.judges("nvml.initializes"));
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        assert_eq!(
            Selection::new(vec!["driver.initialises".to_owned()], Vec::new()),
            Err(UnknownId("driver.initialises".to_owned()))
        );
    }
}
