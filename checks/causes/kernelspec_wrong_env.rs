//! A notebook kernel runs in another Python than the one that is meant.
//!
//! # Meaning
//! A notebook runs in the Python that its kernel's `kernel.json` names. The shell's own is of no matter to it: TensorFlow
//! may work there while the notebook says "No module named 'tensorflow'", or while the kernel does not start at all
//! because its environment is gone. Or it is called after one environment and starts another.
//!
//! # Detection
//! The Python in a `kernel.json` is gone; or all kernels for Python run in environments without a framework for CUDA
//! while the active one has it; or a kernel that is named after an environment and leads to another.
//!
//! # Fix
//! Install a kernel from the environment that is meant, and remove those that lead nowhere.
//!
//! # Source
//! jupyter/notebook#5054, #3146, jupyter/jupyter#270, ContinuumIO/anaconda-issues#10473

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Verdict, Who,
    fact::{Facts, Program, ProgramState},
    judge::{self, quoted},
    jupyter, wheels,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &[
        "notebooks.interpreter_exists",
        "notebooks.names_its_environment",
        "notebooks.reaches_framework",
    ],
    severity: Severity::Degraded,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let gone = outcomes.iter().filter_map(|outcome| gone(facts, outcome));
    let unreached =
        wheels::failed(facts, outcomes, "notebooks.reaches_framework").map(|(python, finding)| {
            let prefix = jupyter::prefix(python).unwrap_or_default();
            let finding = finding.variant("unreached").with("prefix", prefix);
            jupyter::install(finding, python, &jupyter::name_after(prefix), "")
        });
    let misnamed = outcomes.iter().filter_map(|outcome| misnamed(facts, outcome));
    gone.chain(unreached).chain(misnamed).collect()
}

fn misnamed(facts: &Facts, outcome: &Outcome) -> Option<Finding> {
    if outcome.id != "notebooks.names_its_environment" || outcome.verdict != Verdict::Warn {
        return None;
    }
    let kernel = jupyter::kernel_of(facts, &outcome.subject)?;
    let other = jupyter::named_after(facts, kernel)?;
    let prefix = kernel.environment.as_ref().map(|there| there.prefix.clone())?;
    let shown = kernel.spec.seen()?.display_name.as_ref().unwrap_or(&kernel.name);
    let (python, name) = (quoted(&format!("{other}/bin/python")), quoted(&kernel.name));
    let finding = judge::retold(outcome)
        .variant("misnamed")
        .with("shown", shown.clone())
        .with("prefix", prefix)
        .with("other", other)
        .run(format!("{python} -m ipykernel install --user --name {name} --display-name {}", quoted(shown)));
    Some(finding.accounting_for(&outcome.id, &outcome.subject))
}

fn gone(facts: &Facts, outcome: &Outcome) -> Option<Finding> {
    if outcome.id != "notebooks.interpreter_exists" || outcome.verdict != Verdict::Fail {
        return None;
    }
    let kernel = jupyter::kernel_of(facts, &outcome.subject)?;
    let Program::File { path, state: ProgramState::Missing } = &kernel.program else { return None };
    let finding = Finding::fail(outcome.subject.clone(), outcome.summary.clone())
        .because(format!("{}/kernel.json", kernel.folder))
        .with("program", path.clone());
    let finding = finding.run(format!("rm -r {}", quoted(&kernel.folder)));
    // A kernel of the same name from the active environment takes its place.
    let active = facts.pythons().find(|python| python.interpreter.seen().is_some());
    Some(match active {
        Some(python) => jupyter::install(finding, python, &kernel.name, ""),
        None => finding,
    })
}
