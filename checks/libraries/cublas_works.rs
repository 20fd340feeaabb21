//! The cuBLAS that each framework takes works.
//!
//! # Meaning
//! All frameworks multiply matrices with cuBLAS. A file that is cut off, of another version than its companions, or
//! without code for the card fails there, whatever the framework's own words for it are.
//!
//! # Detection
//! The very file that the framework's loader would take is loaded in a process without Python, with that environment's
//! variables; its version is asked, a handle made, and on the first GPU `cublasSgemm_v2` of small matrices of whole numbers
//! is compared exactly, then ten products of large ones are made against the clock. This is done with `--full`, `--deep` and
//! `--soak`, and where a framework failed on a GPU that computes. A failure of this trial beside a framework that computes is
//! told as unknown; a wrong result is always a failure.
//!
//! # Fix
//! Install the distribution that brings the file anew, in the version that the framework asks for.
//!
//! # Source
//! <https://docs.nvidia.com/cuda/cublas/>

use crate::{
    Check, Judged, Knowledge, Severity, Source, Who,
    cuda_libraries::{Library, NEEDS_OF_TRIAL, works},
    fact::Facts,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks, Source::Nvml],
    needs: NEEDS_OF_TRIAL,
    severity: Severity::Unusable,
    who: Who::Student,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    works(facts, Library::Cublas)
}
