//! Work that fails on its way: what was seen before is kept, what was taken is given back.

use super::{PATIENCE, SMALL, assert_nothing_is_left, done, only, plan};
use crate::simulated::{Simulated, k80, t4};
use gpucheck::probe::cuda::work::Wish;
use gpucheck_checks::fact::{Observed, ProbeFailure, Work};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Calls of the first look that count as well in no other process; in the work's, launches are: two products, then two for
/// each pass over memory.
const WRITE_OF_SECOND_PASS: u32 = 5;

fn with(mut scenario: Value, fault: &Value) -> (Simulated, gpucheck::probe::cuda::work::Plan) {
    let (_, plan) = plan(&Simulated::new(&scenario), SMALL);
    scenario["faults"] = json!([fault]);
    (Simulated::new(&scenario), plan)
}

fn refused(code: i64) -> impl Fn(Option<&ProbeFailure>) -> bool {
    move |by| by.and_then(ProbeFailure::refusal_code) == Some(code)
}

#[test]
fn a_wrong_product_is_found_where_it_is_wrong() {
    for (nth, integers) in [(1, true), (2, false)] {
        // 272 bytes are one row and four elements of 64 by 64.
        let flip = json!({"call": "cuLaunchKernel", "nth": nth, "do": {"bit_flip": {"byte": 272, "bit": 2}}});
        let (simulated, plan) = with(t4(), &flip);
        let done = done(&simulated, &plan, PATIENCE);
        let device = only(&done);
        let (wrong, right) = if integers {
            (&device.integer_product, &device.float_product)
        } else {
            (&device.float_product, &device.integer_product)
        };
        let wrong = wrong.seen().unwrap();
        assert_eq!((wrong.size, wrong.wrong, wrong.first_wrong), (64, 1, Some((1, 4))));
        assert_eq!(right.seen().unwrap().wrong, 0);
        assert_nothing_is_left(&simulated.trace());
    }
}

#[test]
fn what_never_runs_is_no_pass() {
    for (call, nth) in
        [("cuLaunchKernel", 1), ("cuLaunchKernel", 3), ("cuLaunchKernel", 4), ("cuMemcpyDtoH_v2", 1)]
    {
        let (simulated, plan) = with(t4(), &json!({"call": call, "nth": nth, "do": "skip"}));
        let done = done(&simulated, &plan, PATIENCE);
        let device = only(&done);
        let product = device.integer_product.seen().unwrap();
        let memory = &device.memory;
        match (call, nth) {
            // Nothing was written, and nothing of the first pass is right but the first word: fresh memory is zero, and so
            // is its index.
            ("cuLaunchKernel", 3) => assert_eq!(memory.seen().unwrap().wrong, (1 << 18) - 1),
            ("cuLaunchKernel", 4) => {
                let by = memory.failure().unwrap();
                assert!(by.to_string().contains("0 quads were compared, not 65536"), "{by}");
            }
            _ => assert_eq!((product.wrong, product.first_wrong), (64 * 64, Some((0, 0)))),
        }
    }
}

#[test]
fn a_copy_that_never_happens_is_all_wrong() {
    for call in ["cuMemcpyDtoD_v2", "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2"] {
        let (simulated, mut plan) = with(t4(), &json!({"call": call, "do": "skip"}));
        plan.devices[0].untimed = None;
        let done = done(&simulated, &plan, PATIENCE);
        let device = only(&done);
        let wrong = |copy: &Observed<_>| -> u64 {
            copy.seen().map(|copy: &gpucheck_checks::fact::Transfer| copy.wrong).unwrap()
        };
        let [within, up, down] = [&device.copy, &device.upload, &device.download].map(wrong);
        // What is wrong by chance is right in one byte of 256.
        let nearly = |wrong: u64, all: u64| wrong > all / 100 * 98 && wrong <= all;
        match call {
            "cuMemcpyDtoD_v2" => assert!(nearly(within, 1 << 19) && up + down == 0, "{within}"),
            "cuMemcpyHtoDAsync_v2" => assert!(nearly(up, 1 << 20) && within + down == 0, "{up}"),
            _ => assert!(nearly(down, 1 << 20) && within + up == 0, "{down}"),
        }
        assert_nothing_is_left(&simulated.trace());
    }
}

