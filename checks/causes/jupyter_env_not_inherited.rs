//! The Jupyter server has not the `LD_LIBRARY_PATH` of the shell.
//!
//! # Meaning
//! TensorFlow finds CUDA's libraries by this variable alone. The shell has it, from a profile or from `conda activate`; the
//! Jupyter server was started elsewhere, as a service or before, and hands its own variables to every kernel.
//!
//! # Detection
//! A folder of the shell's `LD_LIBRARY_PATH` that alone has the `libcudart` of this TensorFlow; the variable of the Jupyter
//! server in `/proc/PID/environ`, which lacks it; no `kernel.json` of this Python that sets it. Where the kernel's Python
//! was started as the server starts it: its TensorFlow does not load the libraries that the shell's finds.
//!
//! # Fix
//! Set it in the kernel's `kernel.json`. `os.environ` in the notebook comes too late for the loader.
//!
//! # Source
//! jupyterhub/the-littlest-jupyterhub#208, jupyterhub/jupyterhub#2571, jupyter/notebook#1290, tensorflow/tensorflow#60790

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Who,
    fact::{Facts, Python},
    judge::quoted,
    jupyter, tensorflow, wheels,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["notebooks.finds_libraries", "frameworks.tensorflow_lists_gpu"],
    severity: Severity::Degraded,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let Some(notebooks) = facts.notebooks.seen() else { return Vec::new() };
    let started = facts.pythons().filter_map(|python| of_started(facts, python));
    let told =
        wheels::failed(facts, outcomes, "notebooks.finds_libraries").filter_map(|(python, finding)| {
            let (library, folders) = jupyter::only_by_variable(python)?;
            let kernel = jupyter::of(python, notebooks).first()?.name.clone();
            let set = format!(" --env LD_LIBRARY_PATH {}", quoted(&folders.join(":")));
            let finding = finding.with("library", library).with("folder", folders.join(":"));
            Some(jupyter::install(finding, python, &kernel, &set))
        });
    started.chain(told).collect()
}

/// A Python that a kernel starts, whose TensorFlow misses what the shell's finds by the variable.
fn of_started(facts: &Facts, python: &Python) -> Option<Finding> {
    let kernel = python.kernels.first()?;
    let missing = tensorflow::unregistered_for(python.tensorflow.seen()?.as_ref()?)?;
    let is_shells = |other: &&Python| other.path == python.path && other.kernels.is_empty();
    let (library, folders) = jupyter::only_by_variable(facts.pythons().find(is_shells)?)?;
    let set = python.cuda_parts.seen().and_then(|parts| parts.variables.get("LD_LIBRARY_PATH"));
    if set.is_some_and(|set| set.split(':').any(|entry| folders.contains(&entry.trim_end_matches('/')))) {
        return None;
    }
    let finding = Finding::fail(python.subject(), format!("the kernel does not load {}", missing.join(", ")))
        .because(format!("the shell finds {library} by LD_LIBRARY_PATH alone, in {}", folders.join(", ")))
        .with("library", library)
        .with("folder", folders.join(":"));
    let set = format!(" --env LD_LIBRARY_PATH {}", quoted(&folders.join(":")));
    Some(jupyter::install(finding, python, kernel, &set))
}
