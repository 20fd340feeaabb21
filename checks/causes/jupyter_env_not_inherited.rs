//! The Jupyter server has not the `LD_LIBRARY_PATH` of the shell.
//!
//! # Meaning
//! TensorFlow finds CUDA's libraries by this variable alone. The shell has it, from a profile or from `conda activate`; the
//! Jupyter server was started elsewhere, as a service or before, and hands its own variables to every kernel.
//!
//! # Detection
//! A folder of the shell's `LD_LIBRARY_PATH` that alone has the `libcudart` of this TensorFlow; the variable of the Jupyter
//! server in `/proc/PID/environ`, which lacks it; no `kernel.json` of this Python that sets it.
//!
//! # Fix
//! Set it in the kernel's `kernel.json`. `os.environ` in the notebook comes too late for the loader.
//!
//! # Source
//! jupyterhub/the-littlest-jupyterhub#208, jupyterhub/jupyterhub#2571, jupyter/notebook#1290, tensorflow/tensorflow#60790

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Who, fact::Facts, judge::quoted, jupyter, wheels};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["notebooks.finds_libraries"],
    severity: Severity::Degraded,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let Some(notebooks) = facts.notebooks.seen() else { return Vec::new() };
    wheels::failed(facts, outcomes, "notebooks.finds_libraries")
        .filter_map(|(python, finding)| {
            let (library, folders) = jupyter::only_by_variable(python)?;
            let kernel = jupyter::of(python, notebooks).first()?.name.clone();
            let set = format!(" --env LD_LIBRARY_PATH {}", quoted(&folders.join(":")));
            let finding = finding.with("library", library).with("folder", folders.join(":"));
            Some(jupyter::install(finding, python, &kernel, &set))
        })
        .collect()
}
