//! Second looks, when nothing of ours is on the GPUs any more.
//!
//! The first looks run side by side, and are programs on the GPU themselves: their memory must not be taken for somebody
//! else's, and in compute mode "exclusive process" they keep each other out. Whatever the first looks say of that is
//! asked again, one at a time. A machine on which there is nothing to doubt is not asked again.

use crate::{
    collect,
    probe::{cuda, nvml},
    put_to_work::{EXCLUSIVE, may_be_beside, work_again},
    root::Root,
    worker,
};
use gpucheck_checks::{
    Source,
    fact::{Facts, FrameworkDevice, Memory, NvmlDevice, Observed, Operation, Packages, Python},
};

/// `CUDA_ERROR_DEVICE_UNAVAILABLE`, and how frameworks put it.
const DEVICE_UNAVAILABLE: i64 = 46;
const UNAVAILABLE: [&str; 2] = ["CUDA_ERROR_DEVICE_UNAVAILABLE", "busy or unavailable"];
/// How frameworks say that memory was gone, or hide it.
const MEMORY_GONE: [&str; 5] =
    ["out of memory", "OUT_OF_MEMORY", "RESOURCE_EXHAUSTED", "ALLOC_FAILED", "CUBLAS_STATUS_NOT_INITIALIZED"];
/// Memory in use from which it matters whose it is, in bytes.
const MUCH: u64 = 1 << 30;

