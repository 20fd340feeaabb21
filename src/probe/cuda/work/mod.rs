//! GPUs put to work, in a process of its own: products, memory, copies and arithmetic, each checked and timed.
//!
//! Invariants: what the work may take is decided before by whoever has seen the machine ([`Plan`]); every result is
//! checked against what this processor makes of the same, and what it is written over cannot pass for it; what is
//! taken is given back, also after a failure; whatever was seen before a failure is kept.

mod arithmetic;
mod bench;
mod desk;
mod device;
mod look;
mod memory;
mod plan;
mod products;
mod reference;
mod rounds;
mod told;
mod transfers;

pub(crate) use look::look;
pub use plan::{DevicePlan, Plan, Wish, plan};
pub(crate) use rounds::replace;

use crate::{
    child::{Hears, Progress},
    worker::{Ask as Library, Worker},
};
use gpucheck_checks::fact::{Level, Observed, ProbeFailure, Work};
use serde::{Deserialize, Serialize};
use std::{ffi::OsString, thread};
use told::{Told, settle};

/// What a worker calls this source.
pub const SOURCE: &str = "work";
/// Private memory of the worker, in bytes: what contexts take, and some hundred megabytes to compare with.
const MEMORY: u64 = 6 << 30;

/// What a worker for this source is asked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ask {
    library: Library,
    plan: Plan,
}

/// What the GPUs of the plan do. Where the work goes on for a time they do it side by side, else one after the other, so
/// that none disturbs what is measured of another.
pub fn probe(
    worker: &Worker,
    library: &Library,
    plan: &Plan,
    hear: &(dyn Fn(Progress) + Sync),
) -> Observed<Work> {
    if plan.devices.is_empty() {
        return Observed::not_probed("no GPU computed right before");
    }
    if plan.level != Level::Soak || plan.devices.len() == 1 {
        return run_on(worker, library, plan, hear);
    }
    let all = thread::scope(|scope| {
        let plans = plan.one_by_one();
        let started: Vec<_> =
            plans.into_iter().map(|plan| scope.spawn(move || run(worker, library, &plan, hear))).collect();
        let ended = started.into_iter().map(|one| one.join().unwrap_or_else(|_| crate::in_time::broken()));
        ended.collect::<Vec<_>>()
    });
    rounds::together(all, &plan.devices)
}

/// Runs workers until each device has had its turn: one that crashed does not cost the others theirs.
fn run_on(worker: &Worker, library: &Library, plan: &Plan, hear: &dyn Fn(Progress)) -> Observed<Work> {
    let crashed =
        |by: &ProbeFailure| matches!(by, ProbeFailure::Crashed { .. } | ProbeFailure::Exited { .. });
    let told = run(worker, library, plan, hear);
    let (mut work, by) = match &told {
        Observed::Interrupted { seen, by } if crashed(by) => (seen.clone(), by.clone()),
        Observed::Seen(_)
        | Observed::Failed(_)
        | Observed::Interrupted { .. }
        | Observed::NotProbed { .. } => {
            return told;
        }
    };
    loop {
        let had = |ordinal: i32| work.devices.iter().any(|device| device.ordinal == ordinal);
        let rest = plan.only(|device| !had(device.ordinal));
        if rest.devices.is_empty() {
            break;
        }
        let more = run(worker, library, &rest, hear);
        match more.seen().filter(|more| !more.devices.is_empty()) {
            Some(more) => work.devices.extend(more.devices.iter().cloned()),
            None => break,
        }
    }
    Observed::Interrupted { seen: work, by }
}

fn run(worker: &Worker, library: &Library, plan: &Plan, hear: &dyn Fn(Progress)) -> Observed<Work> {
    let ask = Ask { library: library.clone(), plan: plan.clone() };
    let told: Observed<Told> =
        worker.ask_and_follow(SOURCE, &ask, (library, MEMORY, environment()), &mut Hears(hear));
    match told {
        Observed::Seen(Told { failed: Some(by), .. }) | Observed::Failed(by) => Observed::Failed(by),
        Observed::Seen(told) => Observed::Seen(told.work),
        Observed::NotProbed { why } => Observed::NotProbed { why },
        Observed::Interrupted { seen, by } => {
            let work = settle(seen, &by);
            Observed::Interrupted { seen: work, by }
        }
    }
}

/// That of the first look, whose ordinals the plan has; and code is loaded before the time is taken.
fn environment() -> Vec<(&'static str, Option<OsString>)> {
    let eager = ("CUDA_MODULE_LOADING", Some("EAGER".into()));
    super::environment().into_iter().chain([eager]).collect()
}

/// An answer that cannot be.
fn garbled(step: &str, message: impl Into<String>) -> ProbeFailure {
    ProbeFailure::Garbled { step: step.to_owned(), message: message.into() }
}
