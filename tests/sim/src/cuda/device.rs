//! Devices and what they are.

use super::{
    INVALID_DEVICE, INVALID_VALUE, NO_DEVICE,
    context::Device,
    state::{any, behind, memory, state},
};
use crate::{
    address::Address,
    call::{Api, Outcome, UNKNOWN, exports},
    machine::{Machine, told},
    outs::{Out, Text},
    scenario::{Gpu, Reading},
};
use std::ffi::c_char;

/// A number that NVML tells as well; 0 where it does not.
fn reading(reading: Option<&Reading<u32>>) -> i32 {
    told(reading).ok().and_then(|number| i32::try_from(number).ok()).unwrap_or(0)
}

/// The threads that a multiprocessor keeps, by the programming guide's table of compute capabilities.
fn threads(capability: (i32, i32)) -> i32 {
    match capability {
        (7, 5) => 1024,
        (8, 6 | 7 | 9) | (12, _) => 1536,
        _ => 2048,
    }
}

/// `CUdevice_attribute`: what follows from the scenario, and what all GPUs since Kepler have in common.
fn attribute(machine: &'static Machine, number: i32, attribute: i32) -> Result<i32, u32> {
    let device = state()?.device(number)?.1;
    let (gpu, instance) = behind(machine, device)?;
    if let Some(value) = gpu.attributes.get(&attribute) {
        return Ok(*value);
    }
    let address = Address::parse(&gpu.pci).ok_or(UNKNOWN)?;
    let signed = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    Ok(match attribute {
        1..=3 => 1024,
        4 => 64,
        5 | 11 => i32::MAX,
        6 | 7 => 65_535,
        8 => 49_152,
        9 | 12 | 81 | 82 | 97 => 65_536,
        10 => 32,
        13 => reading(gpu.nvml.max_clocks.sm.as_ref()).saturating_mul(1000),
        14 => 512,
        16 => signed(instance.map_or(gpu.multiprocessors, |instance| instance.multiprocessors)),
        20 => reading(gpu.nvml.compute_mode.as_ref()),
        32 => told(gpu.nvml.ecc_mode.as_ref()).is_ok_and(|(now, _)| now).into(),
        33 => signed(address.bus),
        34 => signed(address.device),
        36 => reading(gpu.nvml.max_clocks.memory.as_ref()).saturating_mul(1000),
        37 => reading(gpu.nvml.memory_bus_width.as_ref()),
        39 => threads(gpu.compute_capability),
        40 => 2,
        50 => signed(address.domain),
        75 => gpu.compute_capability.0,
        76 => gpu.compute_capability.1,
        // Memory pools came with CUDA 11.2; drivers before do not know the question.
        115 if machine.branch() < 460 => return Err(INVALID_VALUE),
        15 | 19 | 31 | 41 | 78..=80 | 83 | 115 => 1,
        // The others of CUDA 13 are things that this device does not have.
        17..=160 => 0,
        _ => return Err(INVALID_VALUE),
    })
}

fn name(machine: &'static Machine, number: i32) -> Result<String, u32> {
    let (gpu, instance) = behind(machine, state()?.device(number)?.1)?;
    Ok(instance.map_or(&gpu.name, |instance| &instance.name).clone())
}

fn pci(gpu: &Gpu) -> Result<String, u32> {
    let Address { domain, bus, device } = Address::parse(&gpu.pci).ok_or(UNKNOWN)?;
    Ok(format!("{domain:04X}:{bus:02X}:{device:02X}.0"))
}

/// The bytes of a UUID: its digits, two by two.
fn uuid(machine: &'static Machine, number: i32, of_instance: bool) -> Result<[u8; 16], u32> {
    let (gpu, instance) = behind(machine, state()?.device(number)?.1)?;
    let text = instance.filter(|_| of_instance).map_or(&gpu.uuid, |instance| &instance.uuid);
    let text = text.split_once('-').map_or(text.as_str(), |(_, digits)| digits);
    let digits: Vec<_> = text.chars().filter_map(|digit| digit.to_digit(16)).collect();
    let mut bytes = [0; 16];
    for (byte, pair) in bytes.iter_mut().zip(digits.as_chunks::<2>().0) {
        *byte = pair.iter().fold(0_u8, |byte, digit| byte << 4 | u8::try_from(*digit).unwrap_or(0));
    }
    Ok(bytes)
}

fn init(machine: &'static Machine, flags: u32) -> Outcome {
    if flags != 0 {
        return Err(INVALID_VALUE);
    }
    let mut state = any();
    if state.initialize(machine) == 0 {
        state.devices = None;
        return Err(NO_DEVICE);
    }
    Ok(())
}

