//! Whether a template is ready to be published: the profile of a machine that many will be made from.
//!
//! Invariants: what is wrong today and what will break after the next boot, update or clone count alike; what could not be
//! told, was not looked at or was left out is never ready; every reason that holds a template back is named.

#[cfg(test)]
mod tests;

use crate::{
    Knowledge, MachineVerdict, Report, Root, Selection, Severity, Subject, Unverified, Usable,
    class::ClassSummary,
    diagnose::{self},
    fact::{Facts, Observed},
    registry::{CHECKS, layer},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Layers that the profile does not judge: they answer other questions.
const OTHERS: [&str; 2] = ["load", "target"];
/// Layers that tell of what comes after.
const LATER: [&str; 4] = ["next_boot", "updates", "clones", "classroom"];
/// The one of them that must be told before an image leaves: every clone boots.
const NEEDED: &str = "next_boot";

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

/// What holds a template back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Hold {
    /// The root's or the check's id; of what was not looked at at all, the layer.
    pub id: String,
    /// What it is about.
    pub subject: Subject,
    /// It failed: a root says how. Otherwise it could not be told.
    pub failed: bool,
}

/// Judges a template. Any facts give a report.
pub(crate) fn publish(facts: &Facts, knowledge: &Knowledge, selection: &Selection) -> Report {
    let is_asked = |id: &str| !OTHERS.contains(&layer(id)) && selection.judges(id);
    let (judged, named) = diagnose::conclude(facts, knowledge, is_asked);
    let failed: Vec<bool> = named.iter().map(|named| diagnose::has_failed(&judged, named)).collect();
    let mut report = diagnose::verdict_of(facts, knowledge, judged, named, "publish");
    report.unverified.extend(not_looked_at(facts));
    let holds = holds(&mut report, &failed);
    report.unverified.extend(left_out(selection));
    let readiness = readiness(&report, &holds);
    Report { readiness: Some(readiness), holds, class: ClassSummary::of(facts), ..report }
}

/// What holds it back, and the roots among it moved to the front: the first root is the answer.
fn holds(report: &mut Report, failed: &[bool]) -> Vec<Hold> {
    let roots = std::mem::take(&mut report.roots);
    let with_failed = roots.into_iter().zip(failed.iter().copied());
    let (holding, others): (Vec<_>, Vec<_>) =
        with_failed.partition(|(root, failed)| *failed && is_in_the_way(report, root));
    let of_root =
        |(root, _): &(Root, bool)| Hold { id: root.id.clone(), subject: root.subject.clone(), failed: true };
    let mut holds: Vec<Hold> = holding.iter().map(of_root).collect();
    report.roots = holding.into_iter().chain(others).map(|(root, _)| root).collect();
    let is_incomplete = report.verdict == MachineVerdict::Incomplete;
    let is_needed = |untold: &&Unverified| is_incomplete || layer(&untold.id) == NEEDED;
    let of_untold =
        |untold: &Unverified| Hold { id: untold.id.clone(), subject: untold.subject.clone(), failed: false };
    holds.extend(report.unverified.iter().filter(is_needed).map(of_untold));
    holds
}

/// Whether nobody should publish with this: it breaks the GPU now or later, or a kernel that students will pick.
fn is_in_the_way(report: &Report, root: &Root) -> bool {
    let is_of_kernel = |subject: &Subject| matches!(subject, Subject::Notebook(_));
    let mut kernels = report.usable_from.iter().filter(|row| is_of_kernel(&row.subject));
    match root.severity {
        Severity::BreaksLater => true,
        Severity::Degraded => kernels.any(|row| {
            let is_reason = |of: &crate::RootReference| of.id == root.id && of.subject == root.subject;
            row.usable == Usable::No && row.root.as_ref().is_some_and(is_reason)
        }),
        Severity::Unusable => {
            // Of a Python that no kernel starts students do not hear, where there is a kernel that works.
            let is_aside = report.usable_from.iter().any(|row| row.subject == root.subject)
                && matches!(root.subject, Subject::Python(_))
                && kernels.any(|row| row.usable == Usable::Yes);
            !is_aside
        }
    }
}

fn readiness(report: &Report, holds: &[Hold]) -> Readiness {
    let is_told = matches!(report.verdict, MachineVerdict::Usable | MachineVerdict::Degraded);
    if !holds.is_empty() || !is_told {
        Readiness::NotReady
    } else if report.verdict == MachineVerdict::Usable
        && report.roots.is_empty()
        && report.unverified.is_empty()
    {
        Readiness::Ready
    } else {
        Readiness::ReadyWithWarnings
    }
}

/// What this question asks for and nobody looked at, as in facts that an older gpucheck took.
fn not_looked_at(facts: &Facts) -> Vec<Unverified> {
    [
        ("next_boot", why_not(&facts.next_boot)),
        ("updates", why_not(&facts.updates)),
        ("clones", why_not(&facts.clones)),
        ("classroom", why_not(&facts.classroom)),
    ]
    .into_iter()
    .filter_map(|(layer, why)| Some(Unverified::of_machine(layer, &why?)))
    .collect()
}

/// What was left out on purpose, a line for each layer.
fn left_out(selection: &Selection) -> Vec<Unverified> {
    let of_layer = |later: &&str| {
        let checks = CHECKS.iter().map(|check| check.id).filter(|id| layer(id) == *later);
        let left: Vec<&str> = checks.filter(|id| !selection.judges(id)).collect();
        let why = format!("left out by --only or --skip: {}", left.join(", "));
        (!left.is_empty()).then(|| Unverified::of_machine(later, &why))
    };
    LATER.iter().filter_map(of_layer).collect()
}

fn why_not<T>(source: &Observed<T>) -> Option<String> {
    matches!(source, Observed::NotProbed { .. }).then(|| source.why_not())
}
