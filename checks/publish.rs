//! Whether a template is ready to be published: the profile of a machine that many will be made from.
//!
//! Invariants: what is wrong today and what will break after the next boot, update or clone count alike; what is needed and
//! could not be told is never ready.

use crate::{
    Knowledge, MachineVerdict, Report, Root, Selection, Severity, Verdict,
    class::ClassSummary,
    diagnose::{self, JudgedOutcome},
    fact::Facts,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Layers that the profile does not judge: they answer other questions.
const OTHERS: [&str; 2] = ["load", "target"];
/// Layers whose checks must be told before an image leaves: what comes after it cannot be undone.
const NEEDED: [&str; 1] = ["next_boot"];

/// Whether a template or an image may leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Readiness {
    /// It may.
    Ready,
    /// It may, and something about it will cost somebody time.
    ReadyWithWarnings,
    /// It may not.
    NotReady,
}

/// Judges a template. Any facts give a report.
pub(crate) fn publish(facts: &Facts, knowledge: &Knowledge, selection: &Selection) -> Report {
    let is_asked = |id: &str| !is_of(id, &OTHERS) && selection.judges(id);
    let (judged, named) = diagnose::conclude(facts, knowledge, is_asked);
    let readiness = readiness(&judged, &named);
    let report = diagnose::verdict_of(facts, knowledge, judged, named, "publish");
    let readiness =
        if report.verdict == MachineVerdict::Incomplete { Readiness::NotReady } else { readiness };
    Report { readiness: Some(readiness), class: ClassSummary::of(facts), ..report }
}

/// What the roots and what could not be told make of it.
fn readiness(judged: &[JudgedOutcome], named: &[(usize, Root)]) -> Readiness {
    let breaks = |(index, root): &(usize, Root)| {
        let failed = judged.get(*index).is_some_and(|judged| judged.outcome.verdict == Verdict::Fail);
        failed && matches!(root.severity, Severity::Unusable | Severity::BreaksLater)
    };
    let is_untold =
        |judged: &&JudgedOutcome| judged.outcome.verdict == Verdict::Unknown && judged.root.is_none();
    let mut untold = judged.iter().filter(is_untold).map(|judged| judged.outcome.id.as_str());
    if named.iter().any(breaks) || untold.clone().any(|id| is_of(id, &NEEDED)) {
        Readiness::NotReady
    } else if named.is_empty() && !untold.any(|id| is_of(id, &["updates", "clones", "classroom"])) {
        Readiness::Ready
    } else {
        Readiness::ReadyWithWarnings
    }
}

fn is_of(id: &str, layers: &[&str]) -> bool {
    id.split_once('.').is_some_and(|(layer, _)| layers.contains(&layer))
}
