//! The frameworks of another root: by files alone.
//!
//! Invariant: nothing of the root is started, and what its processes would inherit is nobody's.

use super::{Environment, by_files};
use crate::{
    probe::environments::{self, Surroundings},
    root::Root,
};
use gpucheck_checks::fact::{
    self, Frameworks, Kernelspec, Notebooks, Observed, Packages, ProbeFailure, Program, Python, Spec,
};

/// Reads the environments of another root, those that only a kernel leads to among them; one without a framework has
/// nothing to be told.
pub fn read(
    root: &Root,
    mut environments: Vec<fact::Environment>,
    notebooks: &Notebooks,
) -> Observed<Frameworks> {
    for kernel in notebooks.kernelspecs.iter().filter(|kernel| is_python(kernel)) {
        if let Program::File { path, .. } = &kernel.program
            && !environments.iter().any(|environment| is_of(kernel, environment))
            && let Some(found) = environments::of_program(root, &Surroundings::default(), path)
        {
            environments.push(found);
        }
    }
    let nobody = Environment::of_nobody();
    let pythons = environments.iter().filter_map(|environment| {
        let mut python = by_files(root, &nobody, environment);
        if environment.gone {
            python.interpreter = gone(&environment.python);
        }
        let kernels = kernels_of(environment, notebooks);
        tells_framework(&python).then_some(Python { kernels, ..python })
    });
    let pythons = pythons.collect();
    Observed::Seen(Frameworks { pythons, environments, ..Frameworks::default() })
}

/// An interpreter that is not in the image: its environment was copied from elsewhere, or what it was made from is gone.
fn gone(path: &str) -> Observed<fact::Interpreter> {
    let message = format!("{path} is missing, or a link that leads nowhere in this image");
    Observed::Failed(ProbeFailure::NotStarted { message })
}

/// Whether it has a framework, or may have one: what could not be read is not taken for empty.
fn tells_framework(python: &Python) -> bool {
    python.tensorflow != Observed::Seen(None) || python.packages.seen().is_none_or(Packages::has_framework)
}

fn is_python(kernel: &Kernelspec) -> bool {
    kernel.spec.seen().is_some_and(Spec::is_python)
}

/// Whether a kernel runs in an environment.
fn is_of(kernel: &Kernelspec, environment: &fact::Environment) -> bool {
    let starts_it = matches!(&kernel.program, Program::File { path, .. } if *path == environment.python);
    // The system's Pythons share their folder.
    let is_in = kernel.environment.as_ref().is_some_and(|there| there.prefix == environment.prefix);
    starts_it || (is_in && !environment.kinds.contains(&fact::EnvironmentKind::System))
}

/// The names of the kernels that run in an environment.
fn kernels_of(environment: &fact::Environment, notebooks: &Notebooks) -> Vec<String> {
    let kernels =
        notebooks.kernelspecs.iter().filter(|kernel| is_python(kernel) && is_of(kernel, environment));
    kernels.map(|kernel| notebooks.name_of(kernel)).collect()
}
