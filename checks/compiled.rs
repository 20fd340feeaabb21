//! For which frameworks the driver has to compile code, which takes minutes once.

use crate::{
    Knowledge,
    fact::{Facts, TensorFlow},
    knowledge::{Fit, fits},
};

/// A cache that holds no framework's code, in bytes. CUDA's own limit is 256 MiB and more.
pub(crate) const TINY: u64 = 32 << 20;

/// The frameworks that the driver has to compile for.
pub(crate) fn compiling(facts: &Facts, knowledge: &Knowledge) -> Vec<String> {
    let capabilities: Vec<(i32, i32)> =
        facts.cuda_devices().filter_map(|device| device.compute_capability.seen().copied()).collect();
    let compiles = |tensorflow: &&TensorFlow| {
        let code = code(tensorflow, knowledge);
        capabilities.iter().any(|capability| code.is_some_and(|code| fits(code, *capability) == Fit::Ptx))
    };
    let tensorflows = facts.pythons().filter_map(|python| python.tensorflow.seen()?.as_ref());
    tensorflows.filter(compiles).map(TensorFlow::label).collect()
}

/// What it carries code for, by its own word or by the table's.
fn code<'a>(tensorflow: &'a TensorFlow, knowledge: &'a Knowledge) -> Option<&'a [String]> {
    let own = tensorflow.build.seen().map(|build| build.compute_capabilities.as_slice());
    let version = tensorflow.distribution().map(|distribution| distribution.version.as_str());
    let table = || knowledge.tensorflow(version?)?.capabilities.as_deref();
    own.filter(|own| !own.is_empty()).or_else(table)
}
