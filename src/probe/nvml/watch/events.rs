//! Xids while GPUs are sampled: NVML's events, for which nobody has to be root.

use super::{Piece, What};
use crate::{child::Trail, probe::nvml::asked::Asked};
use gpucheck_checks::fact::ProbeFailure;
use nvml_wrapper_sys::bindings::{NvmlLib, nvmlDevice_t, nvmlEventData_t, nvmlEventSet_t};
use std::mem::zeroed;

/// `nvmlEventTypeXidCriticalError`.
const XID: u64 = 8;
/// `NVML_ERROR_TIMEOUT`: nothing has happened.
const TIMEOUT: u32 = 10;
/// How long a look waits, in milliseconds: what has happened already is told at once.
const WAIT_MS: u32 = 1;
/// Most events of one look.
const EVENTS: usize = 16;

/// A set of events; none where no GPU takes them.
pub(super) struct Events {
    set: Option<nvmlEventSet_t>,
    listening: Vec<usize>,
}

impl Events {
    /// Asks every GPU for its Xids.
    pub(super) fn of(lib: &NvmlLib, gpus: &[nvmlDevice_t], trail: &mut Trail) -> Self {
        let Ok(set) = create(lib, trail) else { return Self { set: None, listening: Vec::new() } };
        let mut listening = Vec::new();
        for (place, handle) in gpus.iter().enumerate() {
            if register(set, &mut Asked { lib, handle: *handle, trail: &mut *trail }).is_ok() {
                trail.piece(&Piece { gpu: place, what: What::Listens(true) });
                listening.push(place);
            }
        }
        let set = Some(set).filter(|_| !listening.is_empty());
        Self { set, listening }
    }

    /// Tells what has happened since the last look.
    pub(super) fn tell(&mut self, lib: &NvmlLib, gpus: &[nvmlDevice_t], trail: &mut Trail) {
        let Some(set) = self.set else { return };
        for _ in 0..EVENTS {
            match wait(set, lib, trail) {
                Ok(Some(event)) if event.eventType == XID => {
                    let place = gpus.iter().position(|handle| *handle == event.device);
                    let only = || Some(0).filter(|_| gpus.len() == 1);
                    if let (Some(gpu), Ok(xid)) = (place.or_else(only), u32::try_from(event.eventData)) {
                        trail.piece(&Piece { gpu, what: What::Xid(xid) });
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) => return,
                Err(_) => {
                    self.set = None;
                    for gpu in std::mem::take(&mut self.listening) {
                        trail.piece(&Piece { gpu, what: What::Listens(false) });
                    }
                    return;
                }
            }
        }
    }

    /// Gives the set back.
    pub(super) fn end(self, lib: &NvmlLib, trail: &mut Trail) {
        let Some(set) = self.set else { return };
        let mut asked = Asked { lib, handle: std::ptr::null_mut(), trail };
        let freed = asked.call("nvmlEventSetFree", &lib.nvmlEventSetFree, |free, _| {
            // SAFETY: nvml.h declares this signature; the set is the library's and is not used any more.
            unsafe { free(set) }
        });
        if let Err(by) = freed {
            tracing::debug!(%by, "nvmlEventSetFree");
        }
    }
}

fn create(lib: &NvmlLib, trail: &mut Trail) -> Result<nvmlEventSet_t, ProbeFailure> {
    let mut set: nvmlEventSet_t = std::ptr::null_mut();
    let mut asked = Asked { lib, handle: std::ptr::null_mut(), trail };
    asked.call("nvmlEventSetCreate", &lib.nvmlEventSetCreate, |create, _| {
        // SAFETY: nvml.h declares this signature, and `set` outlives the call.
        unsafe { create(&raw mut set) }
    })?;
    Ok(set)
}

fn register(set: nvmlEventSet_t, asked: &mut Asked<'_>) -> Result<(), ProbeFailure> {
    let lib = asked.lib;
    asked.call("nvmlDeviceRegisterEvents", &lib.nvmlDeviceRegisterEvents, |register, device| {
        // SAFETY: nvml.h declares this signature; handle and set are this library's.
        unsafe { register(device, XID, set) }
    })
}

/// The next event; none where nothing has happened.
fn wait(
    set: nvmlEventSet_t,
    lib: &NvmlLib,
    trail: &mut Trail,
) -> Result<Option<nvmlEventData_t>, ProbeFailure> {
    // SAFETY: a structure of numbers and a pointer; all zeros is a value of it.
    let mut event: nvmlEventData_t = unsafe { zeroed() };
    let mut asked = Asked { lib, handle: std::ptr::null_mut(), trail };
    // Drivers before R450 have the first version only, whose structure is the beginning of this one.
    let (name, symbol) = match &lib.nvmlEventSetWait_v2 {
        Ok(_) => ("nvmlEventSetWait_v2", &lib.nvmlEventSetWait_v2),
        Err(_) => ("nvmlEventSetWait", &lib.nvmlEventSetWait),
    };
    let code = asked.code(name, symbol, |wait, _| {
        // SAFETY: nvml.h declares this signature; the set is the library's and the structure outlives the call.
        unsafe { wait(set, &raw mut event, WAIT_MS) }
    })?;
    match code {
        0 => Ok(Some(event)),
        TIMEOUT => Ok(None),
        code => Err(crate::probe::nvml::asked::refusal(name, code)),
    }
}
