//! cuBLAS and cuDNN of the frameworks, put to work: when all Pythons are looked at, one after the other.
//!
//! Invariants: nobody's library is loaded by whoever may not start that Python (`identity.rs`); two environments with the
//! same files and variables share one trial; no Python runs meanwhile, so that the clock measures the GPU alone.

use super::{
    Ask, NO_TIME, identity, identity::Owner, identity::Refusal, launch, leftovers::inherited, starts::Start,
};
use crate::{
    probe::libraries::{self, Kind},
    worker::{Surroundings, Worker},
};
use gpucheck_checks::fact::{
    Framework, FrameworkDevice, FrameworkLibraries, LibraryTrial, Observed, Operation, Python,
};
use std::{collections::BTreeMap, ffi::OsString};

/// When the libraries are tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// Not at all.
    Never,
    /// Those of a framework that failed, where a driver stands behind.
    #[default]
    InDoubt,
    /// Those of every framework.
    Always,
}

/// How the libraries are tried.
#[derive(Clone, Debug)]
pub struct LibraryTrials {
    /// When.
    pub when: When,
    /// Who tries them.
    pub worker: Worker,
    /// Most rows and columns of the matrices that are multiplied against the clock.
    pub size: u32,
}

impl Default for LibraryTrials {
    fn default() -> Self {
        Self { when: When::default(), worker: Worker::own(libraries::DEADLINE), size: libraries::USUAL_SIZE }
    }
}

