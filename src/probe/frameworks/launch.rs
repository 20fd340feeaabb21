//! One look: the probe is carried into a Python, and what it says is taken in.
//!
//! Invariants: the Python runs as its user would run it, with the inherited environment and working directory
//! and without `-I`; a look leaves nothing behind, neither byte code nor files; however many carriers are
//! tried, they share one deadline.

use super::{
    Ask,
    carrier::Carried,
    discover::Candidate,
    heeded,
    identity::{Identity, Owner},
    leftovers,
    said::{Looked, Said},
};
use crate::child::{self, Finished, Job, Name, Variables};
use gpucheck_checks::fact::{Carrier, Listing, Look, Observed, PhysicalDevice, ProbeFailure, Way};
use std::{
    ffi::OsString,
    path::PathBuf,
    time::{Duration, Instant},
};

/// Loads the extension; an interpreter that cannot says so.
const BOOT: &str =
    concat!(include_str!("../../../python/sys_path.py"), include_str!("../../../python/boot.py"));
/// Asks the same without it.
const PLAIN: &str = concat!(
    include_str!("../../../python/sys_path.py"),
    include_str!("../../../python/frameworks.py"),
    include_str!("../../../python/plain.py")
);
/// What BOOT announces first.
const LOADING: &str = "load the extension";
/// Why nothing was computed.
pub(super) const IDLE: &str = "--no-exercise: nothing was computed";
/// Limit of a Python's private memory. TensorFlow takes about one gigabyte of it for its import.
const MEMORY: u64 = 8 << 30;

/// A look, and what came with it.
pub(super) struct Taken {
    pub(super) look: Look,
    /// What is known of the Python, or why nothing is.
    pub(super) looked: Result<Looked, ProbeFailure>,
}

/// A probe that got into no Python.
pub(super) struct NotCarried {
    pub(super) failure: ProbeFailure,
    pub(super) elapsed_ms: u64,
}

/// Takes one look at TensorFlow.
pub(super) fn take(ask: &Ask, candidate: &Candidate, identity: &Identity, way: Way) -> Taken {
    let (what, deadline) = match way {
        Way::Bare => ("bare", ask.bare_deadline),
        Way::Full => ("full", ask.full_deadline),
    };
    let mut taken = match carry(ask, candidate, identity, what, deadline) {
        Ok((carrier, finished)) => taken(way, carrier, finished),
        Err(NotCarried { failure, elapsed_ms }) => Taken {
            look: Look {
                way,
                carrier: Observed::Failed(failure.clone()),
                listing: Observed::not_probed("the probe did not get into the interpreter"),
                why_idle: None,
                log: String::new(),
                elapsed_ms,
            },
            looked: Err(failure),
        },
    };
    taken.look.why_idle = (way == Way::Full && !ask.exercise).then(|| IDLE.to_owned());
    taken
}

/// Runs the probe by the first carrier that gets in.
pub(super) fn carry(
    ask: &Ask,
    candidate: &Candidate,
    identity: &Identity,
    what: &str,
    deadline: Duration,
) -> Result<(Carrier, Finished<Said>), NotCarried> {
    let start = Instant::now();
    let mut not_loaded = None;
    for &carrier in &ask.carriers {
        let carried = match Carried::new(carrier, ask.environment.own_cache().as_deref(), identity) {
            Ok(carried) => carried,
            Err(error) => {
                not_loaded = Some(refused_to_load("NotCarried", error.to_string()));
                continue;
            }
        };
        let mut job = job(ask, candidate, identity, what, &carried, deadline.saturating_sub(start.elapsed()));
        job.files = carried.file.into_iter().collect();
        let finished = child::run::<Said>(job);
        match not_loaded_in(&finished.observed) {
            Some(failure) => not_loaded = Some(failure),
            None => return Ok((carrier, finished)),
        }
    }
    let failure =
        not_loaded.unwrap_or_else(|| refused_to_load("NotCarried", "no carrier is allowed".to_owned()));
    Err(NotCarried { failure, elapsed_ms: u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX) })
}

fn job(
    ask: &Ask,
    candidate: &Candidate,
    identity: &Identity,
    what: &str,
    carried: &Carried,
    deadline: Duration,
) -> Job {
    let script = if carried.path.is_some() { BOOT } else { PLAIN };
    let way = if ask.exercise { what.to_owned() } else { format!("{what}:list") };
    let trusted = if identity.avoids_working_directory { "0" } else { "1" };
    let mut args = candidate.words.clone();
    args.extend(["-c", script, &way, trusted].map(OsString::from));
    args.extend(carried.path.iter().map(|path| path.clone().into_os_string()));
    Job {
        program: identity.program.as_ref().unwrap_or(&candidate.program).clone().into_os_string(),
        args,
        base: base(ask, identity),
        env: variables(ask, identity),
        folder: folder(ask, identity),
        deadline,
        memory: MEMORY,
        files: Vec::new(),
        identity: identity.owner.as_ref().map(Owner::as_child),
        may_make_nodes: ask.may_make_nodes,
        stack_at_deadline: true,
    }
}

/// The variables to start with. Whoever root becomes for this Python gets no secrets of root's.
pub(super) fn base(ask: &Ask, identity: &Identity) -> Option<Variables> {
    match &identity.owner {
        Some(_) => Some(heeded::harmless(&ask.environment)),
        None => ask.environment.base.clone(),
    }
}

