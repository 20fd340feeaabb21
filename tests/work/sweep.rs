//! Every call that the work makes of a driver, failing in the ways that matter: nothing that fails looks right, nothing
//! waits for ever, and the other device is none the worse where CUDA keeps nothing.
//!
//! Which calls there are is learnt from the trace of healthy work, so that a new one is swept the day it is made.

use super::{SMALL, done, plan};
use crate::simulated::{Simulated, k80, sweep::sweep};
use gpucheck_checks::fact::{Observed, Pattern, Transfer, Work, WorkDevice};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

/// Time to be done. Healthy work takes a tenth of it.
const DEADLINE: Duration = Duration::from_secs(8);
/// Time where the call never comes back.
const SHORT: Duration = Duration::from_secs(1);
/// Cases at a time: those that hang only wait.
const AT_ONCE: usize = 4;
/// Calls that only describe, or word a failure that is told anyway.
const DESCRIBING: [&str; 3] = ["cuDeviceGetAttribute", "cuGetErrorName", "cuGetErrorString"];

/// The work of a K80, which is two GPUs, with as little memory as can be; copies and arithmetic included.
fn prepared() -> (Value, gpucheck::probe::cuda::work::Plan) {
    let mut scenario = k80();
    for gpu in 0..2 {
        // So few threads on so slow a GPU take the time that is enough with little to be simulated.
        scenario["gpus"][gpu]["multiprocessors"] = json!(1);
        scenario["gpus"][gpu]["speed"] = json!({"gflops": 0.01});
    }
    let (_, mut plan) = plan(&Simulated::new(&scenario), SMALL);
    plan.passes = vec![(Pattern::Random, 7)];
    for device in &mut plan.devices {
        device.most = Some(64 << 10);
        device.untimed = None;
    }
    (scenario, plan)
}

fn is_right(device: &WorkDevice) -> bool {
    let whole =
        |copy: &Observed<Transfer>| matches!(copy, Observed::Seen(copy) if copy.wrong == 0 && copy.bytes > 0);
    let products = [&device.integer_product, &device.float_product];
    matches!(device.free, Observed::Seen(_))
        && products.iter().all(|product| matches!(product, Observed::Seen(product) if product.wrong == 0))
        && matches!(&device.memory, Observed::Seen(test) if test.wrong == 0 && test.passes.len() == 1)
        && [&device.copy, &device.upload, &device.download].into_iter().all(whole)
        && matches!(device.arithmetic, Observed::Seen(done) if done.wrong == 0 && done.operations > 0)
}

fn calls(scenario: &Value, plan: &gpucheck::probe::cuda::work::Plan) -> BTreeSet<String> {
    let simulated = Simulated::new(scenario);
    let Observed::Seen(work) = done(&simulated, plan, DEADLINE) else { panic!() };
    assert!(work.devices.len() == 2 && work.devices.iter().all(is_right), "{work:#?}");
    let calls = simulated.trace().into_iter().map(|line| line.split(" = ").next().unwrap().to_owned());
    calls.filter(|call| call.starts_with("cu")).collect()
}

/// What is wrong with what becomes of the work where the first such call does this.
fn wrong(
    (scenario, plan): (&Value, &gpucheck::probe::cuda::work::Plan),
    (call, action): (&str, &Value),
) -> Option<String> {
    let mut scenario = scenario.clone();
    scenario["faults"] = json!([{"call": call, "nth": 1, "do": action}]);
    let deadline = if action == "hang" { SHORT } else { DEADLINE };
    let start = Instant::now();
    let done = done(&Simulated::new(&scenario), plan, deadline);
    let took = start.elapsed();
    let because = |why: &str| {
        let seen: String = format!("{done:?}").chars().take(1500).collect();
        Some(format!("{call} {action}: {why} after {took:?}: {seen}"))
    };
    if took > deadline + Duration::from_secs(2) {
        return because("too late");
    }
    let ends = action == "hang" || action == "segv" || action.get("exit").is_some();
    let devices = done.seen().map(|Work { devices, .. }| devices.as_slice()).unwrap_or_default();
    let first_is_right = devices.first().is_some_and(is_right);
    match &done {
        Observed::Seen(_) if ends => because("the worker did not live to answer"),
        // Each is given back what it took, and what fails then is told.
        Observed::Seen(_)
            if first_is_right && !DESCRIBING.contains(&call) && action.get("return").is_some() =>
        {
            because("a refusal is not told")
        }
        Observed::Seen(_)
            if call != "cuInit" && action["return"] == 1 && !devices.get(1).is_some_and(is_right) =>
        {
            because("the other device was spoilt")
        }
        Observed::NotProbed { .. } => because("not done"),
        Observed::Seen(_) | Observed::Failed(_) | Observed::Interrupted { .. } => None,
    }
}

#[test]
fn no_failure_of_a_driver_at_work_lies_or_waits() {
    let (scenario, plan) = prepared();
    let calls = calls(&scenario, &plan);
    let mut cases = Vec::new();
    for call in &calls {
        for action in
            [json!("hang"), json!("segv"), json!({"exit": 7}), json!({"return": 1}), json!({"return": 719})]
        {
            cases.push((call.as_str(), action));
        }
        cases.push((call, json!({"garbage": 0xa5})));
    }
    sweep(&cases, (AT_ONCE, calls.len()), |(call, action)| wrong((&scenario, &plan), (call, action)));
}
