//! The rows of the table beside the checks and causes that they name.

use super::rules;
use crate::registry::{CAUSES, CHECKS};

#[test]
fn every_row_names_what_there_is() {
    let known: Vec<&str> =
        CHECKS.iter().map(|check| check.id).chain(CAUSES.iter().map(|cause| cause.id)).collect();
    for id in rules::ids() {
        let is_meant = |known: &&str| match id.split_once('*') {
            Some((begin, end)) => known.starts_with(begin) && known.ends_with(end),
            None => **known == *id,
        };
        assert!(known.iter().any(is_meant), "nothing is called {id}");
    }
}
