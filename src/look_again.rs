//! Second looks, when nothing of ours is on the GPUs any more.
//!
//! The first looks run side by side, and are programs on the GPU themselves: their memory must not be taken for somebody
//! else's, and in compute mode "exclusive process" they keep each other out. Whatever the first looks say of that is
//! asked again, one at a time. A machine on which there is nothing to doubt is not asked again.

use crate::{collect, probe::cuda, probe::nvml, worker};
use gpucheck_checks::{
    Source,
    fact::{Facts, Memory, NvmlDevice, Observed},
};

/// `CUDA_ERROR_DEVICE_UNAVAILABLE`, and how frameworks put it.
const DEVICE_UNAVAILABLE: i64 = 46;
const UNAVAILABLE: [&str; 2] = ["CUDA_ERROR_DEVICE_UNAVAILABLE", "busy or unavailable"];
/// How frameworks say that memory was gone, or hide it.
const MEMORY_GONE: [&str; 5] =
    ["out of memory", "OUT_OF_MEMORY", "RESOURCE_EXHAUSTED", "ALLOC_FAILED", "CUBLAS_STATUS_NOT_INITIALIZED"];
/// `nvmlComputeMode_t`: exclusive thread, which is gone since CUDA 8, and exclusive process.
const EXCLUSIVE: [u32; 2] = [1, 3];
/// Memory in use from which it matters whose it is, in bytes.
const MUCH: u64 = 1 << 30;

/// Asks again what the looks themselves may have disturbed.
pub(crate) fn look_again(options: &collect::Options, ask: &worker::Ask, facts: &mut Facts) {
    if facts.nvml_devices().any(may_be_ours_alone) {
        let refused = |code: Option<i64>| code == Some(DEVICE_UNAVAILABLE);
        if facts.cuda_devices().any(|device| refused(device.context.refusal_code())) {
            (facts.driver, facts.compute) = cuda::probe(&collect::worker(options, cuda::DEADLINE), ask);
        }
    }
    if options.sources.contains(&Source::Frameworks) && are_frameworks_in_doubt(facts) {
        let behind = collect::driver_is_behind(&facts.module);
        let found = facts.frameworks.seen().map(|seen| seen.environments.clone()).unwrap_or_default();
        facts.frameworks = collect::look_at_frameworks(options, &facts.notebooks, found, behind, true).take();
    }
    if facts.nvml_devices().any(has_memory_in_doubt) {
        let again = nvml::probe(&collect::worker(options, nvml::DEADLINE), ask);
        if let (Observed::Seen(first), Observed::Seen(mut again)) = (&facts.nvml, again) {
            // Only the first look found the cards as they were.
            again.start_ms = first.start_ms;
            facts.nvml = Observed::Seen(again);
        }
    }
}

/// Whether a device lets one program in, and nobody else's is on it.
fn may_be_ours_alone(device: &NvmlDevice) -> bool {
    device.compute_mode.seen().is_some_and(|mode| EXCLUSIVE.contains(mode))
        && device.processes().next().is_none()
}

fn has_memory_in_doubt(device: &NvmlDevice) -> bool {
    device.memory.seen().is_some_and(|memory| memory.used > MUCH || memory.is_full())
}

/// Whether Pythons may have kept each other off a GPU, or what an earlier run saw took a room that is gone.
fn are_frameworks_in_doubt(facts: &Facts) -> bool {
    let alone = facts.nvml_devices().any(may_be_ours_alone);
    let beside_another = facts.pythons().nth(1).is_some();
    let is_full = |device: &NvmlDevice| device.memory.seen().is_some_and(Memory::is_full);
    let retold = facts.pythons().any(|python| python.retold_s.is_some());
    (alone && says_one_of(facts, &UNAVAILABLE))
        || (beside_another && says_one_of(facts, &MEMORY_GONE))
        || (retold && facts.nvml_devices().any(is_full))
}

/// Whether a framework wrote one of these words.
fn says_one_of(facts: &Facts, words: &[&str]) -> bool {
    let tensorflows = facts.pythons().filter_map(|python| python.tensorflow.seen()?.as_ref());
    let mut logs = tensorflows.flat_map(|tensorflow| &tensorflow.looks).map(|look| &look.log);
    logs.any(|log| words.iter().any(|word| log.contains(word)))
}
