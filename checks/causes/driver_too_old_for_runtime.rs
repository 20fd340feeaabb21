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

use crate::{Cause, Finding, Knowledge, Outcome, Severity, Who, fact::Facts, tensorflow, wheels};

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
    let of_tensorflow = tensorflow::driver::too_old(facts, knowledge, outcomes);
    let others = wheels::driver_too_old(facts, knowledge, outcomes);
    of_tensorflow.into_iter().chain(others).collect()
}
