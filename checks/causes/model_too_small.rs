//! The work is too small to fill the GPU.
//!
//! # Meaning
//! Each step of a small model is over before the program has handed the GPU the next one; or what runs there uses a small
//! part of it. The GPU is not at fault, and a larger one is no faster.
//!
//! # Detection
//! `gpucheck slow`: the GPU works a little in every sample, one thread of the program is full and nothing else is. Or it is at
//! work all the time, at less than a third of its power and with hardly any traffic to its memory.
//!
//! # Fix
//! A larger batch; fewer, larger steps.
//!
//! # Source
//! <https://www.tensorflow.org/guide/gpu_performance_analysis>,
//! <https://pytorch.org/tutorials/recipes/recipes/tuning_guide.html>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Who,
    bottleneck::{self, Feeding, Told},
    fact::Facts,
    readings,
};

const FILLS: &str = "load.fills_gpu";

pub(crate) static CAUSE: Cause =
    Cause { explains: &[FILLS], severity: Severity::Degraded, who: Who::Student, recognize };

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let Some(Told::Work(watch)) = bottleneck::told(facts) else { return Vec::new() };
    let launches = matches!(bottleneck::feeding(&watch), Some(Feeding::Launches { .. }));
    let word = |finding: Finding| if launches { finding } else { finding.variant("narrow") };
    readings::as_told(outcomes, FILLS)
        .into_iter()
        .map(|finding| word(finding).run("nvidia-smi dmon -s pu -c 5"))
        .collect()
}