/// Asks again what the looks themselves may have disturbed.
pub(crate) fn look_again(options: &collect::Options, ask: &worker::Ask, facts: &mut Facts) {
    let root = &options.root;
    if facts.nvml_devices().any(|device| may_be_ours_alone(root, device)) {
        let refused = |code: Option<i64>| code == Some(DEVICE_UNAVAILABLE);
        if facts.cuda_devices().any(|device| refused(device.context.refusal_code())) {
            (facts.driver, facts.compute) = cuda::probe(&collect::worker(options, cuda::DEADLINE), ask);
        }
    }
    // What was put to work beside the Pythons had memory that they wanted.
    let beside_work = may_be_beside(options, facts) && facts.work.seen().is_some();
    if options.sources.contains(&Source::Frameworks) && are_frameworks_in_doubt(root, facts, beside_work) {
        let behind = collect::driver_is_behind(&facts.module);
        let found = facts.frameworks.seen().map(|seen| seen.environments.clone()).unwrap_or_default();
        facts.frameworks = collect::look_at_frameworks(options, &facts.notebooks, found, behind, true).take();
    }
    // What was not done beside the Pythons was not disturbed by them; only where the driver has just answered anew there
    // was nothing to be put to work before.
    if may_be_beside(options, facts) || facts.work.seen().is_none() {
        work_again(options, ask, facts);
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

/// Whether a device lets one program in, and nobody else's is on it. One that NVML lists and that is gone by now may
/// have been ours: when it was to be told whose it is, it was over.
fn may_be_ours_alone(root: &Root, device: &NvmlDevice) -> bool {
    device.compute_mode.seen().is_some_and(|mode| EXCLUSIVE.contains(mode))
        && !device.processes().any(|process| root.exists(&format!("/proc/{}", process.pid)))
}

fn has_memory_in_doubt(device: &NvmlDevice) -> bool {
    device.memory.seen().is_some_and(|memory| memory.used > MUCH || memory.is_full())
}

/// Whether Pythons, or our work beside them, may have kept each other off a GPU, or what an earlier run saw took a room that is gone.
fn are_frameworks_in_doubt(root: &Root, facts: &Facts, beside_work: bool) -> bool {
    let alone = facts.nvml_devices().any(|device| may_be_ours_alone(root, device));
    let beside_another = beside_work || facts.pythons().nth(1).is_some();
    let is_full = |device: &NvmlDevice| device.memory.seen().is_some_and(Memory::is_full);
    let retold = facts.pythons().any(|python| python.retold_s.is_some());
    (alone && says_one_of(facts, &UNAVAILABLE))
        || (beside_another && says_one_of(facts, &MEMORY_GONE))
        || (retold && facts.nvml_devices().any(is_full))
}

/// Whether a framework wrote one of these words, or failed with one.
fn says_one_of(facts: &Facts, words: &[&str]) -> bool {
    facts.pythons().any(|python| said(python).iter().any(|text| words.iter().any(|word| text.contains(word))))
}

/// What the frameworks of a Python wrote, and their failures.
fn said(python: &Python) -> Vec<String> {
    let tensorflow = python.tensorflow.seen().and_then(Option::as_ref);
    let mut said: Vec<String> =
        tensorflow.iter().flat_map(|found| &found.looks).map(|look| look.log.clone()).collect();
    if let Some(Packages { torch, jax, cupy, cudf, .. }) = python.packages.seen() {
        let torch = torch.iter().map(|found| (&found.devices, &found.operations, &found.log));
        let jax = jax.iter().map(|found| (&found.devices, &found.operations, &found.log));
        let others = cupy.iter().chain(cudf).map(|found| (&found.devices, &found.operations, &found.log));
        for (devices, operations, log) in torch.chain(jax).chain(others) {
            said.push(log.clone());
            said.extend(failures(devices, operations));
        }
    }
    said
}

fn failures(devices: &Observed<Vec<FrameworkDevice>>, operations: &Observed<Vec<Operation>>) -> Vec<String> {
    let done = match operations {
        Observed::Seen(done) | Observed::Interrupted { seen: done, .. } => done.as_slice(),
        Observed::Failed(_) | Observed::NotProbed { .. } => &[],
    };
    let of_operations = done.iter().filter_map(|operation| operation.correct.failure());
    devices
        .failure()
        .into_iter()
        .chain(operations.failure())
        .chain(of_operations)
        .map(ToString::to_string)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    const MACHINE: &str = include_str!("../tests/machines/t4-535/machine.json");
    /// No Linux gives a process this id: its most is 2^22.
    const GONE: u32 = 1 << 23;

    /// The facts of a T4 that is fine, and what differs.
    fn facts(set: &[(&str, Value)]) -> Facts {
        let mut machine: Value = serde_json::from_str(MACHINE).unwrap();
        let facts = machine.get_mut("facts").unwrap();
        for (pointer, value) in set {
            let (parent, name) = pointer.rsplit_once('/').unwrap();
            facts.pointer_mut(parent).unwrap()[name] = value.clone();
        }
        serde_json::from_value(facts.clone()).unwrap()
    }

    fn torch(failed: &Value) -> Value {
        json!({"seen": {"torch": {
            "package": "/opt/torch", "distribution": "2.6.0", "conda_build": null,
            "build": {"seen": {"version": "2.6.0", "cuda": "12.6", "hip": null}},
            "architectures": {"not_probed": {"why": ""}}, "devices": {"seen": []}, "operations": failed,
        }}})
    }

    #[test]
    fn the_words_of_every_framework_count() {
        let packages = "/frameworks/seen/pythons/0/packages";
        // How PyTorch puts cudaErrorDevicesUnavailable.
        let message = "CUDA error: CUDA-capable device(s) is/are busy or unavailable";
        let refused = json!({"failed": {"refused": {"step": "x", "code": 0, "name": "RuntimeError", "message": message}}});
        let operation = json!({"seen": [{"device": "cuda:0", "name": "matmul", "correct": refused}]});
        for failed in [&refused, &operation] {
            let facts = facts(&[(packages, torch(failed))]);
            assert!(says_one_of(&facts, &UNAVAILABLE), "{failed}");
            assert!(!says_one_of(&facts, &MEMORY_GONE), "{failed}");
        }
        let log = "cudaErrorMemoryAllocation: out of memory";
        let cupy = json!({"distributions": [], "operations": {"seen": []}, "log": log});
        assert!(says_one_of(&facts(&[(packages, json!({"seen": {"cupy": cupy}}))]), &MEMORY_GONE));
        assert!(!says_one_of(&facts(&[(packages, torch(&json!({"seen": []})))]), &UNAVAILABLE));
    }

    #[test]
    fn one_python_whose_memory_our_work_may_have_had_is_in_doubt() {
        let log = "cudaErrorMemoryAllocation: out of memory";
        let cupy = json!({"distributions": [], "operations": {"seen": []}, "log": log});
        let facts = facts(&[("/frameworks/seen/pythons/0/packages", json!({"seen": {"cupy": cupy}}))]);
        assert_eq!(facts.pythons().count(), 1);
        let in_doubt = |beside| are_frameworks_in_doubt(&Root::new("/"), &facts, beside);
        assert_eq!([true, false].map(in_doubt), [true, false]);
    }

    #[test]
    fn who_is_gone_may_have_been_ours() {
        let alone = |pid: u32| {
            let process = json!({"pid": pid, "memory": null, "name": null});
            let facts = facts(&[
                ("/nvml/seen/devices/seen/0/seen/compute_mode", json!({"seen": 3})),
                ("/nvml/seen/devices/seen/0/seen/compute_processes", json!({"seen": [process]})),
            ]);
            let device = facts.nvml_devices().next().unwrap();
            assert_eq!(device.processes().count(), 1);
            may_be_ours_alone(&Root::new("/"), device)
        };
        assert!(alone(GONE));
        assert!(!alone(1));
    }
}
