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
    Cause, Finding, Knowledge, Outcome, Severity, Who,
    fact::{CudaParts, Facts, LibraryFolder, LibraryPlace, Python, TensorFlow},
    judge, tensorflow,
};

/// The first release whose libraries do not look into TensorFlow's own folder.
const LEAVES_OWN_FOLDER: (i32, i32) = (2, 18);

pub(crate) static CAUSE: Cause = Cause {
    explains: &["libraries.all_found", "frameworks.tensorflow_lists_gpu"],
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
    let files: Vec<String> =
        names.iter().zip(&folders).map(|(name, folder)| format!("{}/{name}", folder.path)).collect();
    let finding = Finding::fail(python.subject(), format!("not loaded: {}", names.join(", ")))
        .with("distribution", found.label())
        .with("libraries", names.join(", "));
    let finding = files.iter().take(4).fold(finding, |finding, file| finding.because(file.clone()));
    Some(finding.run(link(found, parts, &folders, &files)?))
}

/// The command that makes the links: up to 2.17 in TensorFlow's own folder, as its manual has it; later in that of
/// cuBLAS.
fn link(
    found: &TensorFlow,
    parts: &CudaParts,
    folders: &[&LibraryFolder],
    files: &[String],
) -> Option<String> {
    let version = tensorflow::pair(tensorflow::version(found)?)?;
    if version < LEAVES_OWN_FOLDER {
        let (site, _) = folders.first()?.path.rsplit_once("/nvidia/")?;
        let (site, own) = (judge::quoted(site), judge::quoted(&found.package));
        return Some(format!("ln -sfv {site}/nvidia/*/lib/*.so* {own}/"));
    }
    let mut wheels = parts.folders.iter().filter(|folder| folder.place == LibraryPlace::Wheel);
    let looks_into = |folder: &&LibraryFolder| {
        folder.path.ends_with("/nvidia/cublas/lib") && !folders.iter().any(|other| other.path == folder.path)
    };
    let files: Vec<String> = files.iter().map(|file| judge::quoted(file)).collect();
    Some(format!("ln -sfv {} {}/", files.join(" "), judge::quoted(&wheels.find(looks_into)?.path)))
}

/// The folder below `nvidia` that holds a library.
fn wheel<'a>(parts: &'a CudaParts, name: &'a str) -> Option<&'a LibraryFolder> {
    parts.folders_with(name).find(|folder| folder.place == LibraryPlace::Wheel)
}
