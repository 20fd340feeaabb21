//! PyTorch, JAX, CuPy and cuDF put to work, each in a process of its own.
//!
//! Invariants: one that cannot have a GPU of NVIDIA's is not started; a crash or a hang of one takes nothing from
//! another; that a GPU is listed is no proof, only an operation with the right result is.

use super::{
    Ask, NO_TIME,
    discover::Candidate,
    identity::Identity,
    launch::{self, IDLE, NotCarried},
    said::{Asked, Said},
};
use crate::child::Finished;
use gpucheck_checks::fact::{
    ArrayLibrary, Distribution, FrameworkDevice, Jax, Observed, Operation, Packages, ProbeFailure, Torch,
};

/// The first CuPy that can keep what it compiles in memory.
///
/// Source: <https://docs.cupy.dev/en/v8.6.0/reference/environment.html>
const CACHE_IN_MEMORY: u32 = 8;

/// What one framework did.
struct Tried {
    architectures: Option<Vec<String>>,
    devices: Observed<Vec<FrameworkDevice>>,
    operations: Observed<Vec<Operation>>,
    log: String,
    elapsed_ms: u64,
}

/// Where a framework's part of the facts lies.
struct Place<'a> {
    devices: &'a mut Observed<Vec<FrameworkDevice>>,
    operations: &'a mut Observed<Vec<Operation>>,
    log: &'a mut String,
    elapsed_ms: &'a mut u64,
}

impl Place<'_> {
    fn take(self, tried: Tried) {
        *self.devices = tried.devices;
        *self.operations = tried.operations;
        *self.log = tried.log;
        *self.elapsed_ms = tried.elapsed_ms;
    }

    fn not_run(self, why: String) {
        *self.devices = Observed::not_probed(why.clone());
        *self.operations = Observed::not_probed(why);
    }
}

/// Runs the frameworks that were found, where that is asked for.
pub(super) fn put_to_work(
    ask: &Ask,
    candidate: &Candidate,
    identity: &Identity,
    packages: &mut Observed<Packages>,
) {
    let Observed::Seen(packages) = packages else { return };
    if !ask.put_to_work && !ask.full {
        return;
    }
    let run = |name: &str, not: Option<String>| {
        let not = not.or_else(|| (!ask.has_time_for(ask.full_deadline)).then(|| NO_TIME.to_owned()));
        if let Some(why) = not {
            return Err(why);
        }
        tracing::debug!(python = %candidate.program.display(), name, "putting a framework to work");
        Ok(tried(ask, launch::carry(ask, candidate, identity, name, ask.full_deadline)))
    };
    if let Some(torch) = &mut packages.torch {
        let tried = run("torch", no_torch_on_gpu(torch));
        let told = tried.as_ref().ok().and_then(|tried| tried.architectures.clone());
        // Where CUDA does not start it tells an empty list, whatever it was built for.
        let told = told.filter(|told| !told.is_empty());
        if let (None, Some(told)) = (torch.architectures.seen(), told) {
            torch.architectures = Observed::Seen(told);
        }
        let Torch { devices, operations, log, elapsed_ms, .. } = torch;
        settle(Place { devices, operations, log, elapsed_ms }, tried);
    }
    if let Some(jax) = &mut packages.jax {
        let tried = run("jax", no_jax_on_gpu(jax));
        let Jax { devices, operations, log, elapsed_ms, .. } = jax;
        settle(Place { devices, operations, log, elapsed_ms }, tried);
    }
    for (name, library) in [("cupy", &mut packages.cupy), ("cudf", &mut packages.cudf)] {
        let Some(library) = library else { continue };
        let tried = run(name, no_trial(library));
        let ArrayLibrary { devices, operations, log, elapsed_ms, .. } = library;
        settle(Place { devices, operations, log, elapsed_ms }, tried);
    }
}

fn settle(place: Place<'_>, tried: Result<Tried, String>) {
    match tried {
        Ok(tried) => place.take(tried),
        Err(why) => place.not_run(why),
    }
}

/// Why this PyTorch is not started.
fn no_torch_on_gpu(torch: &Torch) -> Option<String> {
    let build = torch.build.seen().filter(|build| build.cuda.is_none())?;
    let how = build.hip.as_ref().map_or("without CUDA", |_| "for ROCm");
    Some(format!("it was not run, it was built {how}"))
}

/// Why this JAX is not started.
fn no_jax_on_gpu(jax: &Jax) -> Option<String> {
    match jax.brought_by.as_deref().filter(|_| !jax.counts()) {
        Some(other) => Some(format!("it was not run, it came with {other}")),
        None => (!jax.has_cuda()).then(|| "it was not run, it has no part for CUDA".to_owned()),
    }
}

/// Why this CuPy is not started.
fn no_trial(library: &ArrayLibrary) -> Option<String> {
    if !library.counts() {
        return Some(format!("it was not run, {} is for AMD's GPUs", library.label()));
    }
    let old = |found: &Distribution| {
        let major = found.version.split('.').next().and_then(|major| major.parse::<u32>().ok());
        found.name.starts_with("cupy") && major.is_some_and(|major| major < CACHE_IN_MEMORY)
    };
    library
        .distributions
        .iter()
        .any(old)
        .then(|| "it was not run, a CuPy before 8 leaves what it compiles in the home".to_owned())
}

fn tried<C>(ask: &Ask, carried: Result<(C, Finished<Said>), NotCarried>) -> Tried {
    let Finished { observed, log, elapsed_ms } = match carried {
        Ok((_, finished)) => finished,
        Err(NotCarried { failure, elapsed_ms }) => {
            Finished { observed: Observed::Failed(failure), log: String::new(), elapsed_ms }
        }
    };
    let (asked, by) = match observed {
        Observed::Seen(Said::Asked(asked)) => (Some(*asked), None),
        Observed::Interrupted { seen: Said::Asked(asked), by } => (Some(*asked), Some(by)),
        Observed::Failed(by) => (None, Some(by)),
        Observed::Seen(_) | Observed::Interrupted { .. } => (None, Some(launch::another_answer())),
        Observed::NotProbed { why } => (None, Some(ProbeFailure::NotStarted { message: why })),
    };
    let (architectures, devices, operations) = match asked {
        Some(Asked { architectures, devices, operations }) => (architectures, devices, operations),
        None => (None, Observed::not_probed("it did not come to the listing"), Vec::new()),
    };
    let devices = match (devices, &by) {
        (Observed::NotProbed { .. }, Some(by)) => Observed::Failed(by.clone()),
        (devices, _) => devices,
    };
    let operations = match (&devices, by) {
        (Observed::Failed(by), _) => Observed::Failed(by.clone()),
        (_, Some(by)) => Observed::Interrupted { seen: operations, by },
        (_, None) if !ask.exercise => Observed::not_probed(IDLE),
        (Observed::NotProbed { why }, None) => Observed::not_probed(why.clone()),
        (Observed::Seen(_) | Observed::Interrupted { .. }, None) => Observed::Seen(operations),
    };
    Tried { architectures, devices, operations, log, elapsed_ms }
}
