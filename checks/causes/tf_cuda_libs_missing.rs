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
    Cause, Finding, Knowledge, Outcome, Severity, Subject, Who,
    fact::{Facts, Python},
    judge,
};

const MISSING: &str = "Could not load dynamic library '";

pub(crate) static CAUSE: Cause = Cause {
    explains: &["frameworks.tensorflow_lists_gpu"],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, _: &[Outcome]) -> Vec<Finding> {
    facts.pythons().filter_map(missing).collect()
}

fn missing(python: &Python) -> Option<Finding> {
    let tensorflow = python.tensorflow.seen()?.as_ref()?;
    let (look, listing) = judge::listing(tensorflow)?;
    let mut names: Vec<&str> = Vec::new();
    for name in look.log.split(MISSING).skip(1).filter_map(|rest| rest.split('\'').next()) {
        // TensorRT is an extra that nothing here needs.
        if !names.contains(&name) && name.starts_with("lib") && !name.starts_with("libnvinfer") {
            names.push(name);
        }
    }
    let of_driver = |name: &&str| name.starts_with("libcuda.so") || name.starts_with("libnvidia-ml.so");
    let driver_itself = names.iter().any(of_driver);
    let ignored = look.log.contains("Ignoring visible gpu device");
    if names.is_empty() || driver_itself || ignored || listing.gpus().next().is_some() {
        return None;
    }
    let finding =
        Finding::fail(Subject::Python(python.path.clone()), format!("not loaded: {}", names.join(", ")))
            .with("distribution", tensorflow.label())
            .with("libraries", names.join(", "));
    let finding = match tensorflow.build.seen() {
        Some(build) => finding.because(format!(
            "built with CUDA {}, cuDNN {}",
            build.cuda_version.as_deref().unwrap_or("?"),
            build.cudnn_version.as_deref().unwrap_or("?")
        )),
        None => finding,
    };
    let version = &tensorflow.distributions.first()?.version;
    Some(if judge::has_cuda_extra(version) {
        let path = judge::quoted(&python.path);
        finding.run(format!("{path} -m pip install \"tensorflow[and-cuda]=={version}\""))
    } else {
        finding.variant("before_2_14").see("https://www.tensorflow.org/install/source#gpu")
    })
}
