//! One device, reading by reading.

use super::{
    asked::{Asked, TEXT, read, text},
    lists, processes,
};
use crate::child::Trail;
use gpucheck_checks::fact::{
    Clocks, Ecc, Memory, NvmlDevice, Observed, PciAddress, PcieLink, Power, ProbeFailure, Temperature,
};
use nvml_wrapper_sys::bindings::{
    nvmlBAR1Memory_t, nvmlGpuFabricInfo_t, nvmlMemory_t, nvmlMemory_v2_t, nvmlPciInfo_t, nvmlUtilization_t,
};
use std::mem::zeroed;

/// `nvmlClockType_t`: multiprocessors, memory.
const CLOCK: [u32; 2] = [1, 2];
/// `nvmlTemperatureSensors_t`: the chip.
const TEMPERATURE_GPU: u32 = 0;
/// `nvmlTemperatureThresholds_t`: shutdown, slowdown.
const THRESHOLD: [u32; 2] = [0, 1];
/// `nvmlMemoryErrorType_t`: corrected, uncorrected.
const ERRORS: [u32; 2] = [0, 1];
/// `nvmlEccCounterType_t`: since the driver was loaded, ever.
const SINCE: [u32; 2] = [0, 1];

/// Every reading of one device. After each, `tell` is given what has been read: the next may never return.
pub(super) fn look(
    asked: &mut Asked<'_>,
    index: u32,
    mut tell: impl FnMut(&mut Trail, &NvmlDevice),
) -> NvmlDevice {
    let mut device = NvmlDevice::unasked(index, "NVML was lost before");
    macro_rules! ask {
        ($($field:ident = $reading:expr;)+) => {$(
            device.$field = $reading;
            tell(asked.trail, &device);
        )+};
    }
    (device.pci, device.pci_device_id) = pci(asked);
    ask! {
        mig_mode = mig_mode(asked);
        name = read!(asked, text, nvmlDeviceGetName).into();
        uuid = read!(asked, text, nvmlDeviceGetUUID).into();
        compute_capability = read!(asked, two, nvmlDeviceGetCudaComputeCapability).into();
        vbios = read!(asked, text, nvmlDeviceGetVbiosVersion).into();
        gsp_firmware = gsp_firmware(asked).into();
        memory = memory(asked).into();
        bar1 = bar1(asked).into();
        persistence = read!(asked, value, nvmlDeviceGetPersistenceMode).map(on).into();
        compute_mode = read!(asked, value, nvmlDeviceGetComputeMode).into();
        performance_state = read!(asked, value, nvmlDeviceGetPerformanceState).into();
        clocks = clocks(asked);
        clock_event_reasons = clock_event_reasons(asked).into();
        temperature = temperature(asked);
        power = power(asked);
        ecc = ecc(asked);
        retired_pages = lists::retired_pages(asked).into();
        remapped_rows = lists::remapped_rows(asked).into();
        mig_instances = lists::mig_instances(asked, &device.mig_mode);
        virtualization_mode = read!(asked, value, nvmlDeviceGetVirtualizationMode).into();
        grid_features = lists::grid_features(asked).into();
        link = link(asked);
        memory_bus_width = read!(asked, value, nvmlDeviceGetMemoryBusWidth).into();
        cores = read!(asked, value, nvmlDeviceGetNumGpuCores).into();
        utilization = utilization(asked).into();
        fabric = fabric(asked).into();
        compute_processes = processes::compute(asked).into();
        graphics_processes = processes::graphics(asked).into();
    }
    device
}

fn on(state: u32) -> bool {
    state != 0
}

pub(super) fn pci(asked: &mut Asked<'_>) -> (Observed<PciAddress>, Observed<u32>) {
    // SAFETY: a structure of numbers; all zeros is a value of it.
    let mut info: nvmlPciInfo_t = unsafe { zeroed() };
    let told = asked.call("nvmlDeviceGetPciInfo_v3", &asked.lib.nvmlDeviceGetPciInfo_v3, |get, device| {
        // SAFETY: nvml.h declares this signature, and the structure outlives the call.
        unsafe { get(device, &raw mut info) }
    });
    let address: Vec<u8> = info.busId.iter().flat_map(|byte| byte.to_ne_bytes()).collect();
    let told: Observed<()> = told.into();
    (told.clone().map(|()| PciAddress::new(&text(&address))), told.map(|()| info.pciDeviceId))
}

