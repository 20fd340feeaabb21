//! A second look where the first failed: the same with `-I`, which leaves out what is the user's own. If that one works,
//! the user's packages, `PYTHONPATH` or the working directory are why the first did not. So with PyTorch, JAX, CuPy and
//! cuDF where one cannot be imported.
//!
//! Invariants: it is taken only where there is something to leave out; in isolation nothing is computed by the others.

use super::{
    Ask,
    discover::Candidate,
    heeded::deciding,
    identity::Identity,
    launch::{self, NotCarried},
    leftovers::inherited,
    said::Said,
    shadowing,
};
use gpucheck_checks::fact::{
    ArrayLibrary, Isolated, Jax, Observed, Operation, ProbeFailure, Python, TensorFlow, Torch, Way,
};
use std::{env, path::PathBuf};

/// Looks in isolation, where the look by the notebook's own rules failed.
pub(super) fn look(
    ask: &Ask,
    candidate: &Candidate,
    identity: &Identity,
    python: &Python,
    sys_path: &[String],
) -> Option<Isolated> {
    let (way, imports) = (failed_way(python), failed_imports(python));
    if way.is_none() && imports.is_empty() {
        return None;
    }
    let home = match &identity.owner {
        Some(owner) => owner.home.clone().map(PathBuf::from),
        None => inherited(&ask.environment, "HOME").map(PathBuf::from),
    };
    let here = ask.environment.folder.clone().or_else(|| env::current_dir().ok()).unwrap_or_default();
    let shadowing = shadowing::folders(sys_path, &ask.environment, home.as_deref(), &here);
    let set = |name: &std::ffi::OsString| name.to_string_lossy().starts_with("PYTHON");
    if shadowing.is_empty() && !deciding(&ask.environment).keys().any(set) {
        return None;
    }
    let mut alone = candidate.clone();
    alone.words.push("-I".into());
    let first = way.map(|way| look_again(ask, &alone, identity, python, way));
    let others = imports.into_iter().map(|(name, label)| import(ask, &alone, identity, name, label));
    let mut outcomes = first.into_iter().chain(others);
    let same = outcomes.next()?;
    let outcome = if same.seen().is_some() { same } else { outcomes.find(is_mended).unwrap_or(same) };
    Some(Isolated { outcome, shadowing })
}

fn is_mended(outcome: &Observed<String>) -> bool {
    outcome.seen().is_some()
}

/// Takes the look at TensorFlow again.
fn look_again(
    ask: &Ask,
    alone: &Candidate,
    identity: &Identity,
    python: &Python,
    way: Way,
) -> Observed<String> {
    let taken = launch::take(ask, alone, identity, way);
    match (taken.looked, taken.look.listing) {
        (Err(by), _) => Observed::Failed(by),
        (Ok(looked), listing) => match looked.tensorflow {
            None => Observed::Seen(format!(
                "{} {}",
                looked.interpreter.implementation, looked.interpreter.version
            )),
            Some(_) => listing.map(|_| label(python)),
        },
    }
}

/// Imports another framework again.
fn import(
    ask: &Ask,
    alone: &Candidate,
    identity: &Identity,
    name: &'static str,
    label: String,
) -> Observed<String> {
    let ask = Ask { exercise: false, ..ask.clone() };
    let observed = match launch::carry(&ask, alone, identity, name, ask.full_deadline) {
        Ok((_, finished)) => finished.observed,
        Err(NotCarried { failure, .. }) => return Observed::Failed(failure),
    };
    match observed {
        Observed::Seen(Said::Asked(asked)) => match asked.devices.failure() {
            Some(by) if by.step() == step_of(name) => Observed::Failed(by.clone()),
            // What comes after the import is another matter.
            _ => Observed::Seen(label),
        },
        Observed::Seen(_) => Observed::Failed(launch::another_answer()),
        Observed::Interrupted { by, .. } | Observed::Failed(by) => Observed::Failed(by),
        Observed::NotProbed { why } => Observed::not_probed(why),
    }
}

fn step_of(name: &str) -> String {
    format!("import {name}")
}

/// The frameworks that were put to work and could not be imported, by their names, with what they are called.
fn failed_imports(python: &Python) -> Vec<(&'static str, String)> {
    let Some(packages) = python.packages.seen() else { return Vec::new() };
    let fails = |name: &str, operations: &Observed<Vec<Operation>>| {
        operations
            .failure()
            .is_some_and(|by| by.step() == step_of(name) && !matches!(by, ProbeFailure::TimedOut { .. }))
    };
    let torch = packages.torch.as_ref().map(|found| ("torch", &found.operations, Torch::label(found)));
    let jax = packages.jax.as_ref().map(|found| ("jax", &found.operations, Jax::label(found)));
    let cupy = packages.cupy.as_ref().map(|found| ("cupy", &found.operations, ArrayLibrary::label(found)));
    let cudf = packages.cudf.as_ref().map(|found| ("cudf", &found.operations, ArrayLibrary::label(found)));
    let found = [torch, jax, cupy, cudf].into_iter().flatten();
    found
        .filter(|(name, operations, _)| fails(name, operations))
        .map(|(name, _, label)| (name, label))
        .collect()
}

/// The way of the look that failed before TensorFlow was there; none where nothing did.
fn failed_way(python: &Python) -> Option<Way> {
    if python.interpreter.failure().is_some_and(is_of_import) || python.tensorflow.failure().is_some() {
        return Some(Way::Bare);
    }
    let look = python.tensorflow.seen()?.as_ref()?.looks.last()?;
    look.listing.failure().filter(|by| is_of_import(by)).map(|_| look.way)
}

/// Whether it came before TensorFlow was imported, and was no lack of time.
fn is_of_import(by: &ProbeFailure) -> bool {
    let hung = matches!(by, ProbeFailure::TimedOut { .. } | ProbeFailure::NotStarted { .. });
    !hung && !["device_lib.", "tf."].iter().any(|step| by.step().starts_with(step))
}

fn label(python: &Python) -> String {
    let tensorflow = python.tensorflow.seen().and_then(Option::as_ref);
    tensorflow.map_or_else(|| "TensorFlow".to_owned(), TensorFlow::label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hung_or_came_later_is_not_taken_for_an_import() {
        let refused = |step: &str| ProbeFailure::Refused {
            step: step.to_owned(),
            code: 0,
            name: "ImportError".to_owned(),
            message: String::new(),
        };
        assert!(is_of_import(&refused("import tensorflow")));
        assert!(!is_of_import(&refused("device_lib.list_local_devices()")));
        let late =
            ProbeFailure::TimedOut { after_ms: 1, step: "import tensorflow".to_owned(), unkillable: false };
        assert!(!is_of_import(&late));
    }
}