/// The folder to start in; not one from which others could have root import.
fn folder(ask: &Ask, identity: &Identity) -> Option<PathBuf> {
    if identity.owner.is_none() && identity.avoids_working_directory {
        return Some("/".into());
    }
    ask.environment.folder.clone().filter(|folder| folder.is_dir())
}

/// What is changed for it, whatever it is.
pub(super) fn variables(ask: &Ask, identity: &Identity) -> Vec<(Name, Option<OsString>)> {
    let mut variables = ask.environment.changes.clone();
    variables.extend(identity.changes.iter().map(|change| (change.name.into(), change.value.clone())));
    let mut set = |name: &'static str, value: &str| variables.push((name.into(), Some(value.into())));
    set("PYTHONDONTWRITEBYTECODE", "1");
    // Not with -X, which a Python 2 refuses.
    set("PYTHONFAULTHANDLER", "1");
    // Without these two TensorFlow keeps to itself which CUDA library it did not find.
    set("TF_CPP_MIN_LOG_LEVEL", "0");
    set("TF_CPP_VMODULE", "dso_loader=1");
    // A look shall take what it needs, not the whole GPU from under a notebook. A call to
    // tf.config.experimental.set_memory_growth would come to nothing: list_local_devices makes the process's one
    // allocator of each GPU, with session options of its own. This variable rules both.
    set("TF_FORCE_GPU_ALLOW_GROWTH", "true");
    // JAX takes three quarters of the GPU with its first operation otherwise.
    set("XLA_PYTHON_CLIENT_PREALLOCATE", "false");
    set("JAX_ENABLE_COMPILATION_CACHE", "false");
    if leftovers::inherited(&ask.environment, "CUDA_MODULE_LOADING").is_none() {
        // CUDA before 12.2 loads all code of a library, of which some hundred MiB go to the GPU.
        set("CUDA_MODULE_LOADING", "LAZY");
    }
    let home = match &identity.owner {
        Some(owner) => owner.home.clone().map(OsString::from),
        None => leftovers::inherited(&ask.environment, "HOME"),
    };
    let none = leftovers::none_in(&ask.environment, home.as_deref()).into_iter();
    variables.extend(none.map(|(name, value)| (name.into(), value)));
    if let Some(owner) = &identity.owner {
        // The packages of the owner's own home are part of what is tested.
        let name = owner.name.clone().map(OsString::from);
        let own = [("HOME", home), ("USER", name.clone()), ("LOGNAME", name), ("XDG_CACHE_HOME", None)];
        variables.extend(own.map(|(name, value)| (name.into(), value)));
    }
    variables
}

fn refused_to_load(name: &str, message: String) -> ProbeFailure {
    ProbeFailure::Refused { step: LOADING.to_owned(), code: 0, name: name.to_owned(), message }
}

/// The failure to get in, where another carrier may fare better.
fn not_loaded_in(observed: &Observed<Said>) -> Option<ProbeFailure> {
    if let Observed::Seen(Said::NotLoaded(why)) = observed {
        return Some(refused_to_load("NotLoaded", why.clone()));
    }
    let by = observed.failure().filter(|by| by.step() == LOADING)?;
    // What hung once hangs again.
    (!matches!(by, ProbeFailure::TimedOut { .. })).then(|| by.clone())
}

/// An answer to what nobody asked.
pub(super) fn another_answer() -> ProbeFailure {
    ProbeFailure::Garbled { step: String::new(), message: "it answers another question".to_owned() }
}

fn taken(way: Way, carrier: Carrier, finished: Finished<Said>) -> Taken {
    let (looked, failure) = match finished.observed {
        Observed::Seen(Said::Looked(looked)) => (Some(*looked), None),
        Observed::Interrupted { seen: Said::Looked(looked), by } => (Some(*looked), Some(by)),
        Observed::Failed(by) => (None, Some(by)),
        Observed::Seen(Said::NotLoaded(why)) | Observed::Interrupted { seen: Said::NotLoaded(why), .. } => {
            (None, Some(refused_to_load("NotLoaded", why)))
        }
        Observed::Seen(Said::Asked(_)) | Observed::Interrupted { seen: Said::Asked(_), .. } => {
            (None, Some(another_answer()))
        }
        Observed::NotProbed { why } => (None, Some(ProbeFailure::NotStarted { message: why })),
    };
    let listed =
        looked.as_ref().and_then(|looked| looked.tensorflow.as_ref()).map(|found| found.listing.clone());
    let listing = match (listed, failure.clone()) {
        (Some(listing), None) => listing,
        (Some(Observed::Seen(seen)), Some(by)) => Observed::Interrupted { seen, by },
        (_, Some(by)) => Observed::Failed(by),
        (None, None) => Observed::not_probed("TensorFlow is not installed"),
    };
    let carrier = match (&looked, &failure) {
        (None, Some(by)) => Observed::Failed(by.clone()),
        _ => Observed::Seen(carrier),
    };
    let look = Look {
        way,
        carrier,
        listing: listing.map(with_physical_devices),
        why_idle: None,
        log: finished.log,
        elapsed_ms: finished.elapsed_ms,
    };
    let silent = ProbeFailure::NotStarted { message: String::new() };
    Taken { look, looked: looked.ok_or_else(|| failure.unwrap_or(silent)) }
}

fn with_physical_devices(mut listing: Listing) -> Listing {
    for device in &mut listing.devices {
        device.physical_device = PhysicalDevice::parse(&device.physical_device_desc);
    }
    listing
}
