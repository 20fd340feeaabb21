//! A second look where the first failed: the same with `-I`, which leaves out what is the user's own. If that one works,
//! the user's packages, `PYTHONPATH` or the working directory are why the first did not.
//!
//! Invariant: it is taken only where there is something to leave out.

use super::{
    Ask, discover::Candidate, heeded::deciding, identity::Identity, launch, leftovers::inherited, shadowing,
};
use gpucheck_checks::fact::{Isolated, Observed, ProbeFailure, Python, TensorFlow, Way};
use std::{env, path::PathBuf};

/// Looks in isolation, where the look by the notebook's own rules failed.
pub(super) fn look(
    ask: &Ask,
    candidate: &Candidate,
    identity: &Identity,
    python: &Python,
    sys_path: &[String],
) -> Option<Isolated> {
    let way = failed_way(python)?;
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
    let taken = launch::take(ask, &alone, identity, way);
    let outcome = match (taken.looked, taken.look.listing) {
        (Err(by), _) => Observed::Failed(by),
        (Ok(looked), listing) => match looked.tensorflow {
            None => Observed::Seen(format!(
                "{} {}",
                looked.interpreter.implementation, looked.interpreter.version
            )),
            Some(_) => listing.map(|_| label(python)),
        },
    };
    Some(Isolated { outcome, shadowing })
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
