//! The driver is too old for the CUDA of a framework.
//!
//! # Meaning
//! The driver works, and the framework was built with a newer major version of CUDA than the driver knows: `CUDA driver
//! version is insufficient for CUDA runtime version`.
//!
//! # Detection
//! The version that the driver tells, beside the CUDA in the framework's build information. A missing driver is worded
//! the same way by CUDA, and is another disease: here the driver loads.
//!
//! # Fix
//! A newer driver, where there is one for the GPU and where the driver is for us to install; else a framework with an
//! older CUDA.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html>, NVIDIA/nvidia-docker#656,
//! tensorflow/tensorflow#41401

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Verdict, Who,
    fact::{Facts, Place, Python, TensorFlow},
    judge, knowledge,
    tensorflow::{self, Gpu},
    wheels,
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &[
        "frameworks.driver_runs_jax",
        "frameworks.driver_runs_tensorflow",
        "frameworks.driver_runs_torch",
        "frameworks.tensorflow_lists_gpu",
    ],
    severity: Severity::Unusable,
    who: Who::Instructor,
    recognize,
};

fn recognize(facts: &Facts, knowledge: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let failed = tensorflow::outcomes(outcomes, "frameworks.driver_runs_tensorflow", Verdict::Fail);
    let of_tensorflow = failed.filter_map(|outcome| {
        let (python, found) = tensorflow::python_of(facts, &outcome.subject)?;
        Some(advise(facts, knowledge, python, found, tensorflow::retold(outcome)))
    });
    // Wheels of PyTorch and JAX for the CUDA of an older driver are there to be had, for whoever uses the Python.
    let others = wheels::driver_too_old(facts, knowledge, outcomes).into_iter();
    of_tensorflow.chain(others.map(|finding| finding.variant("wheel"))).collect()
}

fn advise(
    facts: &Facts,
    knowledge: &Knowledge,
    python: &Python,
    found: &TensorFlow,
    finding: Finding,
) -> Finding {
    let cuda = tensorflow::cuda(knowledge, found).unwrap_or_default();
    let finding = finding
        .because(installed(facts).map(|version| format!("driver {version}")).unwrap_or_default())
        .with("framework", found.label())
        .with("cuda", format!("{}.{}", cuda.0, cuda.1));
    let least = knowledge.driver_for_cuda(cuda);
    let finding = finding.with("driver", least.clone().unwrap_or_else(|| "the newest".to_owned()));
    let too_old = |gpu: &&Gpu| {
        let newest = knowledge
            .architecture_of_capability(gpu.capability)
            .and_then(|architecture| knowledge.newest_driver(architecture));
        let least = least.as_deref().and_then(knowledge::branch);
        matches!((newest, least), (Some(newest), Some(least)) if newest.branch < least)
    };
    if let Some(gpu) = tensorflow::gpus(facts, knowledge).iter().find(too_old) {
        let finding = tensorflow::install_fitting(knowledge, python, gpu, finding);
        return if finding.advice.commands.is_empty() { finding } else { finding.variant("last_driver") };
    }
    if judge::in_container(facts) || facts.place() == Place::Wsl {
        return judge::for_place(facts, finding);
    }
    judge::install_driver(facts, knowledge, finding)
}

fn installed(facts: &Facts) -> Option<String> {
    facts.module.seen()?.version.clone()
}
