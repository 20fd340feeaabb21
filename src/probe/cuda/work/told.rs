//! What the worker tells on its way, and what becomes of it where the worker ends before its answer.

use gpucheck_checks::fact::{Observed, PciAddress, ProbeFailure, Work, WorkDevice};
use serde::{Deserialize, Serialize};

/// What has been done up to now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Told {
    pub(super) work: Work,
    /// What the last device of the list is doing.
    pub(super) doing: Option<Step>,
    /// Why no device could be used.
    pub(super) failed: Option<ProbeFailure>,
}

/// A step of a device's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Step {
    Context,
    Load,
    IntegerProduct,
    FloatProduct,
    Memory,
    Copy,
    Upload,
    Download,
    Arithmetic,
}

impl Step {
    /// Its name in facts.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Context => "context",
            Self::Load => "load",
            Self::IntegerProduct => "integer_product",
            Self::FloatProduct => "float_product",
            Self::Memory => "memory",
            Self::Copy => "copy",
            Self::Upload => "upload",
            Self::Download => "download",
            Self::Arithmetic => "arithmetic",
        }
    }
}

/// What is known of the work where the worker ended so: what it was doing failed by that.
pub(super) fn settle(told: Told, by: &ProbeFailure) -> Work {
    let Told { mut work, doing, .. } = told;
    if let (Some(doing), Some(device)) = (doing, work.devices.last_mut()) {
        failed_in(device, doing, by);
    }
    work
}

/// Marks a step as failed; what it had seen stays. Code that is not loaded is missed first by the first product.
pub(super) fn failed_in(device: &mut WorkDevice, step: Step, by: &ProbeFailure) {
    match step {
        Step::Context => interrupt(&mut device.free, by),
        Step::Load | Step::IntegerProduct => interrupt(&mut device.integer_product, by),
        Step::FloatProduct => interrupt(&mut device.float_product, by),
        Step::Memory => interrupt(&mut device.memory, by),
        Step::Copy => interrupt(&mut device.copy, by),
        Step::Upload => interrupt(&mut device.upload, by),
        Step::Download => interrupt(&mut device.download, by),
        Step::Arithmetic => interrupt(&mut device.arithmetic, by),
    }
}

fn interrupt<T: Clone>(observed: &mut Observed<T>, by: &ProbeFailure) {
    let by = by.clone();
    *observed = match observed.seen().cloned() {
        Some(seen) => Observed::Interrupted { seen, by },
        None => Observed::Failed(by),
    };
}

/// A device that has done nothing yet.
pub(super) fn untouched(ordinal: i32, pci: Option<PciAddress>, why: &str) -> WorkDevice {
    WorkDevice {
        ordinal,
        pci,
        free: Observed::not_probed(why),
        made_of: Observed::not_probed(why),
        stepped_back: None,
        integer_product: Observed::not_probed(why),
        float_product: Observed::not_probed(why),
        memory: Observed::not_probed(why),
        copy: Observed::not_probed(why),
        upload: Observed::not_probed(why),
        download: Observed::not_probed(why),
        arithmetic: Observed::not_probed(why),
        rounds: 0,
        steps: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use gpucheck_checks::fact::MemoryTest;

    #[test]
    fn what_was_being_done_failed_and_what_was_seen_of_it_stays() {
        let by = ProbeFailure::Crashed { signal: 11, step: "cuEventSynchronize".to_owned() };
        let test = MemoryTest { bytes: 1, passes: Vec::new(), wrong: 0, faults: Vec::new() };
        let mut told = Told { doing: Some(Step::Memory), ..Told::default() };
        told.work.devices = vec![untouched(0, None, "not reached")];
        let fresh = settle(told.clone(), &by);
        assert_eq!(fresh.devices[0].memory, Observed::Failed(by.clone()));
        assert_eq!(fresh.devices[0].copy, Observed::not_probed("not reached"));
        told.work.devices[0].memory = Observed::Seen(test.clone());
        assert_eq!(settle(told, &by).devices[0].memory, Observed::Interrupted { seen: test, by });
    }
}