fn gsp_firmware(asked: &mut Asked<'_>) -> Result<String, ProbeFailure> {
    let mut room = [0_u8; TEXT];
    let symbol = &asked.lib.nvmlDeviceGetGspFirmwareVersion;
    asked.call("nvmlDeviceGetGspFirmwareVersion", symbol, |get, device| {
        // SAFETY: nvml.h declares this signature and wants 64 bytes; there are more.
        unsafe { get(device, room.as_mut_ptr().cast()) }
    })?;
    Ok(text(&room))
}

/// The second version (R510 and later) keeps what the driver itself holds out of `used`.
pub(super) fn memory(asked: &mut Asked<'_>) -> Result<Memory, ProbeFailure> {
    let lib = asked.lib;
    if lib.nvmlDeviceGetMemoryInfo_v2.is_err() {
        return memory_v1(asked);
    }
    // SAFETY: a structure of numbers; all zeros is a value of it.
    let mut info: nvmlMemory_v2_t = unsafe { zeroed() };
    // nvml.h: size of the structure, and the version in the upper byte.
    info.version = u32::try_from(size_of::<nvmlMemory_v2_t>()).unwrap_or_default() | 2 << 24;
    asked.call("nvmlDeviceGetMemoryInfo_v2", &lib.nvmlDeviceGetMemoryInfo_v2, |get, device| {
        // SAFETY: nvml.h declares this signature; the structure says its version and outlives the call.
        unsafe { get(device, &raw mut info) }
    })?;
    Ok(Memory { total: info.total, free: info.free, used: info.used, reserved: Some(info.reserved) })
}

fn memory_v1(asked: &mut Asked<'_>) -> Result<Memory, ProbeFailure> {
    let mut info = nvmlMemory_t { total: 0, free: 0, used: 0 };
    asked.call("nvmlDeviceGetMemoryInfo", &asked.lib.nvmlDeviceGetMemoryInfo, |get, device| {
        // SAFETY: nvml.h declares this signature, and the structure outlives the call.
        unsafe { get(device, &raw mut info) }
    })?;
    Ok(Memory { total: info.total, free: info.free, used: info.used, reserved: None })
}

fn bar1(asked: &mut Asked<'_>) -> Result<(u64, u64), ProbeFailure> {
    let mut info = nvmlBAR1Memory_t { bar1Total: 0, bar1Free: 0, bar1Used: 0 };
    asked.call("nvmlDeviceGetBAR1MemoryInfo", &asked.lib.nvmlDeviceGetBAR1MemoryInfo, |get, device| {
        // SAFETY: nvml.h declares this signature, and the structure outlives the call.
        unsafe { get(device, &raw mut info) }
    })?;
    Ok((info.bar1Total, info.bar1Used))
}

fn clocks(asked: &mut Asked<'_>) -> Clocks {
    let [sm, memory] = CLOCK;
    Clocks {
        sm: read!(asked, value_of, nvmlDeviceGetClockInfo, sm).into(),
        sm_max: read!(asked, value_of, nvmlDeviceGetMaxClockInfo, sm).into(),
        memory: read!(asked, value_of, nvmlDeviceGetClockInfo, memory).into(),
        memory_max: read!(asked, value_of, nvmlDeviceGetMaxClockInfo, memory).into(),
        application_sm: read!(asked, value_of, nvmlDeviceGetApplicationsClock, sm).into(),
        application_sm_default: read!(asked, value_of, nvmlDeviceGetDefaultApplicationsClock, sm).into(),
    }
}

/// Every driver from R390 to R555 has the old name; the new one came with R535.
pub(super) fn clock_event_reasons(asked: &mut Asked<'_>) -> Result<u64, ProbeFailure> {
    if asked.lib.nvmlDeviceGetCurrentClocksThrottleReasons.is_ok() {
        read!(asked, value, nvmlDeviceGetCurrentClocksThrottleReasons)
    } else {
        read!(asked, value, nvmlDeviceGetCurrentClocksEventReasons)
    }
}

