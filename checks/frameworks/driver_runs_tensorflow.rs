//! The driver is new enough for the CUDA that TensorFlow was built with.
//!
//! # Meaning
//! CUDA's libraries run on drivers of their own major version and newer: those of CUDA 12 want a driver of branch 525 or
//! newer, those of CUDA 11 one of 450. On an older one every call ends in `CUDA driver version is insufficient for CUDA
//! runtime version`.
//!
//! # Detection
//! The major version of CUDA in TensorFlow's build information beside that of `cuDriverGetVersion`; up to CUDA 10.2 the
//! minor counts, too. Where TensorFlow computed on the GPU, that decides.
//!
//! # Fix
//! A newer driver, if there is one for the GPU; else a TensorFlow of an older CUDA.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Facts, Python, TensorFlow},
    judge, tensorflow,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Driver, Source::Frameworks],
    needs: &[
        "driver.loads",
        "frameworks.tensorflow_built_with_cuda",
        // No driver helps where there is no code for the GPU.
        "frameworks.tensorflow_has_code_for_gpu",
        "pci.gpu_present",
    ],
    severity: Severity::Unusable,
    who: Who::Instructor,
    judge: judge_all,
};

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    let judge_python =
        |subject, _: &Python, tensorflow: &TensorFlow| judge_driver(facts, knowledge, subject, tensorflow);
    facts.pythons().map(|python| judge::tensorflow(python, judge_python)).collect()
}

fn judge_driver(facts: &Facts, knowledge: &Knowledge, subject: Subject, found: &TensorFlow) -> Finding {
    if tensorflow::is_cuda_build(found) == Some(false) {
        return Finding::not_applicable(subject, format!("{} was built without CUDA", found.label()));
    }
    let Some(built) = tensorflow::cuda(knowledge, found) else {
        return Finding::unknown(subject, format!("{} does not tell its CUDA", found.label()));
    };
    let version = facts.driver.seen().and_then(|driver| driver.version.seen());
    let Some(driver) = version.map(|version| (version / 1000, version % 1000 / 10)) else {
        return Finding::unknown(subject, "the driver does not tell its CUDA");
    };
    let said = format!(
        "{} of CUDA {}.{}, driver of CUDA {}.{}",
        found.label(),
        built.0,
        built.1,
        driver.0,
        driver.1
    );
    let gpus = tensorflow::gpus(facts, knowledge);
    let enough = if built < (11, 0) { driver >= built } else { driver.0 >= built.0 };
    if enough || gpus.iter().any(|gpu| tensorflow::computes_on(found, gpu)) {
        Finding::pass(subject, said)
    } else {
        Finding::fail(subject, said)
            .with("distribution", found.label())
            .with("cuda", format!("{}.{}", built.0, built.1))
    }
}