#[test]
fn arithmetic_that_is_wrong_is_told() {
    let (simulated, mut plan) =
        with(t4(), &json!({"call": "cuMemcpyDtoH_v2", "from": 1, "do": {"bit_flip": {"byte": 4}}}));
    plan.devices[0].untimed = None;
    let done = done(&simulated, &plan, PATIENCE);
    assert_eq!(only(&done).arithmetic.seen().unwrap().wrong, 1);
}

#[test]
fn a_hang_ends_at_the_deadline_and_what_was_seen_is_kept() {
    let hang = json!({"call": "cuLaunchKernel", "nth": WRITE_OF_SECOND_PASS, "do": "hang"});
    let (simulated, plan) = with(t4(), &hang);
    let (start, deadline) = (Instant::now(), Duration::from_secs(4));
    let done = done(&simulated, &plan, deadline);
    assert!(start.elapsed() < deadline + Duration::from_secs(2));
    let Observed::Interrupted { by, .. } = &done else { panic!("{done:#?}") };
    let timed_out =
        ProbeFailure::TimedOut { after_ms: 4000, step: "cuLaunchKernel".to_owned(), unkillable: false };
    assert_eq!(by, &timed_out);
    let device = only(&done);
    assert_eq!(device.float_product.seen().unwrap().wrong, 0);
    let Observed::Interrupted { seen, by } = &device.memory else { panic!("{device:#?}") };
    assert_eq!((seen.passes.len(), seen.wrong, by), (1, 0, &timed_out));
}

#[test]
fn a_crash_costs_its_step_and_what_comes_after() {
    let (simulated, plan) = with(t4(), &json!({"call": "cuEventSynchronize", "nth": 2, "do": "segv"}));
    let done = done(&simulated, &plan, PATIENCE);
    let device = only(&done);
    let crashed = ProbeFailure::Crashed { signal: 11, step: "cuEventSynchronize".to_owned() };
    assert_eq!(device.integer_product.seen().unwrap().wrong, 0);
    assert_eq!(device.float_product, Observed::Failed(crashed));
    assert!(matches!(device.memory, Observed::NotProbed { .. }));
}

#[test]
fn a_crash_on_one_device_does_not_cost_the_other_its_turn() {
    let (simulated, plan) =
        with(k80(), &json!({"call": "cuLaunchKernel", "nth": 2, "gpu": 0, "do": "abort"}));
    let done = done(&simulated, &plan, PATIENCE);
    let Observed::Interrupted { seen: Work { devices, .. }, by } = &done else { panic!("{done:#?}") };
    let [first, second] = devices.as_slice() else { panic!("{devices:#?}") };
    assert_eq!(first.float_product.failure(), Some(by));
    assert!(matches!(by, ProbeFailure::Crashed { signal: 6, .. }), "{by:?}");
    assert_eq!((second.memory.seen().unwrap().passes.len(), second.rounds), (5, 1));
}

#[test]
fn a_launch_that_is_refused_costs_its_step_alone() {
    let (simulated, plan) = with(t4(), &json!({"call": "cuLaunchKernel", "nth": 1, "do": {"return": 1}}));
    let done = done(&simulated, &plan, PATIENCE);
    let device = only(&done);
    assert!(refused(1)(device.integer_product.failure()));
    assert_eq!(device.float_product.seen().unwrap().wrong, 0);
    assert_eq!(device.memory.seen().unwrap().passes.len(), 5);
    assert_nothing_is_left(&simulated.trace());
}

