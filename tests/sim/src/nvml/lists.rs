//! Readings that are lists, or structures of which there are several versions.

use super::{ARGUMENT_VERSION_MISMATCH, INSUFFICIENT_SIZE, INVALID_ARGUMENT, handle::Handle};
use crate::{
    branches,
    call::{Api, Outcome, UNKNOWN, exports},
    contexts,
    machine::{Machine, told},
    outs::Concerns,
    outs::Out,
    scenario::{GridFeature, ProcessKind},
};

/// Lengths of a process entry in the versions of the call.
const FIRST: usize = 16;
const LATER: usize = 24;
/// What R535.43 to R535.9x write under the name of the third version.
const SWOLLEN: usize = 32;

/// Tells the processes of a kind; `entry` is the length of one.
fn processes(
    machine: &'static Machine,
    device: Handle,
    kind: ProcessKind,
    (count, entries): (Out<u32>, Out<u8>),
    entry: usize,
) -> Outcome {
    let gpu = device.gpu_of(machine)?;
    if let Some(code) = gpu.nvml.processes {
        return Err(code);
    }
    let room = if entries.is_null() { 0 } else { count.get(INVALID_ARGUMENT)? };
    let noted = contexts::on(machine, device.gpu().unwrap_or_default())?;
    let list: Vec<_> = gpu.processes.iter().chain(&noted).filter(|process| process.kind == kind).collect();
    let there = u32::try_from(list.len()).unwrap_or(u32::MAX);
    count.put(there, INVALID_ARGUMENT)?;
    if room < there {
        return Err(INSUFFICIENT_SIZE);
    }
    for (i, process) in list.iter().enumerate() {
        let to = |word: usize| (i * entry / 4) + word;
        let words = entries.cast::<u32>();
        words.put_at(to(0), process.pid, INVALID_ARGUMENT)?;
        put_long(words, to(2), process.memory.unwrap_or(u64::MAX))?;
        if entry >= LATER {
            words.put_at(to(4), process.gpu_instance.unwrap_or(u32::MAX), INVALID_ARGUMENT)?;
            let compute_instance = process.gpu_instance.map_or(u32::MAX, |_| 0);
            words.put_at(to(5), compute_instance, INVALID_ARGUMENT)?;
        }
        if entry >= SWOLLEN {
            put_long(words, to(6), 0)?;
        }
    }
    Ok(())
}

/// Tells a number of two words at this word.
fn put_long(words: Out<u32>, at: usize, number: u64) -> Outcome {
    words.put_at(at, (number & 0xffff_ffff) as u32, INVALID_ARGUMENT)?;
    words.put_at(at + 1, (number >> 32) as u32, INVALID_ARGUMENT)
}

/// How long this driver's entries of the third version are.
fn third(machine: &Machine) -> usize {
    if branches::has_swollen_processes(&machine.scenario.driver.version) { SWOLLEN } else { LATER }
}

/// Pages retired for a cause. Their addresses are not known, so that each is 4 KiB after the one before.
fn retired(
    machine: &'static Machine,
    device: Handle,
    cause: u32,
    (count, addresses): (Out<u32>, Out<u64>),
    times: Option<Out<u64>>,
) -> Outcome {
    let pages = told(device.gpu_of(machine)?.nvml.retired_pages.as_ref())?;
    let there = match cause {
        0 => pages.single_bit,
        1 => pages.double_bit,
        _ => return Err(INVALID_ARGUMENT),
    };
    let room = count.get(INVALID_ARGUMENT)?;
    count.put(there, INVALID_ARGUMENT)?;
    if room < there {
        return Err(INSUFFICIENT_SIZE);
    }
    for i in 0..there {
        addresses.put_at(i as usize, u64::from(i) << 12, INVALID_ARGUMENT)?;
        if let Some(times) = times {
            times.put_at(i as usize, 0, INVALID_ARGUMENT)?;
        }
    }
    Ok(())
}

