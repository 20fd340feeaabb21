//! A device with the kernels of the work loaded: launching, timing, taking and giving back.

use super::super::api::{Api, DevicePointer, Handle};
use super::garbled;
use gpucheck_checks::{fact::ProbeFailure, kernels};
use std::time::Instant;

/// Threads of a block of those kernels that take any grid.
pub(super) const THREADS: u32 = 256;
/// What stands where a result will: none of ours is this.
pub(super) const POISON: u32 = 0xa5a5_a5a5;

/// A device about to work; its context is the current one.
pub(super) struct Bench<'a, 'api> {
    pub(super) api: &'a mut Api<'api>,
    /// Blocks that keep all multiprocessors busy.
    pub(super) blocks: u32,
    module: Handle,
    events: Vec<Handle>,
    taken: Vec<DevicePointer>,
}

impl<'a, 'api> Bench<'a, 'api> {
    /// Has the driver compile the kernels.
    pub(super) fn new(api: &'a mut Api<'api>, blocks: u32) -> Result<Self, ProbeFailure> {
        let module = api.load(kernels::WORK_PTX)?;
        let mut bench = Self { api, blocks, module, events: Vec::new(), taken: Vec::new() };
        for _ in 0..2 {
            match bench.api.event() {
                Ok(event) => bench.events.push(event),
                Err(by) => {
                    let _ = bench.close();
                    return Err(by);
                }
            }
        }
        Ok(bench)
    }

    /// Gives everything back.
    pub(super) fn close(mut self) -> Result<(), ProbeFailure> {
        let mut closed = self.give_back(0);
        for event in std::mem::take(&mut self.events) {
            closed = closed.and(self.api.destroy_event(event));
        }
        closed.and(self.api.unload(self.module))
    }

    pub(super) fn function(&mut self, name: &str) -> Result<Handle, ProbeFailure> {
        self.api.function(self.module, name)
    }

    /// Time of the device for this work, in microseconds, one at least.
    pub(super) fn timed(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<(), ProbeFailure>,
    ) -> Result<u64, ProbeFailure> {
        let [start, end] = self.events.as_slice() else { return Err(garbled("cuEventCreate", "no events")) };
        let (start, end) = (*start, *end);
        self.api.record(start)?;
        work(self)?;
        self.api.record(end)?;
        self.api.between(start, end)
    }

    /// The same, and how much of what is enough that was, in thousandths: of this time of the device, or of a second on the
    /// wall, after which more is not to be had.
    pub(super) fn timed_of(
        &mut self,
        enough_us: u64,
        work: impl FnOnce(&mut Self) -> Result<(), ProbeFailure>,
    ) -> Result<(u64, u64), ProbeFailure> {
        let start = Instant::now();
        let device_us = self.timed(work)?;
        let wall = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX) / 1000;
        Ok((device_us, wall.max(device_us.saturating_mul(1000) / enough_us.max(1)).max(1)))
    }

    /// Launches a kernel that takes any grid over so many items, one a thread or more.
    pub(super) fn launch_over(
        &mut self,
        function: Handle,
        items: u64,
        arguments: &mut [u64],
    ) -> Result<(), ProbeFailure> {
        let needed = u32::try_from(items.div_ceil(THREADS.into())).unwrap_or(u32::MAX);
        let blocks = self.blocks.min(needed).max(1);
        self.api.launch_with(function, ((blocks, 1), (THREADS, 1)), arguments)
    }

    /// Takes memory of the device.
    pub(super) fn take(&mut self, bytes: u64) -> Result<DevicePointer, ProbeFailure> {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        self.api.allocate(bytes).inspect(|address| self.taken.push(*address))
    }

    /// How much has been taken up to now, for [`Self::give_back`].
    pub(super) fn mark(&self) -> usize {
        self.taken.len()
    }

    /// Gives back what was taken since then.
    pub(super) fn give_back(&mut self, mark: usize) -> Result<(), ProbeFailure> {
        let taken = self.taken.split_off(mark.min(self.taken.len()));
        self.api.free_all(taken)
    }

    /// Works, then gives back what was taken for it.
    pub(super) fn with_taken<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, ProbeFailure>,
    ) -> Result<T, ProbeFailure> {
        let mark = self.mark();
        let done = work(self);
        let given = self.give_back(mark);
        done.and_then(|done| given.map(|()| done))
    }
}
