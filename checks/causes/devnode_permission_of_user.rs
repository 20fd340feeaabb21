//! A user of this machine may not open the driver's device nodes.
//!
//! # Meaning
//! The GPU works for root, with sudo and for members of a group; the notebooks of a user who is not one of them find no
//! GPU. Whoever tests the template as root does not see it.
//!
//! # Detection
//! `/dev/nvidiactl`, `/dev/nvidia0`, ... or `/dev/nvidia-uvm` deny reading and writing to a human user, by that user's id
//! and groups. Frameworks that find no GPU when they are run as that user fail because of it.
//!
//! # Fix
//! Add the user to the group of the nodes.
//!
//! # Source
//! NVIDIA/nvidia-container-toolkit#210, NVIDIA/nvidia-docker#284

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Verdict, Who,
    fact::{Facts, Python},
    users,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &[
        "frameworks.tensorflow_lists_gpu",
        "frameworks.tensorflow_computes",
        "frameworks.torch_computes",
        "frameworks.jax_computes",
        "frameworks.cupy_computes",
        "frameworks.cudf_computes",
        "libraries.cublas_works",
        "libraries.cudnn_works",
        "classroom.users_reach_devices",
    ],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let Some(found) = facts.users.seen() else { return Vec::new() };
    let Some(finding) = users::shut_out_finding(found, Verdict::Fail) else { return Vec::new() };
    let shut_out: Vec<&str> =
        users::shut_out(found).into_iter().map(|(user, _)| user.name.as_str()).collect();
    let is_theirs = |python: &Python| python.user.as_deref().is_some_and(|user| shut_out.contains(&user));
    let theirs: Vec<Subject> =
        facts.pythons().filter(|python| is_theirs(python)).map(Python::subject).collect();
    let failed = outcomes.iter().filter(|outcome| {
        outcome.verdict == Verdict::Fail
            && CAUSE.explains.contains(&outcome.id.as_str())
            && theirs.contains(&outcome.subject)
    });
    let finding = finding.accounting_for("classroom.users_reach_devices", &Subject::Host);
    vec![failed.fold(finding, |finding, outcome| finding.accounting_for(&outcome.id, &outcome.subject))]
}
