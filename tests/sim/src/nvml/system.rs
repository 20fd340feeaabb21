//! Beginning, end, versions, texts of errors.

use super::{INSUFFICIENT_SIZE, INVALID_ARGUMENT, NOT_FOUND, NOT_SUPPORTED, USERS, initialized};
use crate::{
    call::{Api, Outcome, UNKNOWN, exports},
    machine::Machine,
    outs::Out,
};
use std::{
    ffi::{CStr, c_char},
    sync::atomic::Ordering,
};

fn init() -> Outcome {
    let users = USERS.fetch_add(1, Ordering::SeqCst);
    // Nobody has so many; a count that came round would be none.
    if users == u32::MAX { Err(UNKNOWN) } else { Ok(()) }
}

/// CUDA's version as the scenario has it.
fn cuda_version(machine: &Machine, version: Out<i32>) -> Result<(), u32> {
    version.put(machine.scenario.driver.cuda, INVALID_ARGUMENT)
}

exports! { Api::Nvml;
    nvmlInit() |_| init();
    nvmlInit_v2() |_| init();
    nvmlInitWithFlags(_flags: u32) |_| init();
    nvmlShutdown() |_| {
        initialized()?;
        USERS.fetch_sub(1, Ordering::SeqCst);
        Ok(())
    };
    nvmlSystemGetDriverVersion(version: Out<c_char>, room: u32) |machine| {
        initialized()?;
        version.put_text(&machine.scenario.driver.version, room as usize, INVALID_ARGUMENT, INSUFFICIENT_SIZE)
    };
    nvmlSystemGetNVMLVersion(version: Out<c_char>, room: u32) |machine| {
        let driver = &machine.scenario.driver;
        let text = driver.nvml.clone().unwrap_or_else(|| format!("{}.{}", driver.cuda / 1000, driver.version));
        version.put_text(&text, room as usize, INVALID_ARGUMENT, INSUFFICIENT_SIZE)
    };
    nvmlSystemGetCudaDriverVersion(version: Out<i32>) |machine| cuda_version(machine, version);
    nvmlSystemGetCudaDriverVersion_v2(version: Out<i32>) |machine| cuda_version(machine, version);
    nvmlSystemGetProcessName(pid: u32, name: Out<c_char>, room: u32) |_| {
        initialized()?;
        let text = std::fs::read_link(format!("/proc/{pid}/exe")).map_err(|_| NOT_FOUND)?;
        let text: String = text.to_string_lossy().chars().take((room as usize).saturating_sub(1)).collect();
        name.put_text(&text, room as usize, INVALID_ARGUMENT, INSUFFICIENT_SIZE)
    };
    nvmlSystemGetConfComputeState(_state: Out<u32>) |_| {
        initialized()?;
        Err(NOT_SUPPORTED)
    };
}

/// What NVML says of its codes, from 0: R555's words.
const WORDS: [&CStr; 30] = [
    c"Success",
    c"Uninitialized",
    c"Invalid Argument",
    c"Not Supported",
    c"Insufficient Permissions",
    c"Already Initialized",
    c"Not Found",
    c"Insufficient Size",
    c"Insufficient External Power",
    c"Driver Not Loaded",
    c"Timeout",
    c"Interrupt Request Issue",
    c"NVML Shared Library Not Found",
    c"Function Not Found",
    c"Corrupted infoROM",
    c"GPU is lost",
    c"GPU requires reset",
    c"GPU access blocked by the operating system",
    c"Driver/library version mismatch",
    c"In use by another client",
    c"Insufficient Memory",
    c"No data",
    c"vGPU ECC not supported",
    c"Insufficient Resources",
    c"Invalid Frequency",
    c"Argument version mismatch",
    c"Requested functionality has been deprecated",
    c"System is not in ready state",
    c"No supported GPUs were found",
    c"Resource not in correct state to perform requested operation",
];

/// Returns a text and no code, so that no fault meets it.
#[unsafe(no_mangle)]
extern "C" fn nvmlErrorString(code: u32) -> *const c_char {
    let known = usize::try_from(code).ok().and_then(|code| WORDS.get(code));
    known.map_or(c"Unknown Error".as_ptr(), |word| word.as_ptr())
}

/// Its name, for the table of symbols.
pub(super) const ERROR_STRING: &[&str] = &["nvmlErrorString"];