fn temperature(asked: &mut Asked<'_>) -> Temperature {
    let [shutdown, slowdown] = THRESHOLD;
    Temperature {
        gpu: read!(asked, value_of, nvmlDeviceGetTemperature, TEMPERATURE_GPU).into(),
        slowdown: read!(asked, value_of, nvmlDeviceGetTemperatureThreshold, slowdown).into(),
        shutdown: read!(asked, value_of, nvmlDeviceGetTemperatureThreshold, shutdown).into(),
    }
}

fn power(asked: &mut Asked<'_>) -> Power {
    Power {
        usage: read!(asked, value, nvmlDeviceGetPowerUsage).into(),
        enforced_limit: read!(asked, value, nvmlDeviceGetEnforcedPowerLimit).into(),
        default_limit: read!(asked, value, nvmlDeviceGetPowerManagementDefaultLimit).into(),
    }
}

fn ecc(asked: &mut Asked<'_>) -> Ecc {
    let [corrected, uncorrected] = ERRORS;
    let [volatile, aggregate] = SINCE;
    Ecc {
        mode: read!(asked, two, nvmlDeviceGetEccMode).map(|(now, next)| (on(now), on(next))).into(),
        volatile_corrected: ecc_errors(asked, corrected, volatile).into(),
        volatile_uncorrected: ecc_errors(asked, uncorrected, volatile).into(),
        aggregate_uncorrected: ecc_errors(asked, uncorrected, aggregate).into(),
    }
}

fn ecc_errors(asked: &mut Asked<'_>, kind: u32, since: u32) -> Result<u64, ProbeFailure> {
    let mut count = 0;
    asked.call("nvmlDeviceGetTotalEccErrors", &asked.lib.nvmlDeviceGetTotalEccErrors, |get, device| {
        // SAFETY: nvml.h declares this signature, and `count` outlives the call.
        unsafe { get(device, kind, since, &raw mut count) }
    })?;
    Ok(count)
}

fn mig_mode(asked: &mut Asked<'_>) -> Observed<(bool, bool)> {
    read!(asked, two, nvmlDeviceGetMigMode).map(|(now, next)| (on(now), on(next))).into()
}

fn link(asked: &mut Asked<'_>) -> PcieLink {
    PcieLink {
        generation: read!(asked, value, nvmlDeviceGetCurrPcieLinkGeneration).into(),
        generation_max: read!(asked, value, nvmlDeviceGetMaxPcieLinkGeneration).into(),
        width: read!(asked, value, nvmlDeviceGetCurrPcieLinkWidth).into(),
        width_max: read!(asked, value, nvmlDeviceGetMaxPcieLinkWidth).into(),
        replays: read!(asked, value, nvmlDeviceGetPcieReplayCounter).into(),
    }
}

pub(super) fn utilization(asked: &mut Asked<'_>) -> Result<(u32, u32), ProbeFailure> {
    let mut rates = nvmlUtilization_t { gpu: 0, memory: 0 };
    asked.call(
        "nvmlDeviceGetUtilizationRates",
        &asked.lib.nvmlDeviceGetUtilizationRates,
        |get, device| {
            // SAFETY: nvml.h declares this signature, and the structure outlives the call.
            unsafe { get(device, &raw mut rates) }
        },
    )?;
    Ok((rates.gpu, rates.memory))
}

fn fabric(asked: &mut Asked<'_>) -> Result<(u32, u32), ProbeFailure> {
    // SAFETY: a structure of numbers; all zeros is a value of it.
    let mut info: nvmlGpuFabricInfo_t = unsafe { zeroed() };
    asked.call("nvmlDeviceGetGpuFabricInfo", &asked.lib.nvmlDeviceGetGpuFabricInfo, |get, device| {
        // SAFETY: nvml.h declares this signature, and the structure outlives the call.
        unsafe { get(device, &raw mut info) }
    })?;
    Ok((info.state.into(), info.status))
}
