//! TensorFlow lists the GPU.
//!
//! # Meaning
//! `device_lib.list_local_devices()` names a `/device:GPU:0`. It does not where TensorFlow cannot load one of CUDA's
//! libraries, or where the driver does not start.
//!
//! # Detection
//! That very call, in a process of this Python, with its log: TensorFlow names each library that it misses.
//!
//! # Fix
//! Install the CUDA libraries that this build wants: `pip install "tensorflow[and-cuda]"` from 2.14 on.
//!
//! # Source
//! <https://www.tensorflow.org/install/pip>, tensorflow/tensorflow#63362

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Facts, Python, TensorFlow},
    judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &[
        "compute.adds_vectors",
        "frameworks.tensorflow_built_with_cuda",
        "frameworks.tensorflow_imports",
        "pci.gpu_present",
    ],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    facts.pythons().map(|python| judge::tensorflow(python, judge_listing)).collect()
}

fn judge_listing(subject: Subject, _: &Python, tensorflow: &TensorFlow) -> Finding {
    let Some((look, listing)) = judge::listing(tensorflow) else {
        return unlisted(subject, tensorflow);
    };
    let names: Vec<&str> = listing.devices.iter().map(|device| device.name.as_str()).collect();
    let names = if names.is_empty() { "no device".to_owned() } else { names.join(", ") };
    if listing.gpus().next().is_some() {
        return Finding::pass(subject, names);
    }
    let finding = Finding::fail(subject, format!("{} lists {names} only", tensorflow.label()));
    judge::log_lines(finding, &look.log, judge::GPU_TROUBLE)
}

fn unlisted(subject: Subject, tensorflow: &TensorFlow) -> Finding {
    let Some(look) = tensorflow.best_look() else { return Finding::unknown(subject, "nobody looked") };
    match look.listing.failure() {
        Some(by) if judge::came_after_import(by) => {
            judge::log_lines(Finding::fail(subject, by.to_string()), &look.log, judge::GPU_TROUBLE)
        }
        Some(_) | None => {
            Finding::unknown(subject, format!("nothing was listed: {}", look.listing.why_not()))
        }
    }
}
