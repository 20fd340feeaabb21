//! Whether an image is good for the machines that it is meant for: the profile of a pipeline.
//!
//! Invariants: what could not be tried here is never passed for good; what asks for a GPU is not judged, let alone failed,
//! where there is none or where nothing of the image runs.

use crate::{
    Finding, Knowledge, MachineVerdict, Outcome, Report, Root, Selection, Severity, Unverified, Verdict,
    diagnose::{self, JudgedOutcome},
    fact::{Facts, Node, Place},
    registry::{CHECKS, layer},
};

/// Layers that the profile does not judge: a pipeline has no class.
const OTHERS: [&str; 2] = ["load", "classroom"];
/// Layers that ask a GPU, its driver or the Linux that runs.
const OF_GPU: [&str; 7] = ["pci", "module", "nvml", "driver", "compute", "libraries", "performance"];
/// Checks of frameworks that ask whether they compute on the GPU that is here.
const COMPUTE: [&str; 6] = [
    "frameworks.cudf_computes",
    "frameworks.cupy_computes",
    "frameworks.jax_computes",
    "frameworks.tensorflow_computes",
    "frameworks.tensorflow_lists_gpu",
    "frameworks.torch_computes",
];
/// Checks of frameworks beside the GPU and the driver that are here; of those that are not, the layer `target` tells.
const BESIDE_GPU: [&str; 6] = [
    "frameworks.driver_runs_jax",
    "frameworks.driver_runs_tensorflow",
    "frameworks.driver_runs_torch",
    "frameworks.jax_supports_gpu",
    "frameworks.tensorflow_has_code_for_gpu",
    "frameworks.torch_has_code_for_gpu",
];
/// Layers of which everything must be told before an image leaves.
const NEEDED: [&str; 4] = ["next_boot", "updates", "clones", "target"];

/// Judges an image. Any facts give a report.
pub(crate) fn bake(facts: &Facts, knowledge: &Knowledge, selection: &Selection) -> Report {
    let is_asked = |id: &str| !is_of(id, &OTHERS) && selection.judges(id);
    let why = why_untried(facts);
    let is_untried = |id: &str| why.is_some() && (is_of(id, &OF_GPU) || BESIDE_GPU.contains(&id));
    let amend = |id: &str, finding: Finding| match why {
        Some(why) if COMPUTE.contains(&id) && finding.verdict != Verdict::NotApplicable => {
            Finding::unknown(finding.subject, why)
        }
        Some(_) | None => finding,
    };
    let (judged, named) =
        diagnose::conclude_amended(facts, knowledge, |id| is_asked(id) && !is_untried(id), amend);
    let failed = has_failed(&judged, &named);
    let report = diagnose::verdict_of(facts, knowledge, judged, named, "bake");
    let layers = OF_GPU.into_iter().filter(|layer| why.is_some() && is_asked_for(layer, is_asked));
    let untried = layers.map(|layer| Unverified::of_machine(layer, why.unwrap_or_default()));
    let no_target = why.is_some() && report.targets.is_empty() && is_asked_for("target", is_asked);
    let no_target = no_target.then(|| {
        Unverified::of_machine("target", "no --target: for which GPUs the image is meant is not known")
    });
    let not_root = is_read_in_part(facts) && is_asked_for("frameworks", is_asked);
    let not_root = not_root.then(|| {
        Unverified::of_machine(
            "frameworks",
            "gpucheck did not run as root: what only root may read of the image was not seen",
        )
    });
    let in_part = facts.frameworks.seen().and(facts.frameworks.failure());
    let in_part = in_part.filter(|_| is_asked_for("frameworks", is_asked));
    let in_part = in_part.map(|by| Unverified::of_machine("frameworks", &by.to_string()));
    let own = untried.chain(no_target).chain(not_root).chain(in_part);
    let unverified: Vec<Unverified> = own.chain(report.unverified).collect();
    let is_needed = |unverified: &Unverified| is_of(&unverified.id, &NEEDED) || why.is_some();
    let verdict = if failed {
        MachineVerdict::Unusable
    } else if unverified.iter().any(is_needed) || (why.is_some() && report.verdict != MachineVerdict::Usable)
    {
        MachineVerdict::Incomplete
    } else {
        report.verdict
    };
    let layers = unverified.iter().filter(|unverified| !unverified.id.contains('.')).map(untried_layer);
    let outcomes = layers.chain(report.outcomes).collect();
    Report { verdict, outcomes, unverified, ..report }
}

/// A layer that was not tried, for those who read outcomes alone.
fn untried_layer(unverified: &Unverified) -> Outcome {
    Outcome {
        id: unverified.id.clone(),
        subject: unverified.subject.clone(),
        verdict: Verdict::Unknown,
        summary: unverified.why.clone(),
        evidence: Vec::new(),
        root: None,
    }
}

/// Why what asks for a GPU is not tried; none where it is.
fn why_untried(facts: &Facts) -> Option<&'static str> {
    if facts.are_of_image() {
        return Some("nothing of the image runs here: not tried");
    }
    let is_wsl = facts.place() == Place::Wsl && has_dxg(facts);
    let is_absent = facts.pci.seen().is_some() && facts.gpu_addresses().is_empty() && !is_wsl;
    is_absent.then_some("no GPU here: not tried")
}

/// Whether there may be folders of the image that nobody could look into.
fn is_read_in_part(facts: &Facts) -> bool {
    facts.are_of_image() && facts.platform.seen().is_none_or(|platform| platform.user.uid != 0)
}

fn has_dxg(facts: &Facts) -> bool {
    let nodes = facts.module.seen().into_iter().flat_map(|module| &module.nodes);
    nodes.into_iter().any(|node| node.path == "/dev/dxg" && matches!(node.node, Node::Character { .. }))
}

/// Whether something failed that nobody can use the image with, today or later.
fn has_failed(judged: &[JudgedOutcome], named: &[(usize, Root)]) -> bool {
    named.iter().any(|named| {
        let (_, root) = named;
        diagnose::has_failed(judged, named)
            && matches!(root.severity, Severity::Unusable | Severity::BreaksLater)
    })
}

fn is_asked_for(layer: &str, is_asked: impl Fn(&str) -> bool) -> bool {
    CHECKS.iter().any(|check| is_of(check.id, &[layer]) && is_asked(check.id))
}

/// Whether a check, or a layer by its own name, is of one of these layers.
fn is_of(id: &str, layers: &[&str]) -> bool {
    layers.contains(&layer(id))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_exists() {
        for id in COMPUTE.iter().chain(&BESIDE_GPU) {
            assert!(CHECKS.iter().any(|check| check.id == *id), "{id}");
        }
        for layer in OF_GPU {
            assert!(is_asked_for(layer, |_| true), "{layer}");
        }
    }
}