/// Licensable features, in entries of so many words: a code and a state, 32 words of licence; from 66 on 32 of product;
/// from 67 on "enabled"; in 71 the expiry.
fn grid(machine: &'static Machine, device: Handle, to: Out<u32>, words: usize) -> Outcome {
    let gpu = device.gpu_of(machine)?;
    let features = told(gpu.nvml.grid_features.as_ref())?;
    let count = features.len().min(3);
    to.put(1, INVALID_ARGUMENT)?;
    to.put_at(1, u32::try_from(count).unwrap_or(0), INVALID_ARGUMENT)?;
    for (i, feature) in features.iter().take(count).enumerate() {
        grid_entry(feature, to, 2 + i * words, words)?;
    }
    Ok(())
}

fn grid_entry(feature: &GridFeature, to: Out<u32>, at: usize, words: usize) -> Outcome {
    let mut entry = [0_u8; 71 * 4];
    let mut put = |at: usize, bytes: &[u8]| {
        entry.iter_mut().skip(at).zip(bytes).for_each(|(to, from)| *to = *from);
    };
    put(0, &feature.code.to_ne_bytes());
    put(4, &u32::from(feature.licensed).to_ne_bytes());
    put(8 + 128, feature.product.as_bytes().get(..127).unwrap_or(feature.product.as_bytes()));
    put(66 * 4, &u32::from(feature.enabled).to_ne_bytes());
    if let Some([status, year, shorts @ ..]) = feature.expires {
        put(67 * 4, &year.to_ne_bytes());
        for (i, short) in shorts.into_iter().enumerate() {
            put(68 * 4 + 2 * i, &u16::try_from(short).unwrap_or(0).to_ne_bytes());
        }
        put(70 * 4 + 2, &[u8::try_from(status).unwrap_or(0)]);
    }
    let entry = entry.as_chunks::<4>().0.iter().take(words).enumerate();
    entry.into_iter().try_for_each(|(i, word)| to.put_at(at + i, u32::from_ne_bytes(*word), INVALID_ARGUMENT))
}

/// `nvmlGpuFabricInfo_t`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Fabric {
    cluster: [u8; 16],
    status: u32,
    clique: u32,
    state: u8,
}

fn fabric(machine: &'static Machine, device: Handle) -> Result<Fabric, u32> {
    let (state, status) = told(device.gpu_of(machine)?.nvml.fabric.as_ref())?;
    let state = u8::try_from(state).map_err(|_| UNKNOWN)?;
    Ok(Fabric { cluster: [0; 16], status, clique: 0, state })
}

/// `nvmlGpuFabricInfo_v2_t` and `_v3_t`: size and version in their first word.
const FABRIC_VERSIONS: [u32; 2] = [0x0200_0024, 0x0300_0028];

/// `nvmlFieldValue_t`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Field {
    id: u32,
    scope: u32,
    timestamp: i64,
    latency_us: i64,
    kind: u32,
    code: u32,
    value: u64,
}

/// `NVML_VALUE_TYPE_UNSIGNED_LONG_LONG`.
const LONG_LONG: u32 = 3;

