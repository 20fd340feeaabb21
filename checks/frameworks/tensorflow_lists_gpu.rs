//! TensorFlow lists the GPU.
//!
//! # Meaning
//! `device_lib.list_local_devices()` names a `/device:GPU:0`. It does not where TensorFlow cannot load one of CUDA's
//! libraries, or where the driver does not start.
//!
//! # Detection
//! That very call, in a process of this Python, with its log: TensorFlow names each library that it misses. Fewer GPUs than
//! compute are a warning, but not where CUDA_VISIBLE_DEVICES of this Python selects as few.
//!
//! # Fix
//! Install the CUDA libraries that this build wants: `pip install "tensorflow[and-cuda]"` from 2.14 on.
//!
//! # Source
//! <https://www.tensorflow.org/install/pip>, tensorflow/tensorflow#63362

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Facts, Python, TensorFlow},
    judge, selection,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Compute, Source::Frameworks],
    needs: &[
        "compute.adds_vectors",
        "frameworks.driver_runs_tensorflow",
        "frameworks.tensorflow_built_with_cuda",
        "frameworks.tensorflow_imports",
        "pci.gpu_present",
    ],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    let judge_listing =
        |subject, python: &Python, tensorflow: &TensorFlow| judge_listing(facts, subject, python, tensorflow);
    facts.pythons().map(|python| judge::tensorflow(python, judge_listing)).collect()
}

fn judge_listing(facts: &Facts, subject: Subject, python: &Python, tensorflow: &TensorFlow) -> Finding {
    let Some((look, listing)) = judge::listing(tensorflow) else {
        return unlisted(subject, tensorflow);
    };
    let names: Vec<&str> = listing.devices.iter().map(|device| device.name.as_str()).collect();
    let names = if names.is_empty() { "no device".to_owned() } else { names.join(", ") };
    let listed = listing.gpus().count();
    let computing = computing(facts);
    let selection = selection::of(facts, python).filter(|(_, selected)| *selected < computing);
    if let Some((value, selected)) = selection.filter(|(_, selected)| (1..=listed).contains(selected)) {
        let text = format!("{names}; CUDA_VISIBLE_DEVICES={value:?} selects {selected} of {computing} GPUs");
        return Finding::pass(subject, text);
    }
    if listed > 0 && listed < computing {
        let finding =
            Finding::new(subject, Verdict::Warn, format!("{names}, where {computing} GPUs compute"));
        return judge::log_lines(finding.variant("some"), &look.log, judge::GPU_TROUBLE);
    }
    if listed > 0 {
        return Finding::pass(subject, names);
    }
    let finding = Finding::fail(subject, format!("{} lists {names} only", tensorflow.label()));
    judge::log_lines(finding, &look.log, judge::GPU_TROUBLE)
}

/// How many devices CUDA computed on, every bit right.
fn computing(facts: &Facts) -> usize {
    let devices = facts.compute.seen().into_iter().flat_map(|compute| &compute.devices);
    devices.filter(|device| device.vector_add.seen().is_some_and(|sum| sum.wrong == 0)).count()
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
