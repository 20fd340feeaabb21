//! Readings of one device that are a number or a few.

use super::{
    ARGUMENT_VERSION_MISMATCH, INSUFFICIENT_SIZE, INVALID_ARGUMENT, NOT_SUPPORTED,
    handle::{Device, Handle, own},
};
use crate::{
    address::Address,
    call::{Api, Outcome, UNKNOWN, exports},
    machine::{Machine, told},
    outs::{Concerns, Out, field},
    scenario::{Clocks, Gpu, Memory, Reading},
};
use std::ffi::c_char;

/// Tells a reading as the number that NVML has for it.
fn number<T: Clone + Into<N>, N: Copy>(reading: Option<&Reading<T>>, to: Out<N>) -> Outcome {
    to.put(told(reading)?.into(), INVALID_ARGUMENT)
}

/// Tells two.
fn two<T: Clone + Into<N>, N: Copy>(
    reading: Option<&Reading<(T, T)>>,
    one: Out<N>,
    other: Out<N>,
) -> Outcome {
    let (first, second) = told(reading)?;
    one.put(first.into(), INVALID_ARGUMENT)?;
    other.put(second.into(), INVALID_ARGUMENT)
}

/// Tells a text.
fn text(reading: Option<&Reading<String>>, to: Out<c_char>, room: u32) -> Outcome {
    to.put_text(&told(reading)?, room as usize, INVALID_ARGUMENT, INSUFFICIENT_SIZE)
}

/// The clock of a kind, `nvmlClockType_t`.
fn clock(clocks: &Clocks, kind: u32, to: Out<u32>) -> Outcome {
    let reading = match kind {
        0 => &clocks.graphics,
        1 => &clocks.sm,
        2 => &clocks.memory,
        3 => &clocks.video,
        _ => return Err(INVALID_ARGUMENT),
    };
    number(reading.as_ref(), to)
}

/// `nvmlPciInfo_t`.
#[repr(C)]
#[derive(Clone, Copy)]
struct PciInfo {
    legacy: [u8; 16],
    domain: u32,
    bus: u32,
    device: u32,
    id: u32,
    subsystem: u32,
    address: [u8; 32],
}

fn pci_info(gpu: &Gpu) -> Result<PciInfo, u32> {
    let text = own(gpu.nvml.pci.as_ref(), &gpu.pci)?;
    let Address { domain, bus, device } = Address::parse(&text).ok_or(UNKNOWN)?;
    Ok(PciInfo {
        legacy: field(&format!("{domain:04X}:{bus:02X}:{device:02X}.0")),
        domain,
        bus,
        device,
        id: gpu.pci_device_id,
        subsystem: gpu.pci_subsystem_id,
        address: field(&format!("{domain:08X}:{bus:02X}:{device:02X}.0")),
    })
}

/// The structure of the versions before the third, which ends with four reserved words and without the long address.
fn pci_info_before(device: Handle, to: Out<u8>, machine: &'static Machine) -> Outcome {
    let info = pci_info(device.gpu_of(machine)?)?;
    let words = [info.domain, info.bus, info.device, info.id, info.subsystem, 0, 0, 0, 0];
    to.cast::<[u8; 16]>().put(info.legacy, INVALID_ARGUMENT)?;
    (4..).zip(words).try_for_each(|(at, word)| to.cast::<u32>().put_at(at, word, INVALID_ARGUMENT))
}

/// Memory of the GPU or the instance: total, reserved, free, used.
fn memory(device: Handle, machine: &'static Machine) -> Result<[u64; 4], u32> {
    let Memory { total, used, reserved } = match device.device(machine)? {
        Device::Gpu(gpu) => own(gpu.nvml.memory.as_ref(), &gpu.memory)?,
        Device::Instance(instance, _) => instance.memory,
    };
    Ok([total, reserved, total.saturating_sub(used).saturating_sub(reserved), used])
}

/// `nvmlMemory_v2_t`: its version is its size, and a 2 in the upper byte.
const MEMORY_V2: u32 = 0x0200_0028;

/// nvml.h's number of the architecture that has this compute capability.
fn architecture(capability: (i32, i32)) -> u32 {
    match capability {
        (3, _) => 2,
        (5, _) => 3,
        (6, _) => 4,
        (7, 0..=4) => 5,
        (7, _) => 6,
        (8, 9) => 8,
        (8, _) => 7,
        (9, _) => 9,
        (10..=12, _) => 10,
        _ => u32::MAX,
    }
}

