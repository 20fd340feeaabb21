//! The CUDA driver library loads.
//!
//! # Meaning
//! `libcuda.so.1` is the driver's side of CUDA; every framework opens it first.
//!
//! # Detection
//! The dynamic loader finds and loads it, in a process of its own; the report names the file that it took.
//!
//! # Fix
//! Install the compute part of the user-space driver at the version of the loaded module.
//!
//! # Source
//! <https://docs.nvidia.com/cuda/cuda-driver-api/>, tensorflow/tensorflow#34287

use crate::{Check, Judged, Knowledge, Severity, Source, Who, fact::Facts};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Platform, Source::Driver],
    needs: &["pci.gpu_present"],
    severity: Severity::Unusable,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    vec![crate::judge::library(facts, &facts.driver, |driver| &driver.library)]
}
