//! TensorFlow does not find CUDA's libraries.
//!
//! # Meaning
//! The driver works. TensorFlow also opens the CUDA libraries that it was built with (cudart, cuBLAS, cuDNN, ...), and
//! one of them is not where it looks; then it registers no GPU at all.
//!
//! # Detection
//! TensorFlow's log names each library that it could not load; its build information names the versions.
//!
//! # Fix
//! From 2.14 on `pip install "tensorflow[and-cuda]"` of the same version brings them all; older ones want CUDA and cuDNN
//! of their tested versions, by conda or by packages.
//!
//! # Source
//! <https://www.tensorflow.org/install/pip>, tensorflow/tensorflow#34287, #60646, #110956

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Who,
    fact::{Facts, LibraryPlace, Python},
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
    facts.pythons().filter_map(|python| missing(knowledge, python)).collect()
}

fn missing(knowledge: &Knowledge, python: &Python) -> Option<Finding> {
    let found = python.tensorflow.seen()?.as_ref()?;
    let names = tensorflow::unregistered_for(found)?;
    if tensorflow::lacks_extra(python, found, &names) {
        // That is a disease of its own.
        return None;
    }
    let finding = Finding::fail(python.subject(), format!("not loaded: {}", names.join(", ")))
        .with("distribution", found.label())
        .with("libraries", names.join(", "));
    let finding = match found.build.seen() {
        Some(build) => finding.because(format!(
            "built with CUDA {}, cuDNN {}",
            build.cuda_version.as_deref().unwrap_or("?"),
            build.cudnn_version.as_deref().unwrap_or("?")
        )),
        None => finding,
    };
    let finding = elsewhere(python, &names).into_iter().fold(finding, Finding::because);
    let version = tensorflow::version(found)?;
    Some(if judge::has_cuda_extra(version) {
        let path = judge::quoted(&python.path);
        finding.run(format!("{path} -m pip install {}", packages::of_version(knowledge, version)))
    } else {
        before_the_extra(python, &names, finding)
    })
}

/// Where the missing files are, and which other versions of them there are; four lines at most.
fn elsewhere(python: &Python, names: &[&str]) -> Vec<String> {
    let Some(parts) = tensorflow::parts(python) else { return Vec::new() };
    let here = names.iter().flat_map(|name| {
        parts.folders_with(name).map(move |folder| format!("not looked into: {}/{name}", folder.path))
    });
    let other =
        names.iter().flat_map(|name| parts.other_versions(name)).map(|path| format!("there is {path}"));
    here.chain(other).take(4).collect()
}

/// Adds the fix for a version that has no packages of CUDA beside it.
fn before_the_extra(python: &Python, names: &[&str], finding: Finding) -> Finding {
    let Some(parts) = tensorflow::parts(python) else {
        return finding.variant("before_2_14").see("https://www.tensorflow.org/install/source#gpu");
    };
    let in_conda = |name: &&str| parts.folders_with(name).any(|folder| folder.place == LibraryPlace::Conda);
    let prefix = python.interpreter.seen().map(|interpreter| interpreter.prefix.clone());
    match prefix.filter(|_| names.iter().all(in_conda)) {
        Some(prefix) => {
            let prefix = judge::quoted(&prefix);
            finding
                .variant("conda_not_looked_into")
                .run(format!("conda env config vars set -p {prefix} LD_LIBRARY_PATH={prefix}/lib"))
        }
        None => finding.variant("before_2_14").see("https://www.tensorflow.org/install/source#gpu"),
    }
}