/// Variables that change what a library does or what is loaded beside it.
const DECIDING: [&str; 4] = ["CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "LD_PRELOAD", "NVIDIA_TF32_OVERRIDE"];
/// What a library is loaded with, as far as the framework has it, up to `.so`.
const BEFORE: [&str; 4] = ["libcublasLt", "libcudart", "libnvJitLink", "libnvrtc"];

/// Most rows and columns where nobody asked for the trial: some milliseconds of a GPU on which others may compute.
const SIZE_IN_DOUBT: u32 = 1024;

/// What decides how a trial comes out.
type Key = (libraries::Ask, Vec<Option<OsString>>, Option<u32>);

/// Tries the libraries of each Python that wants it.
pub(super) fn take(ask: &Ask, pythons: &mut [Python], starts: &[Start]) {
    let mut tried: BTreeMap<Key, Observed<LibraryTrial>> = BTreeMap::new();
    for (python, start) in pythons.iter_mut().zip(starts) {
        let wanted = wanted(ask, python);
        if wanted.is_empty() {
            continue;
        }
        let ask = Ask { environment: start.environment.clone(), ..ask.clone() };
        let identity = identity::choose(&ask, &start.candidate).map_err(|refusal| match refusal {
            Refusal::Failed(by) => Observed::Failed(by),
            Refusal::NotRun(why) => Observed::not_probed(why),
        });
        let Observed::Seen(libraries) = &mut python.cuda_libraries else { continue };
        for of in libraries.frameworks.iter_mut().filter(|of| wanted.contains(&of.framework)) {
            for kind in [Kind::Cublas, Kind::Cudnn] {
                let outcome = match (&identity, file(of, kind)) {
                    (_, None) => Observed::not_probed("none of this name is found"),
                    (Err(refusal), Some(_)) => refusal.clone(),
                    (Ok(identity), Some(file)) => {
                        let wanted = question(&ask, of, kind, file);
                        trial(&ask, identity, wanted, &mut tried)
                    }
                };
                match kind {
                    Kind::Cublas => of.cublas = outcome,
                    Kind::Cudnn => of.cudnn = outcome,
                }
            }
        }
    }
}

/// The frameworks whose libraries are to be tried.
fn wanted(ask: &Ask, python: &Python) -> Vec<Framework> {
    let all = python.cuda_libraries.seen().into_iter().flat_map(|libraries| &libraries.frameworks);
    let is_wanted = |framework: &Framework| match ask.libraries.when {
        When::Never => false,
        When::InDoubt => ask.put_to_work && has_failed(python, *framework),
        When::Always => true,
    };
    all.map(|of| of.framework).filter(is_wanted).collect()
}

/// Whether a framework was run and did not come out right on a GPU.
fn has_failed(python: &Python, framework: Framework) -> bool {
    let packages = python.packages.seen();
    let is_wrong = |devices: &Observed<Vec<FrameworkDevice>>, done: &Observed<Vec<Operation>>| match done {
        Observed::Seen(done) => {
            (done.is_empty() && devices.seen().is_some_and(Vec::is_empty)) || done.iter().any(is_not_right)
        }
        Observed::Failed(_) | Observed::Interrupted { .. } => true,
        Observed::NotProbed { .. } => false,
    };
    match framework {
        Framework::TensorFlow => {
            let look = python.tensorflow.seen().and_then(Option::as_ref).and_then(|found| found.full_look());
            look.is_some_and(|look| match &look.listing {
                Observed::Seen(listing) => {
                    listing.gpus().next().is_none() || listing.operations.iter().any(is_not_right)
                }
                Observed::Failed(_) | Observed::Interrupted { .. } => true,
                Observed::NotProbed { .. } => false,
            })
        }
        Framework::Torch => packages
            .and_then(|packages| packages.torch.as_ref())
            .is_some_and(|torch| is_wrong(&torch.devices, &torch.operations)),
        Framework::Jax => packages
            .and_then(|packages| packages.jax.as_ref())
            .is_some_and(|jax| is_wrong(&jax.devices, &jax.operations)),
        Framework::Cupy => packages
            .and_then(|packages| packages.cupy.as_ref())
            .is_some_and(|cupy| is_wrong(&cupy.devices, &cupy.operations)),
    }
}

fn is_not_right(operation: &Operation) -> bool {
    operation.correct != Observed::Seen(true)
}

/// The file that a framework takes.
fn file(of: &FrameworkLibraries, kind: Kind) -> Option<String> {
    let start = match kind {
        Kind::Cublas => "libcublas.so.",
        Kind::Cudnn => "libcudnn.so.",
    };
    let found = &of.linked.seen()?.found;
    found.iter().find(|found| found.name.starts_with(start)).map(|found| found.path.clone())
}

fn question(ask: &Ask, of: &FrameworkLibraries, kind: Kind, file: String) -> libraries::Ask {
    let found = of.linked.seen().into_iter().flat_map(|linked| &linked.found);
    let is_before = |name: &str| BEFORE.contains(&name.split(".so").next().unwrap_or_default());
    let mut before: Vec<String> =
        found.filter(|found| is_before(&found.name)).map(|found| found.path.clone()).collect();
    // What is wanted by another one was found after it.
    before.reverse();
    let hold = (!ask.put_to_work).then(|| "there is no driver to try it with".to_owned());
    let hold = hold.or_else(|| (!ask.exercise).then(|| launch::IDLE.to_owned()));
    let size = match ask.libraries.when {
        When::Always => ask.libraries.size,
        When::Never | When::InDoubt => ask.libraries.size.min(SIZE_IN_DOUBT),
    };
    libraries::Ask { kind, file, before, hold, size }
}

fn trial(
    ask: &Ask,
    identity: &identity::Identity,
    wanted: libraries::Ask,
    tried: &mut BTreeMap<Key, Observed<LibraryTrial>>,
) -> Observed<LibraryTrial> {
    let variables = DECIDING.map(|name| inherited(&ask.environment, name)).to_vec();
    let key = (wanted, variables, identity.owner.as_ref().map(|owner| owner.uid));
    if let Some(known) = tried.get(&key) {
        return known.clone();
    }
    if !ask.has_time_for(ask.libraries.worker.deadline) {
        return Observed::not_probed(NO_TIME);
    }
    let around = Surroundings {
        base: launch::base(ask, identity),
        changes: launch::variables(ask, identity),
        identity: identity.owner.as_ref().map(Owner::as_child),
        may_make_nodes: ask.may_make_nodes,
        ..Surroundings::default()
    };
    ask.progress.expect(1);
    let _under_way = ask.progress.begin(&key.0.file);
    let outcome = libraries::probe(&ask.libraries.worker, &key.0, around);
    tried.insert(key, outcome.clone());
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_asked_for_takes_little() {
        let found = FrameworkLibraries {
            framework: Framework::Torch,
            linked: Observed::not_probed("test"),
            cublas: Observed::not_probed("test"),
            cudnn: Observed::not_probed("test"),
        };
        let size = |when: When| {
            let mut ask = Ask::new(super::super::Environment::default());
            ask.libraries.when = when;
            question(&ask, &found, Kind::Cublas, "/libcublas.so.12".to_owned()).size
        };
        assert_eq!([When::InDoubt, When::Always].map(size), [1024, 4096]);
    }
}
