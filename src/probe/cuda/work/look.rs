//! The worker's side: each device of the plan, one after the other.

use super::{
    super::{SONAME, api::Api},
    Ask,
    desk::{Desk, NOT_REACHED},
    device::{Job, work},
    reference::{self, Operands},
    told::{Told, untouched},
};
use crate::{child::Trail, probe::library};
use gpucheck_checks::fact::{ProbeFailure, Work};
use std::time::{Duration, Instant};

/// The products, whose exact results are worked out once.
pub(super) struct Products {
    pub(super) integers: Operands,
    pub(super) floats: Operands,
}

/// Puts the GPUs to work in this process.
pub(crate) fn look(ask: &Ask, trail: &mut Trail) -> Told {
    trail.step(&format!("dlopen {SONAME}"));
    let opened = match library::open(SONAME, &ask.library.search) {
        Ok(opened) => opened,
        Err(by) => return failed(by),
    };
    let mut api = Api::new(opened.library, trail);
    match api.init(0) {
        Ok(()) => Told { work: work_all(ask, &mut api), ..Told::default() },
        Err(by) => failed(by),
    }
}

fn failed(by: ProbeFailure) -> Told {
    Told { failed: Some(by), ..Told::default() }
}

fn work_all(ask: &Ask, api: &mut Api<'_>) -> Work {
    let plan = &ask.plan;
    let products = Products {
        integers: reference::integers(plan.product_size),
        floats: reference::floats(plan.product_size),
    };
    let start = Instant::now();
    let until = plan.soak_s.map(|seconds| start + Duration::from_secs(seconds));
    let mut done = Work { level: plan.level, ..Work::default() };
    let mut spoilt: Option<String> = None;
    for device in &plan.devices {
        let mut desk = Desk::new(&done, untouched(device.ordinal, device.pci.clone(), NOT_REACHED), until);
        match &spoilt {
            Some(why) => desk.device = untouched(device.ordinal, device.pci.clone(), why),
            None => work(api, Job { plan, device, products: &products }, &mut desk),
        }
        spoilt = spoilt.or_else(|| desk.spoilt());
        done.devices.push(desk.device);
    }
    done.soaked_s = plan.soak_s.map(|_| start.elapsed().as_secs());
    done
}
