//! CUDA's libraries are installed with pip, and TensorFlow does not look where they are.
//!
//! # Meaning
//! pip put CUDA's libraries into the environment, below `nvidia`, and this TensorFlow does not look into the folders of
//! all of them. 2.16 and 2.17 are known for it; 2.21 misses that of cuSOLVER.
//!
//! # Detection
//! Every library that TensorFlow's log says it could not load lies below `nvidia` in the same environment.
//!
//! # Fix
//! Links to the libraries in a folder where TensorFlow looks.
//!
//! # Source
//! <https://www.tensorflow.org/install/pip> (step 6), tensorflow/tensorflow#63362; for 2.21 `readelf -d
//! libtensorflow_framework.so.2`

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{CudaParts, Facts, LibraryFolder, LibraryPlace, Python, TensorFlow},
    judge, tensorflow,
};

/// The first release whose libraries do not look into TensorFlow's own folder.
const LEAVES_OWN_FOLDER: (i32, i32) = (2, 18);

pub(crate) static CAUSE: Cause = Cause {
    explains: &["frameworks.tensorflow_lists_gpu"],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    facts.pythons().filter_map(overlooked).collect()
}

fn overlooked(python: &Python) -> Option<Finding> {
    let found = python.tensorflow.seen()?.as_ref()?;
    let names = tensorflow::unregistered_for(found)?;
    let parts = tensorflow::parts(python)?;
    let folders: Vec<&LibraryFolder> = names.iter().map(|name| wheel(parts, name)).collect::<Option<_>>()?;
    let finding =
        Finding::fail(Subject::Python(python.path.clone()), format!("not loaded: {}", names.join(", ")))
            .with("distribution", found.label())
            .with("libraries", names.join(", "));
    let places = names.iter().zip(&folders);
    let finding = places
        .clone()
        .fold(finding, |finding, (name, folder)| finding.because(format!("{}/{name}", folder.path)));
    let files: Vec<String> =
        places.map(|(name, folder)| judge::quoted(&format!("{}/{name}", folder.path))).collect();
    let target = judge::quoted(&target(found, parts, &folders)?);
    Some(finding.run(format!("ln -sfv {} {target}/", files.join(" "))))
}

/// The folder below `nvidia` that holds a library.
fn wheel<'a>(parts: &'a CudaParts, name: &'a str) -> Option<&'a LibraryFolder> {
    parts.folders_with(name).find(|folder| folder.place == LibraryPlace::Wheel)
}

/// A folder where TensorFlow looks: up to 2.17 its own, later that of cuBLAS.
fn target(found: &TensorFlow, parts: &CudaParts, missing: &[&LibraryFolder]) -> Option<String> {
    let version = tensorflow::pair(tensorflow::version(found)?)?;
    if version < LEAVES_OWN_FOLDER {
        return Some(found.package.clone());
    }
    let mut wheels = parts.folders.iter().filter(|folder| folder.place == LibraryPlace::Wheel);
    let looks_into = |folder: &&LibraryFolder| {
        folder.path.ends_with("/nvidia/cublas/lib") && !missing.iter().any(|other| other.path == folder.path)
    };
    wheels.find(looks_into).map(|folder| folder.path.clone())
}
