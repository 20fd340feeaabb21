//! What a Python does, without what differs from one look to the next: times, logs, free memory.

use super::{
    ArrayLibrary, FrameworkDevice, Interpreter, Jax, Observed, Operation, ProbeFailure, Python, TensorFlow,
    Torch,
};

/// How an attempt ended: what kind of failure, in which step, with which error.
type Ending<'a> = (&'static str, &'a str, &'a str);

/// What a Python does.
#[derive(Debug, PartialEq)]
pub(super) struct Behaviour<'a> {
    interpreter: Option<&'a Interpreter>,
    ending: Option<Ending<'a>>,
    frameworks: Vec<Does<'a>>,
    is_mended_by_isolation: bool,
}

/// What one framework does.
#[derive(Debug, PartialEq)]
struct Does<'a> {
    label: String,
    package: &'a str,
    devices: Vec<&'a str>,
    operations: Vec<(&'a str, &'a str, Option<bool>)>,
    endings: Vec<Option<Ending<'a>>>,
}

/// What this one does.
pub(super) fn behaviour(python: &Python) -> Behaviour<'_> {
    let packages = python.packages.seen();
    let tensorflow = python.tensorflow.seen().and_then(Option::as_ref).map(of_tensorflow);
    let torch = packages.and_then(|packages| packages.torch.as_ref()).map(|torch| {
        let Torch { package, devices, operations, .. } = torch;
        does(torch.label(), package, names(devices), operations, ending(devices))
    });
    let jax = packages.and_then(|packages| packages.jax.as_ref()).map(|jax| {
        let Jax { devices, operations, .. } = jax;
        does(jax.label(), "", names(devices), operations, ending(devices))
    });
    let cupy = packages.and_then(|packages| packages.cupy.as_ref()).map(of_array_library);
    let cudf = packages.and_then(|packages| packages.cudf.as_ref()).map(of_array_library);
    Behaviour {
        interpreter: python.interpreter.seen(),
        ending: ending(&python.interpreter),
        frameworks: [tensorflow, torch, jax, cupy, cudf].into_iter().flatten().collect(),
        is_mended_by_isolation: python.isolated.as_ref().is_some_and(|alone| alone.outcome.seen().is_some()),
    }
}

fn of_array_library(library: &ArrayLibrary) -> Does<'_> {
    let ArrayLibrary { devices, operations, .. } = library;
    does(library.label(), "", names(devices), operations, ending(devices))
}

fn of_tensorflow(tensorflow: &TensorFlow) -> Does<'_> {
    let look = tensorflow.best_look();
    let listing = look.and_then(|look| look.listing.seen());
    let devices = listing.into_iter().flat_map(|listing| &listing.devices);
    let operations = listing.into_iter().flat_map(|listing| &listing.operations);
    Does {
        label: tensorflow.label(),
        package: &tensorflow.package,
        devices: devices.map(|device| device.name.as_str()).collect(),
        operations: operations.map(operation).collect(),
        endings: vec![look.and_then(|look| ending(&look.listing))],
    }
}

fn does<'a>(
    label: String,
    package: &'a str,
    devices: Vec<&'a str>,
    operations: &'a Observed<Vec<Operation>>,
    listed: Option<Ending<'a>>,
) -> Does<'a> {
    let endings = vec![listed, ending(operations)];
    let operations = operations.seen().into_iter().flatten().map(operation).collect();
    Does { label, package, devices, operations, endings }
}

fn operation(done: &Operation) -> (&str, &str, Option<bool>) {
    (&done.device, &done.name, done.correct.seen().copied())
}

fn names(devices: &Observed<Vec<FrameworkDevice>>) -> Vec<&str> {
    devices.seen().into_iter().flatten().map(|device| device.name.as_str()).collect()
}

/// How a look ended that did not come to its end; none where it did.
fn ending<T>(observed: &Observed<T>) -> Option<Ending<'_>> {
    let by = match observed {
        Observed::Seen(_) => return None,
        Observed::NotProbed { .. } => return Some(("not probed", "", "")),
        Observed::Failed(by) | Observed::Interrupted { by, .. } => by,
    };
    let (kind, name) = match by {
        ProbeFailure::Refused { name, .. } => ("refused", name.as_str()),
        ProbeFailure::NotStarted { message } => ("not started", message.as_str()),
        ProbeFailure::Crashed { .. } => ("crashed", ""),
        ProbeFailure::Exited { .. } => ("exited", ""),
        ProbeFailure::TimedOut { .. } => ("timed out", ""),
        ProbeFailure::Garbled { .. } => ("garbled", ""),
    };
    Some((kind, by.step(), name))
}
