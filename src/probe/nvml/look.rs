//! The worker's side: open, initialize, ask the system, ask each device, shut down.

use super::{
    SONAME,
    asked::{Asked, failure, told},
    device,
};
use crate::{child::Trail, probe::library, worker::Ask};
use gpucheck_checks::fact::{Nvml, NvmlDevice, Observed, ProbeFailure};
use nvml_wrapper::Nvml as Library;
use nvml_wrapper_sys::bindings::{NvmlLib, nvmlDevice_t};
use std::{ffi::OsStr, time::Instant};

/// The node through which the driver is asked what it has.
const CONTROL: &str = "/dev/nvidiactl";

/// Asks NVML in this process.
pub(crate) fn look(ask: &Ask, trail: &mut Trail) -> Nvml {
    trail.step(&format!("dlopen {SONAME}"));
    let opened = match library::open(SONAME, &ask.search) {
        Ok(opened) => opened,
        Err(by) => {
            return Nvml {
                library: Observed::Failed(by),
                ..Nvml::unasked(&format!("{SONAME} was not loaded"))
            };
        }
    };
    let why = ask.hold_init.as_deref().unwrap_or("not reached");
    let mut nvml = Nvml { library: Observed::Seen(opened.path.clone()), ..Nvml::unasked(why) };
    trail.so_far(&nvml);
    if ask.hold_init.is_some() {
        return nvml;
    }
    // Without a driver the node is none of its own, and nothing is to be learned from it.
    if ask.may_make_nodes {
        nvml.control = open_control(trail);
        trail.so_far(&nvml);
    }
    trail.step("nvmlInit_v2");
    let start = Instant::now();
    // The file is open already, so that this takes the same one and no other.
    match Library::builder().lib_path(OsStr::new(&opened.path)).init() {
        Err(error) => {
            let init = Observed::Failed(failure("nvmlInit_v2", error));
            let Nvml { library, control, .. } = nvml;
            return Nvml { library, control, init, ..Nvml::unasked("nvmlInit_v2 failed") };
        }
        Ok(library) => {
            nvml.init = Observed::Seen(());
            trail.so_far(&nvml);
            ask_system(&library, &mut nvml, trail);
            ask_devices(&library, &mut nvml, start, trail);
            trail.step("nvmlShutdown");
            if let Err(error) = library.shutdown() {
                tracing::debug!(%error, "nvmlShutdown");
            }
        }
    }
    nvml
}

/// Opens the node that NVML opens first. NVML calls every refusal 999; the system's own number tells a container that
/// has lost its devices.
fn open_control(trail: &mut Trail) -> Observed<()> {
    let step = format!("open {CONTROL}");
    trail.step(&step);
    match std::fs::File::options().read(true).write(true).open(CONTROL) {
        Ok(_) => Observed::Seen(()),
        Err(error) => {
            let code = error.raw_os_error().unwrap_or_default();
            Observed::refused(&step, code.into(), error.kind().to_string(), "")
        }
    }
}

fn ask_system(library: &Library, nvml: &mut Nvml, trail: &mut Trail) {
    trail.step("nvmlSystemGetDriverVersion");
    nvml.driver_version = told("nvmlSystemGetDriverVersion", library.sys_driver_version());
    trail.step("nvmlSystemGetNVMLVersion");
    nvml.nvml_version = told("nvmlSystemGetNVMLVersion", library.sys_nvml_version());
    trail.step("nvmlSystemGetCudaDriverVersion_v2");
    nvml.cuda_version = match library.lib().nvmlSystemGetCudaDriverVersion_v2 {
        Ok(_) => told("nvmlSystemGetCudaDriverVersion_v2", library.sys_cuda_driver_version()),
        // R390 has the first version only.
        Err(_) => cuda_version(library.lib(), trail).into(),
    };
    trail.so_far(nvml);
}

fn cuda_version(lib: &NvmlLib, trail: &mut Trail) -> Result<i32, ProbeFailure> {
    let mut version = 0;
    let mut asked = Asked { lib, handle: std::ptr::null_mut(), trail };
    asked.call("nvmlSystemGetCudaDriverVersion", &lib.nvmlSystemGetCudaDriverVersion, |get, _| {
        // SAFETY: nvml.h declares this signature, and `version` outlives the call.
        unsafe { get(&raw mut version) }
    })?;
    Ok(version)
}

fn ask_devices(library: &Library, nvml: &mut Nvml, start: Instant, trail: &mut Trail) {
    trail.step("nvmlDeviceGetCount_v2");
    let count = match library.device_count() {
        Ok(count) => count,
        Err(error) => {
            nvml.devices = Observed::Failed(failure("nvmlDeviceGetCount_v2", error));
            return;
        }
    };
    let mut devices = Vec::new();
    for index in 0..count {
        let opened = open(library.lib(), index, trail);
        if opened.is_ok() && nvml.start_ms.is_none() {
            nvml.start_ms = u64::try_from(start.elapsed().as_millis()).ok();
        }
        let mut tell = |trail: &mut Trail, device: Observed<NvmlDevice>| {
            nvml.devices = Observed::Seen(devices.iter().cloned().chain([device]).collect());
            trail.so_far(&*nvml);
        };
        let device: Observed<NvmlDevice> = match opened {
            Ok(mut asked) => {
                let seen = |trail: &mut Trail, device: &NvmlDevice| {
                    tell(trail, Observed::Seen(device.clone()));
                };
                Observed::Seen(device::look(&mut asked, index, seen))
            }
            Err(by) => {
                tell(trail, Observed::Failed(by.clone()));
                Observed::Failed(by)
            }
        };
        devices.push(device);
    }
    nvml.devices = Observed::Seen(devices);
}

/// The device's handle. One that has fallen off the bus refuses here.
pub(super) fn open<'a>(
    lib: &'a NvmlLib,
    index: u32,
    trail: &'a mut Trail,
) -> Result<Asked<'a>, ProbeFailure> {
    let mut handle: nvmlDevice_t = std::ptr::null_mut();
    let mut asked = Asked { lib, handle, trail };
    asked.call("nvmlDeviceGetHandleByIndex_v2", &lib.nvmlDeviceGetHandleByIndex_v2, |get, _| {
        // SAFETY: nvml.h declares this signature, and `handle` outlives the call.
        unsafe { get(index, &raw mut handle) }
    })?;
    asked.handle = handle;
    Ok(asked)
}
