//! TensorFlow was installed without CUDA's libraries.
//!
//! # Meaning
//! `pip install tensorflow` brings a build for GPUs and none of CUDA's libraries. From 2.14 on those come with the extra
//! `and-cuda`; here neither it nor a CUDA of the system is installed.
//!
//! # Detection
//! TensorFlow's log names libraries that it could not load. Of what its extra would install there is neither the CUDA
//! runtime nor cuDNN, and none of the missing files lies in a folder of libraries.
//!
//! # Fix
//! Install the extra for the same version.
//!
//! # Source
//! <https://www.tensorflow.org/install/pip>, tensorflow/tensorflow#63362

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Who,
    fact::{Facts, Python},
    judge,
    tensorflow::{self, packages},
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &["libraries.all_found", "frameworks.tensorflow_lists_gpu"],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, knowledge: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    facts.pythons().filter_map(|python| without_extra(knowledge, python)).collect()
}

fn without_extra(knowledge: &Knowledge, python: &Python) -> Option<Finding> {
    let found = python.tensorflow.seen()?.as_ref()?;
    let version = tensorflow::version(found)?;
    let names = tensorflow::unregistered_for(found)?;
    if !tensorflow::lacks_extra(python, found, &names) {
        return None;
    }
    let wanted = found.cuda_extra.len();
    let here = found.cuda_extra.iter().filter(|wanted| wanted.installed.is_some()).count();
    let path = judge::quoted(&python.path);
    Some(
        Finding::fail(python.subject(), format!("not loaded: {}", names.join(", ")))
            .because(format!("{here} of {wanted} packages of tensorflow[and-cuda] are installed"))
            .with("distribution", found.label())
            .run(format!("{path} -m pip install {}", packages::of_version(knowledge, version))),
    )
}
