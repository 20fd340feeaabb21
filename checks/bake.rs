//! Whether an image is good for the machines that it is meant for: the profile of a pipeline.
//!
//! Invariant: what could not be tried here is never passed for good.

use crate::{Knowledge, Report, Selection, diagnose, fact::Facts};

/// Layers that the profile does not judge: a pipeline has no class.
const OTHERS: [&str; 2] = ["load", "classroom"];

/// Judges an image. Any facts give a report.
pub(crate) fn bake(facts: &Facts, knowledge: &Knowledge, selection: &Selection) -> Report {
    let is_other = |id: &str| id.split_once('.').is_some_and(|(layer, _)| OTHERS.contains(&layer));
    let (judged, named) = diagnose::conclude(facts, knowledge, |id| !is_other(id) && selection.judges(id));
    diagnose::verdict_of(facts, knowledge, judged, named, "bake")
}
