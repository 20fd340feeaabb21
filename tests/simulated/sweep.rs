//! Every call that gpucheck makes of a driver, failing in every way that is documented, on a machine that is well.
//!
//! Which calls there are is learnt from the trace of a healthy run, so that a new one is swept the day it is made. A
//! way to fail is a return code, never answering, a crash, an exit, or an answer of garbage.

use super::{Simulated, judge, t4};
use gpucheck::exit::Exit;
use gpucheck_checks::{Root, fact::Facts};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

/// Time to answer. A healthy look takes a tenth of it.
const DEADLINE: Duration = Duration::from_secs(2);
/// Cases at a time: those that hang only wait.
const AT_ONCE: usize = 6;

/// `nvmlReturn_t`, but for success: CUDA 13.5.
fn nvml_codes() -> impl Iterator<Item = u32> {
    (1..=30).chain([999])
}

/// `CUresult` of what the driver API documents for these calls, and of what its header says any call may return from
/// launches before it.
const CUDA_CODES: [u32; 36] = [
    1, 2, 3, 4, 34, 46, 100, 101, 102, 200, 201, 209, 214, 218, 220, 221, 222, 226, 300, 301, 302, 304, 400,
    401, 500, 700, 702, 709, 719, 800, 801, 802, 803, 804, 805, 999,
];

/// Calls that describe a device; the GPU may be usable though one of them is refused.
const DESCRIBING: [&str; 5] = [
    "cuDriverGetVersion",
    "cuDeviceGetName",
    "cuDeviceGetPCIBusId",
    "cuDeviceTotalMem_v2",
    "cuDeviceGetAttribute",
];

/// Calls of NVML without which no GPU is seen.
const OPENING: [&str; 3] = ["nvmlInit_v2", "nvmlDeviceGetCount_v2", "nvmlDeviceGetHandleByIndex_v2"];

/// What happens at a call.
#[derive(Clone, Debug)]
struct Case {
    call: String,
    action: Value,
}

impl Case {
    fn is_nvml(&self) -> bool {
        self.call.starts_with("nvml") || self.call.ends_with("libnvidia-ml.so.1")
    }

    /// The worker does not live to answer.
    fn ends(&self) -> bool {
        self.action.is_string() || self.action.get("exit").is_some()
    }
}

/// The calls of a healthy run, each once.
fn calls() -> BTreeSet<String> {
    let simulated = Simulated::new(&t4());
    let facts = simulated.facts();
    assert_eq!(judge(&facts).roots.len(), 0, "{:#?}", judge(&facts).roots);
    assert_eq!(Exit::of(&judge(&facts), false) as u8, 0, "the machine is well");
    let calls = simulated.trace().into_iter().map(|line| line.split(" = ").next().unwrap().to_owned());
    // What is no longer asked by anybody, for the worker leaves without it.
    calls.filter(|call| !call.starts_with("dlclose")).collect()
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for call in calls() {
        let mut add = |action: Value| cases.push(Case { call: call.clone(), action });
        for action in ["hang", "segv", "abort"] {
            add(json!(action));
        }
        add(json!({"exit": 0}));
        add(json!({"exit": 7}));
        if call.starts_with("dlopen") {
            continue;
        }
        for byte in [0x00, 0x5a, 0xa5, 0xff] {
            add(json!({"garbage": byte}));
        }
        let nvml = call.starts_with("nvml");
        let codes: Vec<u32> = if nvml { nvml_codes().collect() } else { CUDA_CODES.to_vec() };
        for code in codes {
            add(json!({"return": code}));
        }
    }
    cases
}

/// What is wrong with what gpucheck makes of a case.
fn wrong(case: &Case, healthy: &Facts) -> Option<String> {
    let simulated = Simulated::with(&t4(), &case.call, &case.action);
    let mut facts = healthy.clone();
    let start = Instant::now();
    if case.is_nvml() {
        facts.nvml = simulated.nvml(DEADLINE);
    } else {
        (facts.driver, facts.compute) = simulated.cuda(DEADLINE);
    }
    let took = start.elapsed();
    let report = judge(&facts);
    let usable = Exit::of(&report, false) as u8 == 0;
    let roots: Vec<_> = report.roots.iter().map(|root| root.id.as_str()).collect();
    let first = roots.first().copied().unwrap_or_default();
    let because = |why: &str| Some(format!("{case:?}: {why}; usable {usable}, roots {roots:?}, {took:?}"));
    if took > DEADLINE + Duration::from_secs(1) {
        return because("too late");
    }
    if case.is_nvml() {
        if !first.is_empty() && !first.starts_with("nvml.") && case.action.get("garbage").is_none() {
            return because("NVML is to blame");
        }
        let refused = case.ends() || case.action.get("return").is_some();
        if refused && OPENING.contains(&case.call.as_str()) && !first.starts_with("nvml.") {
            return because("NVML did not open and nothing says so");
        }
        // nvml-wrapper asks for the driver's version inside its own initialization.
        let step = if case.call == "nvmlSystemGetDriverVersion" { "nvmlInit_v2" } else { &case.call };
        let named = |root: &Root| root.id.starts_with("nvml.") && root.summary.contains(step);
        if case.ends() && !report.roots.first().is_some_and(named) {
            return because("NVML was lost and nothing says where");
        }
        return None;
    }
    let blamed = first.starts_with("driver.") || first.starts_with("compute.");
    let describes = DESCRIBING.contains(&case.call.as_str());
    if !first.is_empty() && !blamed && case.action.get("garbage").is_none() {
        return because("the driver or the computation is to blame");
    }
    // What names a code only words a failure that is told anyway.
    let proves = !describes && !case.call.starts_with("cuGetError");
    let told_nothing = case.action.get("garbage").is_some();
    if (case.ends() || proves && !told_nothing) && (usable || !blamed) {
        return because("the proof failed");
    }
    None
}

#[test]
fn no_failure_of_a_driver_makes_gpucheck_panic_lie_or_wait() {
    let cases = cases();
    let healthy = Simulated::new(&t4()).facts();
    let calls: BTreeSet<_> = cases.iter().map(|case| &case.call).collect();
    sweep(&cases, (AT_ONCE, calls.len()), |case| wrong(case, &healthy));
}

/// Tries every case of so many calls, some at a time, and says how many there were; none may be wrong.
pub(crate) fn sweep<C: Sync>(
    cases: &[C],
    (at_once, calls): (usize, usize),
    wrong: impl Fn(&C) -> Option<String> + Sync,
) {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..at_once {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let failed = wrong(case);
                    failures.lock().unwrap().extend(failed);
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    println!("{} cases of {calls} calls in {:?}, {} wrong", cases.len(), start.elapsed(), failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