exports! { Api::Nvml;
    nvmlDeviceGetComputeRunningProcesses(device: Handle, count: Out<u32>, list: Out<u8>) |machine| {
        processes(machine, device, ProcessKind::Compute, (count, list), FIRST)
    };
    nvmlDeviceGetComputeRunningProcesses_v2(device: Handle, count: Out<u32>, list: Out<u8>) |machine| {
        processes(machine, device, ProcessKind::Compute, (count, list), LATER)
    };
    nvmlDeviceGetComputeRunningProcesses_v3(device: Handle, count: Out<u32>, list: Out<u8>) |machine| {
        processes(machine, device, ProcessKind::Compute, (count, list), third(machine))
    };
    nvmlDeviceGetGraphicsRunningProcesses(device: Handle, count: Out<u32>, list: Out<u8>) |machine| {
        processes(machine, device, ProcessKind::Graphics, (count, list), FIRST)
    };
    nvmlDeviceGetGraphicsRunningProcesses_v2(device: Handle, count: Out<u32>, list: Out<u8>) |machine| {
        processes(machine, device, ProcessKind::Graphics, (count, list), LATER)
    };
    nvmlDeviceGetGraphicsRunningProcesses_v3(device: Handle, count: Out<u32>, list: Out<u8>) |machine| {
        processes(machine, device, ProcessKind::Graphics, (count, list), third(machine))
    };
    nvmlDeviceGetRetiredPages(device: Handle, cause: u32, count: Out<u32>, list: Out<u64>) |machine| {
        retired(machine, device, cause, (count, list), None)
    };
    nvmlDeviceGetRetiredPages_v2(device: Handle, cause: u32, count: Out<u32>, list: Out<u64>, times: Out<u64>) |machine| {
        retired(machine, device, cause, (count, list), Some(times))
    };
    nvmlDeviceGetRetiredPagesPendingStatus(device: Handle, pending: Out<u32>) |machine| {
        let pages = told(device.gpu_of(machine)?.nvml.retired_pages.as_ref())?;
        pending.put(pages.pending.into(), INVALID_ARGUMENT)
    };
    nvmlDeviceGetRemappedRows(
        device: Handle, corrected: Out<u32>, uncorrected: Out<u32>, pending: Out<u32>, failed: Out<u32>,
    ) |machine| {
        let rows = told(device.gpu_of(machine)?.nvml.remapped_rows.as_ref())?;
        corrected.put(rows.corrected, INVALID_ARGUMENT)?;
        uncorrected.put(rows.uncorrected, INVALID_ARGUMENT)?;
        pending.put(rows.pending.into(), INVALID_ARGUMENT)?;
        failed.put(rows.failed.into(), INVALID_ARGUMENT)
    };
    nvmlDeviceGetRowRemapperHistogram(device: Handle, banks: Out<[u32; 5]>) |machine| {
        banks.put(told(device.gpu_of(machine)?.nvml.row_remapper.as_ref())?, INVALID_ARGUMENT)
    };
    nvmlDeviceGetGridLicensableFeatures(device: Handle, to: Out<u32>) |machine| grid(machine, device, to, 34);
    nvmlDeviceGetGridLicensableFeatures_v2(device: Handle, to: Out<u32>) |machine| grid(machine, device, to, 66);
    nvmlDeviceGetGridLicensableFeatures_v3(device: Handle, to: Out<u32>) |machine| grid(machine, device, to, 67);
    nvmlDeviceGetGridLicensableFeatures_v4(device: Handle, to: Out<u32>) |machine| grid(machine, device, to, 71);
    nvmlDeviceGetGpuFabricInfo(device: Handle, info: Out<Fabric>) |machine| {
        info.put(fabric(machine, device)?, INVALID_ARGUMENT)
    };
    nvmlDeviceGetGpuFabricInfoV(device: Handle, info: Out<u32>) |machine| {
        if !FABRIC_VERSIONS.contains(&info.get(INVALID_ARGUMENT)?) {
            return Err(ARGUMENT_VERSION_MISMATCH);
        }
        let Fabric { status, clique, state, .. } = fabric(machine, device)?;
        let words = [0, 0, 0, 0, status, clique, state.into(), 0];
        (1..).zip(words).try_for_each(|(at, word)| info.put_at(at, word, INVALID_ARGUMENT))
    };
    nvmlDeviceGetFieldValues(device: Handle, count: i32, fields: Out<Field>) |machine| {
        let known = &device.gpu_of(machine)?.nvml.fields;
        for i in 0..usize::try_from(count).map_err(|_| INVALID_ARGUMENT)? {
            let mut field = fields.get_at(i, INVALID_ARGUMENT)?;
            let value = told(known.get(&field.id));
            field.timestamp = 0;
            field.latency_us = 0;
            field.kind = LONG_LONG;
            field.code = value.err().unwrap_or(0);
            field.value = value.unwrap_or(0);
            fields.put_at(i, field, INVALID_ARGUMENT)?;
        }
        Ok(())
    };
}
