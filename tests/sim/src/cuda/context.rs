//! Contexts.

use super::{
    INVALID_CONTEXT, INVALID_VALUE, errors,
    state::{Context, STACK, State, any, behind, state},
};
use crate::{
    call::{Api, Outcome, UNKNOWN, exports},
    contexts,
    machine::Machine,
    outs::Out,
    scenario::{Process, ProcessKind, Reading},
};

/// `CUDA_ERROR_DEVICE_UNAVAILABLE`.
const DEVICE_UNAVAILABLE: u32 = 46;

/// The GPU of the current context, by its place in the list.
pub(super) fn current_gpu() -> Option<usize> {
    any().current().ok().map(|(_, device)| device.gpu)
}

/// Whether the compute mode lets this process in. What drivers before R510 do not know by name they call unknown.
fn may_enter(machine: &'static Machine, state: &State, number: i32) -> Outcome {
    let device = state.device(number)?.1;
    let (gpu, _) = behind(machine, device)?;
    let mode = match gpu.nvml.compute_mode {
        Some(Reading::Told(mode)) => mode,
        Some(Reading::Refused { .. }) | None => 0,
    };
    let noted = contexts::on(machine, device.gpu).unwrap_or_default();
    let is_other =
        |process: &Process| process.kind == ProcessKind::Compute && process.pid != std::process::id();
    let others = gpu.processes.iter().chain(&noted).any(is_other);
    let refused = match mode {
        2 => true,
        1 | 3 => others,
        _ => false,
    };
    match refused {
        false => Ok(()),
        true if errors::is_known(machine, DEVICE_UNAVAILABLE) => Err(DEVICE_UNAVAILABLE),
        true => Err(UNKNOWN),
    }
}

/// The primary context of a device, where there is one.
fn primary(state: &State, device: usize) -> Option<usize> {
    state.contexts.iter().find(|(_, one)| one.primary && one.device == device).map(|(handle, _)| *handle)
}

fn retain(machine: &'static Machine, context: Out<usize>, number: i32) -> Outcome {
    let mut state = state()?;
    let (device, _) = state.device(number)?;
    let handle = if let Some(handle) = primary(&state, device) {
        handle
    } else {
        may_enter(machine, &state, number)?;
        let handle = state.handle();
        state.contexts.insert(handle, Context { device, retained: 0, primary: true });
        handle
    };
    context.put(handle, INVALID_VALUE)?;
    if let Some(context) = state.contexts.get_mut(&handle) {
        context.retained += 1;
    }
    Ok(())
}

fn release(number: i32) -> Outcome {
    let mut state = state()?;
    let (device, _) = state.device(number)?;
    let handle = primary(&state, device).ok_or(INVALID_CONTEXT)?;
    let context = state.contexts.get_mut(&handle).ok_or(INVALID_CONTEXT)?;
    context.retained -= 1;
    if context.retained == 0 {
        state.destroy(handle);
    }
    Ok(())
}

fn reset(number: i32) -> Outcome {
    let mut state = state()?;
    let (device, _) = state.device(number)?;
    if let Some(handle) = primary(&state, device) {
        state.destroy(handle);
    }
    Ok(())
}

fn create(machine: &'static Machine, context: Out<usize>, number: i32) -> Outcome {
    let mut state = state()?;
    let (device, _) = state.device(number)?;
    may_enter(machine, &state, number)?;
    let handle = state.handle();
    context.put(handle, INVALID_VALUE)?;
    state.contexts.insert(handle, Context { device, retained: 1, primary: false });
    STACK.with_borrow_mut(|stack| stack.push(handle));
    Ok(())
}

fn destroy(context: usize) -> Outcome {
    let mut state = state()?;
    let created = state.contexts.get(&context).is_some_and(|context| !context.primary);
    if !created {
        return Err(INVALID_CONTEXT);
    }
    state.destroy(context);
    STACK.with_borrow_mut(|stack| stack.retain(|one| *one != context));
    Ok(())
}

