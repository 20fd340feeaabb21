//! A driver that is too old for a TensorFlow.

use super::Gpu;
use crate::{
    Finding, Knowledge, Outcome, Verdict,
    fact::{Facts, Place, Python, TensorFlow},
    judge,
};

/// Each Python whose TensorFlow wants a newer driver, with what helps there.
pub(crate) fn too_old(facts: &Facts, knowledge: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    super::outcomes(outcomes, "frameworks.driver_runs_tensorflow", Verdict::Fail)
        .filter_map(|outcome| {
            let (python, found) = super::python_of(facts, &outcome.subject)?;
            Some(advise(facts, knowledge, python, found, crate::judge::retold(outcome)))
        })
        .collect()
}

fn advise(
    facts: &Facts,
    knowledge: &Knowledge,
    python: &Python,
    found: &TensorFlow,
    finding: Finding,
) -> Finding {
    let cuda = super::cuda(knowledge, found).unwrap_or_default();
    let least = knowledge.driver_for_cuda(cuda);
    let wants = |least: &String| format!("CUDA {}.{} wants driver {least} or newer", cuda.0, cuda.1);
    let finding = finding
        .because(installed(facts).map(|version| format!("driver {version}")).unwrap_or_default())
        .because(least.as_ref().map(wants).unwrap_or_default())
        .with("framework", found.label());
    let too_old = |gpu: &&Gpu| {
        let newest = knowledge
            .architecture_of_capability(gpu.capability)
            .and_then(|architecture| knowledge.newest_driver(architecture));
        let least = least.as_deref().and_then(crate::knowledge::branch);
        matches!((newest, least), (Some(newest), Some(least)) if newest.branch < least)
    };
    if let Some(gpu) = super::gpus(facts, knowledge).iter().find(too_old) {
        let finding = super::install_fitting(knowledge, python, gpu, finding);
        return if finding.advice.commands.is_empty() { finding } else { finding.variant("last_driver") };
    }
    if judge::in_container(facts) || facts.place() == Place::Wsl {
        return judge::for_place(facts, finding);
    }
    judge::install_driver(facts, knowledge, finding)
}

fn installed(facts: &Facts) -> Option<String> {
    facts.module.seen()?.version.clone()
}