exports! { Api::Nvml;
    nvmlDeviceGetPciInfo(device: Handle, info: Out<u8>) |machine| pci_info_before(device, info, machine);
    nvmlDeviceGetPciInfo_v2(device: Handle, info: Out<u8>) |machine| pci_info_before(device, info, machine);
    nvmlDeviceGetPciInfo_v3(device: Handle, info: Out<PciInfo>) |machine| {
        info.put(pci_info(device.gpu_of(machine)?)?, INVALID_ARGUMENT)
    };
    nvmlDeviceGetMinorNumber(device: Handle, minor: Out<u32>) |machine| {
        let place = u32::try_from(device.gpu().unwrap_or(0)).unwrap_or(u32::MAX);
        minor.put(own(device.gpu_of(machine)?.nvml.minor.as_ref(), &place)?, INVALID_ARGUMENT)
    };
    nvmlDeviceGetBrand(device: Handle, brand: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.brand.as_ref(), brand)
    };
    nvmlDeviceGetSerial(device: Handle, serial: Out<c_char>, room: u32) |machine| {
        text(device.gpu_of(machine)?.nvml.serial.as_ref(), serial, room)
    };
    nvmlDeviceGetBoardPartNumber(device: Handle, part: Out<c_char>, room: u32) |machine| {
        text(device.gpu_of(machine)?.nvml.board_part.as_ref(), part, room)
    };
    nvmlDeviceGetBoardId(device: Handle, board: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.board_id.as_ref(), board)
    };
    nvmlDeviceGetMultiGpuBoard(device: Handle, several: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.multi_gpu_board.as_ref(), several)
    };
    nvmlDeviceGetVbiosVersion(device: Handle, version: Out<c_char>, room: u32) |machine| {
        text(device.gpu_of(machine)?.nvml.vbios.as_ref(), version, room)
    };
    nvmlDeviceGetGspFirmwareVersion(device: Handle, version: Out<c_char>) |machine| {
        // nvml.h: the caller has 64 bytes.
        text(device.gpu_of(machine)?.nvml.gsp_firmware.as_ref(), version, 64)
    };
    nvmlDeviceGetGspFirmwareMode(device: Handle, on: Out<u32>, default: Out<u32>) |machine| {
        two(device.gpu_of(machine)?.nvml.gsp_mode.as_ref(), on, default)
    };
    nvmlDeviceGetCudaComputeCapability(device: Handle, major: Out<i32>, minor: Out<i32>) |machine| {
        let gpu = device.gpu_of(machine)?;
        let capability = own(gpu.nvml.compute_capability.as_ref(), &gpu.compute_capability)?;
        two(Some(&Reading::Told(capability)), major, minor)
    };
    nvmlDeviceGetArchitecture(device: Handle, which: Out<u32>) |machine| {
        let gpu = device.gpu_of(machine)?;
        which.put(own(gpu.nvml.architecture.as_ref(), &architecture(gpu.compute_capability))?, INVALID_ARGUMENT)
    };
    nvmlDeviceGetMemoryInfo(device: Handle, info: Out<[u64; 3]>) |machine| {
        let [total, reserved, free, used] = memory(device, machine)?;
        info.put([total, free, used + reserved], INVALID_ARGUMENT)
    };
    nvmlDeviceGetMemoryInfo_v2(device: Handle, info: Out<u64>) |machine| {
        if info.cast::<u32>().get(INVALID_ARGUMENT)? != MEMORY_V2 {
            return Err(ARGUMENT_VERSION_MISMATCH);
        }
        let numbers = memory(device, machine)?;
        (1..).zip(numbers).try_for_each(|(at, number)| info.put_at(at, number, INVALID_ARGUMENT))
    };
    nvmlDeviceGetBAR1MemoryInfo(device: Handle, info: Out<[u64; 3]>) |machine| {
        let (total, used) = told(device.gpu_of(machine)?.nvml.bar1.as_ref())?;
        info.put([total, total.saturating_sub(used), used], INVALID_ARGUMENT)
    };
    nvmlDeviceGetPersistenceMode(device: Handle, mode: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.persistence.as_ref(), mode)
    };
    nvmlDeviceGetComputeMode(device: Handle, mode: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.compute_mode.as_ref(), mode)
    };
    nvmlDeviceGetDisplayMode(device: Handle, mode: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.display_mode.as_ref(), mode)
    };
    nvmlDeviceGetDisplayActive(device: Handle, active: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.display_active.as_ref(), active)
    };
    nvmlDeviceGetPerformanceState(device: Handle, state: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.performance_state.as_ref(), state)
    };
    nvmlDeviceGetPowerState(device: Handle, state: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.performance_state.as_ref(), state)
    };
    nvmlDeviceGetClockInfo(device: Handle, kind: u32, mhz: Out<u32>) |machine| {
        clock(&device.gpu_of(machine)?.nvml.clocks, kind, mhz)
    };
    nvmlDeviceGetMaxClockInfo(device: Handle, kind: u32, mhz: Out<u32>) |machine| {
        clock(&device.gpu_of(machine)?.nvml.max_clocks, kind, mhz)
    };
    nvmlDeviceGetApplicationsClock(device: Handle, kind: u32, mhz: Out<u32>) |machine| {
        clock(&device.gpu_of(machine)?.nvml.application_clocks, kind, mhz)
    };
    nvmlDeviceGetDefaultApplicationsClock(device: Handle, kind: u32, mhz: Out<u32>) |machine| {
        clock(&device.gpu_of(machine)?.nvml.default_application_clocks, kind, mhz)
    };
    nvmlDeviceGetCurrentClocksThrottleReasons(device: Handle, reasons: Out<u64>) |machine| {
        number(device.gpu_of(machine)?.nvml.clock_event_reasons.as_ref(), reasons)
    };
    nvmlDeviceGetCurrentClocksEventReasons(device: Handle, reasons: Out<u64>) |machine| {
        number(device.gpu_of(machine)?.nvml.clock_event_reasons.as_ref(), reasons)
    };
    nvmlDeviceGetSupportedClocksThrottleReasons(device: Handle, reasons: Out<u64>) |machine| {
        number(device.gpu_of(machine)?.nvml.supported_clock_event_reasons.as_ref(), reasons)
    };
    nvmlDeviceGetSupportedClocksEventReasons(device: Handle, reasons: Out<u64>) |machine| {
        number(device.gpu_of(machine)?.nvml.supported_clock_event_reasons.as_ref(), reasons)
    };
    nvmlDeviceGetTemperature(device: Handle, sensor: u32, celsius: Out<u32>) |machine| {
        let gpu = device.gpu_of(machine)?;
        if sensor == 0 { number(gpu.nvml.temperature.as_ref(), celsius) } else { Err(INVALID_ARGUMENT) }
    };
    nvmlDeviceGetTemperatureThreshold(device: Handle, kind: u32, celsius: Out<u32>) |machine| {
        let nvml = &device.gpu_of(machine)?.nvml;
        let reading = match kind {
            0 => &nvml.shutdown_temperature,
            1 => &nvml.slowdown_temperature,
            2 => &nvml.memory_max_temperature,
            3 => &nvml.gpu_max_temperature,
            4..=7 => &None,
            _ => return Err(INVALID_ARGUMENT),
        };
        number(reading.as_ref(), celsius)
    };
    nvmlDeviceGetFanSpeed(device: Handle, percent: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.fan.as_ref(), percent)
    };
    nvmlDeviceGetFanSpeed_v2(device: Handle, _fan: u32, percent: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.fan.as_ref(), percent)
    };
    nvmlDeviceGetNumFans(device: Handle, fans: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.fans.as_ref(), fans)
    };
    nvmlDeviceGetPowerUsage(device: Handle, milliwatts: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.power_usage.as_ref(), milliwatts)
    };
    nvmlDeviceGetEnforcedPowerLimit(device: Handle, milliwatts: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.enforced_power_limit.as_ref(), milliwatts)
    };
    nvmlDeviceGetPowerManagementLimit(device: Handle, milliwatts: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.power_limit.as_ref(), milliwatts)
    };
    nvmlDeviceGetPowerManagementDefaultLimit(device: Handle, milliwatts: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.default_power_limit.as_ref(), milliwatts)
    };
    nvmlDeviceGetPowerManagementLimitConstraints(device: Handle, least: Out<u32>, most: Out<u32>) |machine| {
        two(device.gpu_of(machine)?.nvml.power_limits.as_ref(), least, most)
    };
    nvmlDeviceGetPowerManagementMode(device: Handle, mode: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.power_management.as_ref(), mode)
    };
    nvmlDeviceGetTotalEnergyConsumption(device: Handle, millijoules: Out<u64>) |machine| {
        number(device.gpu_of(machine)?.nvml.energy.as_ref(), millijoules)
    };
    nvmlDeviceGetViolationStatus(device: Handle, policy: u32, times: Out<[u64; 2]>) |machine| {
        let time = told(device.gpu_of(machine)?.nvml.violations.get(&policy))?;
        times.put([0, time], INVALID_ARGUMENT)
    };
    nvmlDeviceGetEccMode(device: Handle, current: Out<u32>, pending: Out<u32>) |machine| {
        two(device.gpu_of(machine)?.nvml.ecc_mode.as_ref(), current, pending)
    };
    nvmlDeviceGetTotalEccErrors(device: Handle, kind: u32, since: u32, count: Out<u64>) |machine| {
        let ecc = &device.gpu_of(machine)?.nvml.ecc;
        let reading = match (kind, since) {
            (0, 0) => &ecc.volatile_corrected,
            (1, 0) => &ecc.volatile_uncorrected,
            (0, 1) => &ecc.aggregate_corrected,
            (1, 1) => &ecc.aggregate_uncorrected,
            _ => return Err(INVALID_ARGUMENT),
        };
        number(reading.as_ref(), count)
    };
    nvmlDeviceGetVirtualizationMode(device: Handle, mode: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.virtualization_mode.as_ref(), mode)
    };
    nvmlDeviceGetCurrPcieLinkGeneration(device: Handle, generation: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.link_generation.as_ref(), generation)
    };
    nvmlDeviceGetMaxPcieLinkGeneration(device: Handle, generation: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.link_generation_max.as_ref(), generation)
    };
    nvmlDeviceGetGpuMaxPcieLinkGeneration(device: Handle, generation: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.gpu_link_generation_max.as_ref(), generation)
    };
    nvmlDeviceGetCurrPcieLinkWidth(device: Handle, width: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.link_width.as_ref(), width)
    };
    nvmlDeviceGetMaxPcieLinkWidth(device: Handle, width: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.link_width_max.as_ref(), width)
    };
    nvmlDeviceGetPcieReplayCounter(device: Handle, replays: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.link_replays.as_ref(), replays)
    };
    nvmlDeviceGetPcieThroughput(device: Handle, counter: u32, speed: Out<u32>) |machine| {
        let (sent, received) = told(device.gpu_of(machine)?.nvml.link_throughput.as_ref())?;
        match counter {
            0 => speed.put(sent, INVALID_ARGUMENT),
            1 => speed.put(received, INVALID_ARGUMENT),
            _ => Err(INVALID_ARGUMENT),
        }
    };
    nvmlDeviceGetNvLinkState(device: Handle, link: u32, active: Out<u32>) |machine| {
        let links = &device.gpu_of(machine)?.nvml.nvlinks;
        let reading = if links.is_empty() { None } else { Some(links.get(link as usize).ok_or(INVALID_ARGUMENT)?) };
        number(reading, active)
    };
    nvmlDeviceGetMemoryBusWidth(device: Handle, bits: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.memory_bus_width.as_ref(), bits)
    };
    nvmlDeviceGetNumGpuCores(device: Handle, cores: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.cores.as_ref(), cores)
    };
    nvmlDeviceGetUtilizationRates(device: Handle, rates: Out<[u32; 2]>) |machine| {
        let (gpu, memory) = told(device.gpu_of(machine)?.nvml.utilization.as_ref())?;
        rates.put([gpu, memory], INVALID_ARGUMENT)
    };
    nvmlDeviceGetEncoderUtilization(device: Handle, percent: Out<u32>, period_us: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.encoder.as_ref(), percent)?;
        period_us.put(SAMPLING_US, INVALID_ARGUMENT)
    };
    nvmlDeviceGetDecoderUtilization(device: Handle, percent: Out<u32>, period_us: Out<u32>) |machine| {
        number(device.gpu_of(machine)?.nvml.decoder.as_ref(), percent)?;
        period_us.put(SAMPLING_US, INVALID_ARGUMENT)
    };
    nvmlDeviceGetAttributes_v2(device: Handle, attributes: Out<Attributes>) |machine| {
        match device.device(machine)? {
            Device::Instance(instance, _) => attributes.put(
                Attributes {
                    multiprocessors: instance.multiprocessors,
                    engines: [0; 5],
                    slices: [1, 1],
                    memory_mib: instance.memory.total >> 20,
                },
                INVALID_ARGUMENT,
            ),
            Device::Gpu(_) => Err(NOT_SUPPORTED),
        }
    };
}

/// Over how long NVML samples engines, in microseconds: that of Turing's public captures.
const SAMPLING_US: u32 = 166_666;

/// `nvmlDeviceAttributes_t`.
#[repr(C)]
#[derive(Clone, Copy)]
struct Attributes {
    multiprocessors: u32,
    engines: [u32; 5],
    slices: [u32; 2],
    memory_mib: u64,
}
