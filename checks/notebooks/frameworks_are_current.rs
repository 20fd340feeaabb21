//! Frameworks that run in what asks see the GPUs that are there now.
//!
//! # Meaning
//! A framework looks for GPUs once, when it is first used, and keeps what it found until its process ends. One that looked
//! while there was none, or while `CUDA_VISIBLE_DEVICES` hid them, stays on the CPU in that notebook, whatever is mended
//! or set afterwards. So does `LD_LIBRARY_PATH` come too late there: the loader reads it when a process starts.
//!
//! # Detection
//! Asked from a notebook (`%gpucheck`) or a program (`gpucheck.run()`): a framework that has looked for GPUs there found
//! none, while it lists some in a new process of the same Python. Or none lists a GPU in a new process, and
//! `LD_LIBRARY_PATH` was changed since that notebook was started.
//!
//! # Fix
//! Restart the kernel; set such variables before the first import, `LD_LIBRARY_PATH` in `kernel.json`.
//!
//! # Source
//! <https://www.tensorflow.org/guide/gpu> ("Visible devices must be set before GPUs have been initialized"), man 8 ld.so

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Verdict, Who,
    fact::{Asking, Facts, FrameworkDevice, Frameworks, Observed, Python, TensorFlow},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &[],
    severity: Severity::Degraded,
    who: Who::Student,
    judge: judge_all,
};

/// The frameworks, and how each is called.
const FRAMEWORKS: [(&str, &str); 3] = [("tensorflow", "TensorFlow"), ("torch", "PyTorch"), ("jax", "JAX")];
const LIBRARIES: &str = "LD_LIBRARY_PATH";

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    let asking = facts.frameworks.seen().and_then(Frameworks::asking);
    asking.into_iter().map(|(asking, python)| judge_asking(asking, python)).collect()
}

fn judge_asking(asking: &Asking, python: &Python) -> Finding {
    let subject = python.subject();
    let stale = FRAMEWORKS.iter().find_map(|(name, called)| {
        let found_none = asking.running.get(*name) == Some(&0);
        let now = listed(python, name).filter(|gpus| found_none && *gpus > 0)?;
        Some((called, now))
    });
    if let Some((called, now)) = stale {
        let summary = format!("{called} runs in it and found no GPU; in a new process it lists {now}");
        let finding = Finding::fail(subject, summary).with("framework", *called);
        return if asking.notebook { finding } else { finding.variant("program") };
    }
    let lists: Vec<usize> = FRAMEWORKS.iter().filter_map(|(name, _)| listed(python, name)).collect();
    if asking.changed.iter().any(|name| name == LIBRARIES)
        && !lists.is_empty()
        && lists.iter().all(|n| *n == 0)
    {
        let summary = format!("{LIBRARIES} was changed since it was started, and no framework lists a GPU");
        return Finding::new(subject, Verdict::Warn, summary).variant("late");
    }
    let seen = if asking.running.is_empty() {
        "no framework has looked for GPUs in it yet"
    } else {
        "what runs in it found what a new process finds"
    };
    Finding::pass(subject, seen)
}

/// How many GPUs a framework lists in a new process; none where it did not come to that.
fn listed(python: &Python, name: &str) -> Option<usize> {
    let packages = python.packages.seen();
    let of = |devices: &Observed<Vec<FrameworkDevice>>| devices.seen().map(Vec::len);
    match name {
        "tensorflow" => {
            let look = python.tensorflow.seen()?.as_ref().and_then(TensorFlow::best_look)?;
            Some(look.listing.seen()?.gpus().count())
        }
        "torch" => of(&packages?.torch.as_ref()?.devices),
        "jax" => of(&packages?.jax.as_ref()?.devices),
        _ => None,
    }
}