/// `CUdevprop`: what compute capability 3.0 and later have in common.
const PROPERTIES: [i32; 14] =
    [1024, 1024, 1024, 64, i32::MAX, 65_535, 65_535, 49_152, 65_536, 32, i32::MAX, 65_536, 0, 512];

exports! { Api::Cuda;
    cuInit(flags: u32) |machine| init(machine, flags);
    cuDeviceGetCount(count: Out<i32>) |_| {
        let devices = state()?.devices.as_ref().map_or(0, Vec::len);
        count.put(i32::try_from(devices).unwrap_or(i32::MAX), INVALID_VALUE)
    };
    cuDeviceGet(device: Out<i32>, ordinal: i32) |_| {
        state()?.device(ordinal)?;
        device.put(ordinal, INVALID_VALUE)
    };
    cuDeviceGetName(to: Out<c_char>, room: i32, device: Device) |machine| {
        let name = name(machine, device.0)?;
        let room = usize::try_from(room).map_err(|_| INVALID_VALUE)?;
        let kept: String = name.chars().take(room.saturating_sub(1)).collect();
        to.put_text(&kept, room, INVALID_VALUE, INVALID_VALUE)
    };
    cuDeviceGetUuid(to: Out<[u8; 16]>, device: Device) |machine| {
        to.put(uuid(machine, device.0, false)?, INVALID_VALUE)
    };
    cuDeviceGetUuid_v2(to: Out<[u8; 16]>, device: Device) |machine| {
        to.put(uuid(machine, device.0, true)?, INVALID_VALUE)
    };
    cuDeviceGetPCIBusId(to: Out<c_char>, room: i32, device: Device) |machine| {
        let (gpu, _) = behind(machine, state()?.device(device.0)?.1)?;
        let room = usize::try_from(room).map_err(|_| INVALID_VALUE)?;
        to.put_text(&pci(gpu)?, room, INVALID_VALUE, INVALID_VALUE)
    };
    cuDeviceGetByPCIBusId(device: Out<i32>, address: Text) |machine| {
        let wanted = address.read().and_then(Address::parse).ok_or(INVALID_VALUE)?;
        let state = state()?;
        let devices = state.devices.as_deref().unwrap_or_default();
        let is = |gpu: usize| machine.gpu(gpu).is_some_and(|gpu| Address::parse(&gpu.pci) == Some(wanted));
        let found = devices.iter().position(|device| is(device.gpu)).ok_or(INVALID_DEVICE)?;
        device.put(i32::try_from(found).unwrap_or(0), INVALID_VALUE)
    };
    cuDeviceTotalMem_v2(bytes: Out<u64>, device: Device) |machine| {
        let memory = memory(machine, state()?.device(device.0)?.1)?;
        bytes.put(memory.total.saturating_sub(memory.reserved), INVALID_VALUE)
    };
    cuDeviceGetAttribute(value: Out<i32>, which: i32, device: Device) |machine| {
        value.put(attribute(machine, device.0, which)?, INVALID_VALUE)
    };
    cuDeviceComputeCapability(major: Out<i32>, minor: Out<i32>, device: Device) |machine| {
        major.put(attribute(machine, device.0, 75)?, INVALID_VALUE)?;
        minor.put(attribute(machine, device.0, 76)?, INVALID_VALUE)
    };
    cuDeviceGetProperties(properties: Out<[i32; 14]>, device: Device) |_| {
        state()?.device(device.0)?;
        properties.put(PROPERTIES, INVALID_VALUE)
    };
    cuDeviceCanAccessPeer(can: Out<i32>, device: Device, peer: Device) |_| {
        let state = state()?;
        state.device(device.0)?;
        state.device(peer.0)?;
        can.put(0, INVALID_VALUE)
    };
    cuDeviceGetP2PAttribute(value: Out<i32>, _which: i32, device: Device, peer: Device) |_| {
        let state = state()?;
        state.device(device.0)?;
        state.device(peer.0)?;
        value.put(0, INVALID_VALUE)
    };
    cuMemGetInfo_v2(free: Out<u64>, total: Out<u64>) |machine| {
        let state = state()?;
        let (_, device) = state.current()?;
        let memory = memory(machine, device)?;
        let all = memory.total.saturating_sub(memory.reserved);
        free.put(all.saturating_sub(memory.used).saturating_sub(state.taken(device)), INVALID_VALUE)?;
        total.put(all, INVALID_VALUE)
    };
}
