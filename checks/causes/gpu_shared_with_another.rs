//! Another program computes on the same GPU.
//!
//! # Meaning
//! Programs on one GPU take turns: with two that compute, each gets about half of its time.
//!
//! # Detection
//! `gpucheck slow`: `nvmlDeviceGetProcessUtilization` tells that other programs use more than a fifth of the GPU's time. Which
//! notebook that is `/proc` and the Jupyter servers of the asking user tell; of another user's no more than its number and user.
//!
//! # Fix
//! Wait for it, or shut it down.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/nvml-api/structnvmlProcessUtilizationSample__t.html>

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Who,
    bottleneck::{self, GpuWork, Sharing, Told, Watch},
    fact::Facts,
    holder, judge, readings,
};

const ITSELF: &str = "load.has_gpu_to_itself";

pub(crate) static CAUSE: Cause =
    Cause { explains: &[ITSELF], severity: Severity::Degraded, who: Who::Student, recognize };

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let Some(Told::Work(watch)) = bottleneck::told(facts) else { return Vec::new() };
    let shared = |gpu: &GpuWork| shared(&watch, gpu, outcomes);
    readings::together(watch.gpus.iter().filter_map(shared).collect())
}

fn shared(watch: &Watch, gpu: &GpuWork, outcomes: &[Outcome]) -> Option<Finding> {
    let Sharing::Time { others, own } = bottleneck::sharing(watch, gpu) else { return None };
    let outcome = readings::troubled(outcomes, ITSELF).find(|outcome| outcome.subject == gpu.subject())?;
    let finding = judge::retold(outcome).accounting_for(ITSELF, &outcome.subject);
    let words = |pid: u32| holder::of_process(watch.facts, gpu.device?, pid).map(|holder| holder.in_words());
    let finding = others.iter().filter_map(|part| words(part.pid)).fold(finding, Finding::because);
    let index = gpu.device.map_or(0, |device| device.index);
    let finding = finding.run(format!("nvidia-smi pmon -i {index} -s um -c 5"));
    let most = others.first()?;
    if own.is_none() {
        return Some(finding.variant("several"));
    }
    let uid = watch.facts.process(most.pid).and_then(|known| known.uid);
    Some(match holder::path_of(watch.facts, most.pid) {
        Some(path) => {
            finding.variant("notebook").with("notebook", path).with("part", most.activity.to_string())
        }
        None if uid.is_some() && uid != judge::uid(watch.facts) => finding.variant("others"),
        None => finding,
    })
}
