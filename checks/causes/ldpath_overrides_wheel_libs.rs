//! `LD_LIBRARY_PATH` puts older CUDA libraries before PyTorch's own.
//!
//! # Meaning
//! A toolkit's folder in this variable is searched before the libraries that came with PyTorch. The older
//! `libnvJitLink.so.12` from there lacks what PyTorch's cuSPARSE wants, and `import torch` fails.
//!
//! # Detection
//! The version in the name of the file that the variable leads to, beside that of the distribution `nvidia-nvjitlink`, for
//! a PyTorch that does not load its own first.
//!
//! # Fix
//! `unset LD_LIBRARY_PATH`; take it out of the profile or `kernel.json` that sets it. PyTorch's wheels do not want it.
//!
//! # Source
//! pytorch/pytorch#141063, #131312, infiniflow/ragflow#4466

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Who, fact::Facts, wheels};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["libraries.one_of_each", "frameworks.torch_loads_own_libraries"],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let set_in = facts.frameworks.seen().map(|frameworks| frameworks.library_path_set_in.as_slice());
    let files = set_in.unwrap_or_default().iter().map(|file| crate::judge::quoted(file)).collect::<Vec<_>>();
    let named = |finding: Finding| match files.as_slice() {
        [] => finding,
        files => finding.run(format!("grep -n LD_LIBRARY_PATH {}", files.join(" "))),
    };
    wheels::failed(facts, outcomes, "frameworks.torch_loads_own_libraries")
        .map(|(python, finding)| {
            named(finding.with("torch", wheels::torch_label(python)).run("unset LD_LIBRARY_PATH"))
        })
        .collect()
}
