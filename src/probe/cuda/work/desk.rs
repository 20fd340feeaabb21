//! What is known of a device at work, told to the parent before each step.

use super::{
    super::{api::Api, look::spoils_process},
    told::{Step, Told, failed_in},
};
use crate::child::Progress;
use gpucheck_checks::fact::{MemoryTest, Observed, ProbeFailure, Work, WorkDevice, WorkStep};
use std::time::Instant;

/// Why a step that was not reached is not probed.
pub(super) const NOT_REACHED: &str = "not reached";

/// What has been told up to now, and about which device.
pub(super) struct Desk<'a> {
    others: &'a Work,
    pub(super) device: WorkDevice,
    /// Until when the work goes on; none where it is done once.
    until: Option<Instant>,
    /// The failure that came last.
    failure: Option<ProbeFailure>,
    /// When the memory test began.
    began: Option<Instant>,
    /// Bytes written and read since.
    traffic: u64,
}

impl<'a> Desk<'a> {
    pub(super) fn new(others: &'a Work, device: WorkDevice, until: Option<Instant>) -> Self {
        Self { others, device, until, failure: None, began: None, traffic: 0 }
    }

    /// Tells what is known, and what comes next.
    pub(super) fn tell(&self, api: &mut Api<'_>, doing: Step) {
        let mut work = self.others.clone();
        work.devices.push(self.device.clone());
        api.so_far(&Told { work, doing: Some(doing), failed: None });
    }

    /// A step begins.
    pub(super) fn begin(&self, api: &mut Api<'_>, step: Step) -> Instant {
        self.tell(api, step);
        Instant::now()
    }

    /// A step has ended.
    pub(super) fn end<T>(&mut self, step: Step, began: Instant, done: Result<T, ProbeFailure>) -> Option<T> {
        let wall_us = u64::try_from(began.elapsed().as_micros()).unwrap_or(u64::MAX);
        match self.device.steps.iter_mut().find(|known| known.name == step.name()) {
            Some(known) => known.wall_us = known.wall_us.saturating_add(wall_us),
            None => self.device.steps.push(WorkStep { name: step.name().to_owned(), wall_us }),
        }
        done.inspect_err(|by| self.fail(step, by)).ok()
    }

    /// A step failed.
    pub(super) fn fail(&mut self, step: Step, by: &ProbeFailure) {
        failed_in(&mut self.device, step, by);
        self.note(by);
    }

    /// A step failed, and its fact says so.
    pub(super) fn note(&mut self, by: &ProbeFailure) {
        if self.spoilt().is_none() {
            self.failure = Some(by.clone());
        }
    }

    /// What was taken has been given back. That this fails matters where nothing else did.
    pub(super) fn given_back(&mut self, step: Step, given: Result<(), ProbeFailure>) {
        if let (Err(by), None) = (given, &self.failure) {
            self.fail(step, &by);
        }
    }

    pub(super) fn has_failed(&self) -> bool {
        self.failure.is_some()
    }

    /// Why nothing more can be done in this process.
    pub(super) fn spoilt(&self) -> Option<String> {
        self.failure.as_ref().and_then(|by| spoils_process(by, self.device.ordinal))
    }

    /// The time is over for whatever goes on for a time.
    pub(super) fn is_late(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() >= until)
    }

    /// There is another round to be done.
    pub(super) fn goes_on(&self) -> bool {
        self.until.is_some() && !self.is_late()
    }

    /// Says why it was that steps were not reached.
    pub(super) fn leave(&mut self, why: &str) {
        fn leave<T>(observed: &mut Observed<T>, because: &str) {
            if let Observed::NotProbed { why } = observed
                && why == NOT_REACHED
            {
                because.clone_into(why);
            }
        }
        let device = &mut self.device;
        leave(&mut device.free, why);
        leave(&mut device.made_of, why);
        leave(&mut device.integer_product, why);
        leave(&mut device.float_product, why);
        leave(&mut device.memory, why);
        leave(&mut device.copy, why);
        leave(&mut device.upload, why);
        leave(&mut device.download, why);
        leave(&mut device.arithmetic, why);
    }

    /// How far the memory test is after one more pass; of how many where they are counted.
    pub(super) fn progress(&mut self, test: &MemoryTest, passes: Option<usize>) -> Progress {
        let began = *self.began.get_or_insert_with(Instant::now);
        let of_pass = 2 * test.bytes;
        self.traffic = self.traffic.saturating_add(of_pass);
        let device_us: u64 = test.passes.iter().map(|pass| pass.write_us + pass.check_us).sum();
        let traffic = of_pass.saturating_mul(test.passes.len() as u64);
        let rate = u64::try_from(u128::from(traffic) * 1_000_000 / u128::from(device_us.max(1)));
        let rate = rate.unwrap_or(u64::MAX);
        let all = passes.map(|passes| of_pass.saturating_mul(passes as u64));
        let left_s = match (all, self.until) {
            (_, Some(until)) => until.saturating_duration_since(Instant::now()).as_secs(),
            (Some(all), None) => left(self.traffic, all, began.elapsed().as_millis()),
            (None, None) => 0,
        };
        Progress { device: self.device.ordinal, done: self.traffic, all, rate, left_s }
    }
}

/// Seconds left, where so much was done in so many milliseconds.
fn left(done: u64, all: u64, elapsed_ms: u128) -> u64 {
    let left = u128::from(all.saturating_sub(done)) * elapsed_ms / u128::from(done.max(1)) / 1000;
    u64::try_from(left).unwrap_or(u64::MAX)
}
