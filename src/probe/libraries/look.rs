//! The worker's side: load, tell the version, then a handle and an operation on CUDA's first device.

use super::{Ask, Kind, api::Library, cublas::Cublas, cudnn};
use crate::{
    child::Trail,
    probe::{
        cuda::{
            self,
            api::{Api, Handle},
        },
        library::{self, Opened, Search},
    },
};
use gpucheck_checks::fact::{LibraryTrial, Observed, ProbeFailure};
use std::path::Path;

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
    let library = Library(opened.library);
    trial.version = match ask.kind {
        Kind::Cublas => library.version(trail, Library::cublas_property),
        Kind::Cudnn => library.version(trail, Library::cudnn_property),
    }
    .into();
    trail.so_far(&trial);
    if ask.hold.is_some() {
        return trial;
    }
    trail.step(&format!("dlopen {}", cuda::SONAME));
    match library::open(cuda::SONAME, &Search::Loader) {
        Ok(driver) => {
            trial.driver = Observed::Seen(driver.path);
            on_device(library, &mut Api::new(driver.library, trail), ask, &mut trial);
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
fn on_device(library: Library, api: &mut Api<'_>, ask: &Ask, trial: &mut LibraryTrial) {
    trial.init = api.init(0).into();
    if trial.init.failure().is_some() {
        return;
    }
    api.so_far(trial);
    let found = api.device(0);
    trial.pci = found.as_ref().ok().and_then(|number| api.pci(*number).ok());
    let opened = found.and_then(|number| {
        let context = api.retain(number)?;
        api.make_current(context).map(|()| number)
    });
    let number = match opened {
        Ok(number) => number,
        Err(by) => {
            trial.context = Observed::Failed(by);
            return;
        }
    };
    trial.context = Observed::Seen(());
    api.so_far(trial);
    match ask.kind {
        Kind::Cublas => with_cublas(library, api, ask.size, trial),
        Kind::Cudnn => with_cudnn(library, api, trial),
    }
    api.so_far(trial);
    // The process ends now: a driver that cannot give the context back takes it.
    let _ = api.release(number);
}

fn with_cublas(library: Library, api: &mut Api<'_>, size: u32, trial: &mut LibraryTrial) {
    let mut handle: Handle = 0;
    trial.handle = library.cublas_create(api.trail(), &mut handle).into();
    if trial.handle.failure().is_some() {
        return;
    }
    api.so_far(trial);
    let cublas = Cublas { library, handle };
    trial.operation = cublas.multiply(api).into();
    api.so_far(trial);
    if trial.operation.seen().is_some_and(|operation| operation.wrong == 0) {
        trial.sgemm = match cublas.race(api, size) {
            Ok(Some(sgemm)) => Observed::Seen(sgemm),
            Ok(None) => Observed::not_probed("too little memory is free"),
            Err(by) => Observed::Failed(by),
        };
    }
    api.so_far(trial);
    let _ = library.cublas_destroy(api.trail(), handle);
}

fn with_cudnn(library: Library, api: &mut Api<'_>, trial: &mut LibraryTrial) {
    trial.sgemm = Observed::not_probed("cuDNN has none");
    let mut handle: Handle = 0;
    trial.handle = library.cudnn_create(api.trail(), &mut handle).into();
    if trial.handle.failure().is_some() {
        return;
    }
    api.so_far(trial);
    trial.operation = cudnn::add(library, handle, api).into();
    api.so_far(trial);
    let _ = library.cudnn_destroy(api.trail(), handle);
}