#[test]
fn an_error_that_cuda_keeps_costs_the_rest_of_both_devices() {
    let (simulated, plan) = with(k80(), &json!({"call": "cuLaunchKernel", "nth": 2, "do": {"return": 719}}));
    let done = done(&simulated, &plan, PATIENCE);
    let Observed::Seen(Work { devices, .. }) = &done else { panic!("{done:#?}") };
    let [first, second] = devices.as_slice() else { panic!("{devices:#?}") };
    assert_eq!(first.integer_product.seen().unwrap().wrong, 0);
    assert!(refused(719)(first.float_product.failure()));
    for left in [&first.memory.why_not(), &second.memory.why_not(), &second.integer_product.why_not()] {
        assert!(left.contains("device 0 left CUDA_ERROR_LAUNCH_FAILED"), "{left}");
    }
}

#[test]
fn one_devices_failure_does_not_cost_the_others() {
    for (call, code) in [("cuDevicePrimaryCtxRetain", 46), ("cuModuleLoadDataEx", 218), ("cuEventCreate", 1)]
    {
        let (simulated, plan) = with(k80(), &json!({"call": call, "nth": 1, "do": {"return": code}}));
        let done = done(&simulated, &plan, PATIENCE);
        let Observed::Seen(Work { devices, .. }) = &done else { panic!("{done:#?}") };
        let [first, second] = devices.as_slice() else { panic!("{devices:#?}") };
        let failed = first.free.failure().or(first.integer_product.failure());
        assert!(refused(code)(failed), "{call}: {first:#?}");
        assert!(matches!(first.memory, Observed::NotProbed { .. }));
        assert_eq!(second.memory.seen().unwrap().passes.len(), 5, "{call}");
        assert_nothing_is_left(&simulated.trace());
    }
}

#[test]
fn memory_that_runs_out_is_covered_as_far_as_it_is_had() {
    let mut scenario = t4();
    scenario["gpus"][0]["memory"] = json!({"total": 1_600 << 20, "reserved": 0});
    let simulated = Simulated::new(&scenario);
    let (_, mut plan) = plan(&simulated, Wish { deep: true, ..Wish::default() });
    plan.product_size = 64;
    plan.passes.truncate(1);
    plan.devices[0].untimed = Some("test".to_owned());
    // Three of each product, the report, and then pieces of 1 GiB: there is one, and nothing of any size after it.
    scenario["faults"] = json!([{"call": "cuMemAlloc_v2", "from": 9, "do": {"return": 2}}]);
    let simulated = Simulated::new(&scenario);
    let done = done(&simulated, &plan, PATIENCE);
    let memory = only(&done).memory.seen().unwrap_or_else(|| panic!("{done:#?}"));
    assert_eq!((memory.bytes, memory.wrong, memory.passes.len()), (1 << 30, 0, 1));
    assert_nothing_is_left(&simulated.trace());
    // One piece is refused: the rest is had in smaller ones.
    scenario["faults"] = json!([{"call": "cuMemAlloc_v2", "nth": 9, "do": {"return": 2}}]);
    let simulated = Simulated::new(&scenario);
    let done = super::done(&simulated, &plan, PATIENCE);
    assert!(only(&done).memory.seen().unwrap().bytes > 1_500 << 20);
    scenario["faults"] = json!([{"call": "cuMemAlloc_v2", "from": 8, "do": {"return": 2}}]);
    let simulated = Simulated::new(&scenario);
    let done = super::done(&simulated, &plan, PATIENCE);
    assert!(refused(2)(only(&done).memory.failure()));
    assert_nothing_is_left(&simulated.trace());
}

#[test]
fn times_that_cannot_be_are_no_times() {
    for action in [json!({"garbage": 0xff}), json!({"garbage": 0xa5}), json!("skip")] {
        let (simulated, plan) = with(t4(), &json!({"call": "cuEventElapsedTime", "nth": 1, "do": action}));
        let done = done(&simulated, &plan, PATIENCE);
        let by = only(&done).integer_product.failure().unwrap_or_else(|| panic!("{action}: {done:#?}"));
        assert!(matches!(by, ProbeFailure::Garbled { .. }), "{by:?}");
    }
}
