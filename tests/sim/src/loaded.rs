//! A library's beginning and end, which faults may meet as they meet calls.

use crate::{
    call::{Api, call},
    outs::Text,
};

/// The names under which they are calls: library, loaded, unloaded.
const NAMES: [(&str, &str, &str); 2] = [
    ("libcuda.so.1", "dlopen libcuda.so.1", "dlclose libcuda.so.1"),
    ("libnvidia-ml.so.1", "dlopen libnvidia-ml.so.1", "dlclose libnvidia-ml.so.1"),
];

fn meet(library: Text, name: fn(&(&str, &'static str, &'static str)) -> &'static str) {
    let library = library.read();
    if let Some(names) = NAMES.iter().find(|names| library == Some(names.0)) {
        call(Api::Nvml, name(names), None, &|_| Ok(()));
    }
}

#[unsafe(no_mangle)]
extern "C" fn gpusim_loaded(library: Text) {
    meet(library, |names| names.1);
}

#[unsafe(no_mangle)]
extern "C" fn gpusim_unloaded(library: Text) {
    meet(library, |names| names.2);
}
