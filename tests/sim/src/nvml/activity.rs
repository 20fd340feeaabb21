//! What each process made the GPU do lately.
//!
//! Invariant: a sample is told once, and new ones come as time goes on.

use super::{INSUFFICIENT_SIZE, INVALID_ARGUMENT, NOT_FOUND, NOT_SUPPORTED, handle::Handle};
use crate::{
    call::{Api, Outcome, exports},
    machine::Machine,
    outs::Out,
};
use std::time::{SystemTime, UNIX_EPOCH};

/// Between two samples of the driver's, in microseconds: a sixth of a second.
const PERIOD: u64 = 166_667;
/// The first compute capability whose GPUs sample (nvml.h: Maxwell).
const FIRST: (i32, i32) = (5, 0);

/// `nvmlProcessUtilizationSample_t`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Sample {
    pid: u32,
    timestamp_us: u64,
    sm: u32,
    memory: u32,
    encoder: u32,
    decoder: u32,
}

/// When the last sample was taken, in microseconds since 1970.
fn last_sample() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
    now - now % PERIOD
}

fn utilization(
    machine: &'static Machine,
    device: Handle,
    (samples, count): (Out<Sample>, Out<u32>),
    seen_us: u64,
) -> Outcome {
    let gpu = device.gpu_of(machine)?;
    let divided = gpu.mig.as_ref().is_some_and(|mig| mig.mode);
    if gpu.compute_capability < FIRST || divided {
        return Err(NOT_SUPPORTED);
    }
    let room = count.get(INVALID_ARGUMENT)?;
    let timestamp_us = last_sample();
    let at_work = gpu.processes.iter().filter_map(|process| {
        let sm = process.activity?;
        let memory = process.memory_activity.unwrap_or(0);
        Some(Sample { pid: process.pid, timestamp_us, sm, memory, encoder: 0, decoder: 0 })
    });
    let at_work: Vec<_> = at_work.filter(|_| timestamp_us > seen_us).collect();
    if at_work.is_empty() {
        return Err(NOT_FOUND);
    }
    let there = u32::try_from(at_work.len()).unwrap_or(u32::MAX);
    count.put(there, INVALID_ARGUMENT)?;
    if samples.is_null() || room < there {
        return Err(INSUFFICIENT_SIZE);
    }
    (0..).zip(at_work).try_for_each(|(i, sample)| samples.put_at(i, sample, INVALID_ARGUMENT))
}

exports! { Api::Nvml;
    nvmlDeviceGetProcessUtilization(
        device: Handle, samples: Out<Sample>, count: Out<u32>, seen_us: u64,
    ) |machine| utilization(machine, device, (samples, count), seen_us);
}
