//! The worker's side: load, tell the version, then a handle and an operation on CUDA's first device.

use super::{
    Ask, Kind,
    api::{Api, Handle, Text},
    cublas, cudnn,
};
use crate::{
    child::Trail,
    probe::{
        cuda,
        library::{self, Opened, Search},
    },
};
use gpucheck_checks::fact::{LibraryTrial, Observed, PciAddress, ProbeFailure};
use std::{ffi::CStr, path::Path};

/// Tries a library in this process.
pub(crate) fn look(ask: &Ask, trail: &mut Trail) -> LibraryTrial {
    let mut trial = LibraryTrial::unasked(ask.hold.as_deref().unwrap_or("not reached"));
    for file in &ask.before {
        // What cannot be loaded shows when the library itself wants it.
        let _ = open(file, trail);
    }
    let opened = match open(&ask.file, trail) {
        Ok(opened) => opened,
        Err(by) => {
            trial = LibraryTrial::unasked("the library was not loaded");
            trial.library = Observed::Failed(by);
            return trial;
        }
    };
    trial.library = Observed::Seen(opened.path);
    trail.so_far(&trial);
    // The library's own calls want no driver for this.
    let mut api = Api { cuda: opened.library, library: opened.library, trail };
    trial.version = match ask.kind {
        Kind::Cublas => api.version(Api::cublas_property),
        Kind::Cudnn => api.version(Api::cudnn_property),
    }
    .into();
    api.trail.so_far(&trial);
    if ask.hold.is_some() {
        return trial;
    }
    api.trail.step(&format!("dlopen {}", cuda::SONAME));
    match library::open(cuda::SONAME, &Search::Loader) {
        Ok(driver) => {
            trial.driver = Observed::Seen(driver.path);
            api.cuda = driver.library;
            on_device(&mut api, ask, &mut trial);
        }
        Err(by) => trial.driver = Observed::Failed(by),
    }
    trial
}

fn open(file: &str, trail: &mut Trail) -> Result<Opened, ProbeFailure> {
    let path = Path::new(file);
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
    trail.step(&format!("dlopen {name}"));
    library::open(&name, &Search::Directories(vec![folder]))
}

/// Goes on to the first device, up to what fails.
fn on_device(api: &mut Api<'_>, ask: &Ask, trial: &mut LibraryTrial) {
    trial.init = api.init(0).into();
    if trial.init.failure().is_some() {
        return;
    }
    api.trail.so_far(trial);
    let mut number = 0;
    let mut address: Text = [0; 256];
    let found = api.device(&mut number, 0);
    if found.is_ok() && api.pci(&mut address, 255, number).is_ok() {
        let text = CStr::from_bytes_until_nul(&address).unwrap_or_default().to_string_lossy();
        trial.pci = Some(PciAddress::new(&text));
    }
    let mut context: Handle = 0;
    let opened = found.and_then(|()| api.retain(&mut context, number));
    trial.context = opened.and_then(|()| api.make_current(context)).into();
    if trial.context.failure().is_some() {
        return;
    }
    api.trail.so_far(trial);
    match ask.kind {
        Kind::Cublas => with_cublas(api, ask.size, trial),
        Kind::Cudnn => with_cudnn(api, trial),
    }
    api.trail.so_far(trial);
    // The process ends now: a driver that cannot give the context back takes it.
    let _ = api.release(number);
}

fn with_cublas(api: &mut Api<'_>, size: u32, trial: &mut LibraryTrial) {
    let mut handle: Handle = 0;
    trial.handle = api.cublas_create(&mut handle).into();
    if trial.handle.failure().is_some() {
        return;
    }
    api.trail.so_far(trial);
    trial.operation = cublas::multiply(api, handle).into();
    api.trail.so_far(trial);
    if trial.operation.seen().is_some_and(|operation| operation.wrong == 0) {
        trial.sgemm = match cublas::race(api, handle, size) {
            Ok(Some(sgemm)) => Observed::Seen(sgemm),
            Ok(None) => Observed::not_probed("too little memory is free"),
            Err(by) => Observed::Failed(by),
        };
    }
    api.trail.so_far(trial);
    let _ = api.cublas_destroy(handle);
}

fn with_cudnn(api: &mut Api<'_>, trial: &mut LibraryTrial) {
    trial.sgemm = Observed::not_probed("cuDNN has none");
    let mut handle: Handle = 0;
    trial.handle = api.cudnn_create(&mut handle).into();
    if trial.handle.failure().is_some() {
        return;
    }
    api.trail.so_far(trial);
    trial.operation = cudnn::add(api, handle).into();
    api.trail.so_far(trial);
    let _ = api.cudnn_destroy(handle);
}