/// A context that a caller names.
fn known(context: usize) -> Outcome {
    if state()?.contexts.contains_key(&context) { Ok(()) } else { Err(INVALID_CONTEXT) }
}

exports! { Api::Cuda;
    cuDevicePrimaryCtxRetain(context: Out<usize>, device: Device) |machine| retain(machine, context, device.0);
    cuDevicePrimaryCtxRelease(device: Device) |_| release(device.0);
    cuDevicePrimaryCtxRelease_v2(device: Device) |_| release(device.0);
    cuDevicePrimaryCtxReset(device: Device) |_| reset(device.0);
    cuDevicePrimaryCtxReset_v2(device: Device) |_| reset(device.0);
    cuDevicePrimaryCtxSetFlags(device: Device, _flags: u32) |_| state()?.device(device.0).map(|_| ());
    cuDevicePrimaryCtxSetFlags_v2(device: Device, _flags: u32) |_| state()?.device(device.0).map(|_| ());
    cuDevicePrimaryCtxGetState(device: Device, flags: Out<u32>, active: Out<i32>) |_| {
        let state = state()?;
        let (device, _) = state.device(device.0)?;
        flags.put(0, INVALID_VALUE)?;
        active.put(primary(&state, device).is_some().into(), INVALID_VALUE)
    };
    cuCtxCreate_v2(context: Out<usize>, _flags: u32, device: Device) |machine| create(machine, context, device.0);
    cuCtxDestroy_v2(context: usize) |_| destroy(context);
    cuCtxSetCurrent(context: usize) |_| {
        if context == 0 {
            STACK.with_borrow_mut(Vec::pop);
            return Ok(());
        }
        known(context)?;
        STACK.with_borrow_mut(|stack| {
            stack.pop();
            stack.push(context);
        });
        Ok(())
    };
    cuCtxGetCurrent(context: Out<usize>) |_| {
        let _initialized = state()?;
        context.put(STACK.with_borrow(|stack| stack.last().copied()).unwrap_or(0), INVALID_VALUE)
    };
    cuCtxPushCurrent_v2(context: usize) |_| {
        known(context)?;
        STACK.with_borrow_mut(|stack| stack.push(context));
        Ok(())
    };
    cuCtxPopCurrent_v2(context: Out<usize>) |_| {
        let _initialized = state()?;
        let popped = STACK.with_borrow_mut(Vec::pop).ok_or(INVALID_CONTEXT)?;
        if context.is_null() { Ok(()) } else { context.put(popped, INVALID_VALUE) }
    };
    cuCtxGetDevice(device: Out<i32>) |_| {
        let state = state()?;
        let (handle, _) = state.current()?;
        let number = state.contexts.get(&handle).map_or(0, |context| context.device);
        device.put(i32::try_from(number).unwrap_or(0), INVALID_VALUE)
    };
    cuCtxGetApiVersion(context: usize, version: Out<u32>) |_| {
        known(context)?;
        version.put(3020, INVALID_VALUE)
    };
    cuCtxGetFlags(flags: Out<u32>) |_| {
        state()?.current()?;
        flags.put(0, INVALID_VALUE)
    };
    cuCtxGetStreamPriorityRange(least: Out<i32>, greatest: Out<i32>) |_| {
        state()?.current()?;
        least.put(0, INVALID_VALUE)?;
        greatest.put(-5, INVALID_VALUE)
    };
    cuCtxSynchronize() |_| state()?.current().map(|_| ());
    cuCtxEnablePeerAccess(_peer: usize, _flags: u32) |_| Err(PEER_ACCESS_UNSUPPORTED);
}

/// `CUDA_ERROR_PEER_ACCESS_UNSUPPORTED`.
const PEER_ACCESS_UNSUPPORTED: u32 = 217;

/// CUDA's number of a device.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(super) struct Device(pub(super) i32);

impl crate::outs::Concerns for Device {
    fn gpu(&self) -> Option<usize> {
        any().device(self.0).ok().map(|(_, device)| device.gpu)
    }
}
