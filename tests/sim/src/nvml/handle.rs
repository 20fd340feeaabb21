//! Devices: how many, and the handles of GPUs and their instances.
//!
//! Invariant: a handle is a number that is never followed, so that one which is made up is an error and no crash.

use super::{INSUFFICIENT_SIZE, INVALID_ARGUMENT, NOT_FOUND, NOT_SUPPORTED, initialized};
use crate::{
    address::Address,
    call::{Api, exports},
    machine::{Machine, told},
    outs::{Concerns, Out, Text},
    scenario::{Gpu, Instance, Reading},
};
use std::ffi::c_char;

/// A GPU, or an instance on it.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Handle(usize);

/// Where handles begin.
const FIRST: usize = 0x6700_0000;
/// Between a GPU's handle and the next one's.
const STEP: usize = 0x100;
/// No more GPUs than this.
const GPUS: usize = 0x1000;

impl Concerns for Handle {
    fn gpu(&self) -> Option<usize> {
        let place = self.0.checked_sub(FIRST)? / STEP;
        (place < GPUS).then_some(place)
    }
}

/// What a handle stands for.
pub(super) enum Device<'a> {
    Gpu(&'a Gpu),
    Instance(&'a Instance, usize),
}

impl Handle {
    fn of(gpu: usize, instance: Option<usize>) -> Self {
        Self(FIRST + gpu * STEP + instance.map_or(0, |instance| instance + 1))
    }

    /// The handle of the GPU in this place, as a number.
    pub(super) fn address(gpu: usize) -> usize {
        Self::of(gpu, None).0
    }

    /// What it stands for.
    pub(super) fn device(self, machine: &'static Machine) -> Result<Device<'static>, u32> {
        initialized()?;
        let gpu = self.gpu().and_then(|place| machine.gpu(place)).ok_or(INVALID_ARGUMENT)?;
        match (self.0 - FIRST) % STEP {
            0 => Ok(Device::Gpu(gpu)),
            number => {
                let instance = gpu.mig.as_ref().and_then(|mig| mig.instances.get(number - 1));
                instance.map(|instance| Device::Instance(instance, number - 1)).ok_or(INVALID_ARGUMENT)
            }
        }
    }

    /// The GPU; of an instance these questions are not asked.
    pub(super) fn gpu_of(self, machine: &'static Machine) -> Result<&'static Gpu, u32> {
        match self.device(machine)? {
            Device::Gpu(gpu) => Ok(gpu),
            Device::Instance(..) => Err(NOT_SUPPORTED),
        }
    }
}

/// The GPUs that NVML counts, with their places in the list.
fn counted(machine: &'static Machine) -> impl Iterator<Item = (usize, &'static Gpu)> {
    machine.scenario.gpus.iter().enumerate().filter(|(_, gpu)| gpu.in_nvml)
}

fn count(machine: &'static Machine, count: Out<u32>) -> Result<(), u32> {
    initialized()?;
    let gpus = counted(machine).count();
    count.put(u32::try_from(gpus).unwrap_or(u32::MAX), INVALID_ARGUMENT)
}

fn by_index(machine: &'static Machine, index: u32, device: Out<Handle>) -> Result<(), u32> {
    initialized()?;
    let found = counted(machine).nth(index as usize);
    open(found, device, INVALID_ARGUMENT)
}

/// Hands out a GPU's handle, where it is not lost.
fn open(found: Option<(usize, &Gpu)>, device: Out<Handle>, absent: u32) -> Result<(), u32> {
    let (place, gpu) = found.ok_or(absent)?;
    match gpu.nvml.handle {
        Some(code) => Err(code),
        None => device.put(Handle::of(place, None), INVALID_ARGUMENT),
    }
}

fn by_pci(machine: &'static Machine, pci: Text, device: Out<Handle>) -> Result<(), u32> {
    initialized()?;
    let pci = pci.read().and_then(Address::parse).ok_or(INVALID_ARGUMENT)?;
    open(counted(machine).find(|(_, gpu)| Address::parse(&gpu.pci) == Some(pci)), device, NOT_FOUND)
}

exports! { Api::Nvml;
    nvmlDeviceGetCount(number: Out<u32>) |machine| count(machine, number);
    nvmlDeviceGetCount_v2(number: Out<u32>) |machine| count(machine, number);
    nvmlDeviceGetHandleByIndex(index: u32, device: Out<Handle>) |machine| by_index(machine, index, device);
    nvmlDeviceGetHandleByIndex_v2(index: u32, device: Out<Handle>) |machine| by_index(machine, index, device);
    nvmlDeviceGetHandleByPciBusId(pci: Text, device: Out<Handle>) |machine| by_pci(machine, pci, device);
    nvmlDeviceGetHandleByPciBusId_v2(pci: Text, device: Out<Handle>) |machine| by_pci(machine, pci, device);
    nvmlDeviceGetHandleByUUID(uuid: Text, device: Out<Handle>) |machine| {
        initialized()?;
        let uuid = uuid.read().ok_or(INVALID_ARGUMENT)?;
        for (place, gpu) in counted(machine) {
            if gpu.uuid == uuid {
                return open(Some((place, gpu)), device, NOT_FOUND);
            }
            let mut instances = gpu.mig.iter().filter(|mig| mig.mode).flat_map(|mig| &mig.instances);
            if let Some(instance) = instances.position(|instance| instance.uuid == uuid) {
                return device.put(Handle::of(place, Some(instance)), INVALID_ARGUMENT);
            }
        }
        Err(NOT_FOUND)
    };
    nvmlDeviceGetHandleBySerial(serial: Text, device: Out<Handle>) |machine| {
        initialized()?;
        let serial = serial.read().ok_or(INVALID_ARGUMENT)?;
        let has = |gpu: &Gpu| told(gpu.nvml.serial.as_ref()).is_ok_and(|its| its == serial);
        open(counted(machine).find(|(_, gpu)| has(gpu)), device, NOT_FOUND)
    };
    nvmlDeviceGetIndex(device: Handle, index: Out<u32>) |machine| {
        match device.device(machine)? {
            Device::Gpu(_) => {
                let position = counted(machine).position(|(place, _)| device.gpu() == Some(place));
                index.put(position.and_then(|at| u32::try_from(at).ok()).ok_or(INVALID_ARGUMENT)?, INVALID_ARGUMENT)
            }
            Device::Instance(_, number) => index.put(u32::try_from(number).unwrap_or(0), INVALID_ARGUMENT),
        }
    };
    nvmlDeviceGetMigMode(device: Handle, current: Out<u32>, pending: Out<u32>) |machine| {
        let mig = device.gpu_of(machine)?.mig.as_ref().ok_or(NOT_SUPPORTED)?;
        current.put(mig.mode.into(), INVALID_ARGUMENT)?;
        pending.put(mig.pending.into(), INVALID_ARGUMENT)
    };
    nvmlDeviceGetMaxMigDeviceCount(device: Handle, number: Out<u32>) |machine| {
        // nvml.h: 0 where there can be none.
        let places = device.gpu_of(machine)?.mig.as_ref().map_or(0, |mig| mig.places.unwrap_or(7));
        number.put(places, INVALID_ARGUMENT)
    };
    nvmlDeviceGetMigDeviceHandleByIndex(device: Handle, index: u32, instance: Out<Handle>) |machine| {
        let mig = device.gpu_of(machine)?.mig.as_ref().ok_or(NOT_SUPPORTED)?;
        if index >= mig.places.unwrap_or(7) {
            return Err(INVALID_ARGUMENT);
        }
        let there = mig.mode && mig.instances.get(index as usize).is_some();
        let place = device.gpu().filter(|_| there).ok_or(NOT_FOUND)?;
        instance.put(Handle::of(place, Some(index as usize)), INVALID_ARGUMENT)
    };
    nvmlDeviceGetDeviceHandleFromMigDeviceHandle(instance: Handle, device: Out<Handle>) |machine| {
        match instance.device(machine)? {
            Device::Instance(..) => device.put(Handle::of(instance.gpu().unwrap_or(0), None), INVALID_ARGUMENT),
            Device::Gpu(_) => Err(INVALID_ARGUMENT),
        }
    };
    nvmlDeviceIsMigDeviceHandle(device: Handle, is: Out<u32>) |machine| {
        is.put(matches!(device.device(machine)?, Device::Instance(..)).into(), INVALID_ARGUMENT)
    };
    nvmlDeviceGetGpuInstanceId(device: Handle, id: Out<u32>) |machine| {
        match device.device(machine)? {
            Device::Instance(instance, number) => {
                id.put(instance.gpu_instance(number), INVALID_ARGUMENT)
            }
            Device::Gpu(_) => Err(NOT_SUPPORTED),
        }
    };
    nvmlDeviceGetComputeInstanceId(device: Handle, id: Out<u32>) |machine| {
        match device.device(machine)? {
            Device::Instance(instance, _) => id.put(instance.compute_instance, INVALID_ARGUMENT),
            Device::Gpu(_) => Err(NOT_SUPPORTED),
        }
    };
    nvmlDeviceGetName(device: Handle, name: Out<c_char>, room: u32) |machine| {
        let text = match device.device(machine)? {
            Device::Gpu(gpu) => own(gpu.nvml.name.as_ref(), &gpu.name)?,
            Device::Instance(instance, _) => instance.name.clone(),
        };
        name.put_text(&text, room as usize, INVALID_ARGUMENT, INSUFFICIENT_SIZE)
    };
    nvmlDeviceGetUUID(device: Handle, uuid: Out<c_char>, room: u32) |machine| {
        let text = match device.device(machine)? {
            Device::Gpu(gpu) => own(gpu.nvml.uuid.as_ref(), &gpu.uuid)?,
            Device::Instance(instance, _) => instance.uuid.clone(),
        };
        uuid.put_text(&text, room as usize, INVALID_ARGUMENT, INSUFFICIENT_SIZE)
    };
}

/// A reading that is the GPU's own where it is not given.
pub(super) fn own<T: Clone>(reading: Option<&Reading<T>>, own: &T) -> Result<T, u32> {
    if reading.is_none() { Ok(own.clone()) } else { told(reading) }
}
