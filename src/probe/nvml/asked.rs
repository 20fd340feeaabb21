//! One call at a time: the symbol that may be missing, the step, the code that may be unknown.

use crate::child::Trail;
use gpucheck_checks::fact::{Observed, ProbeFailure};
use nvml_wrapper::error::NvmlError;
use nvml_wrapper_sys::bindings::{NvmlLib, nvmlDevice_t, nvmlReturn_t};
use std::ffi::{CStr, c_char, c_uint};

/// `NVML_ERROR_FUNCTION_NOT_FOUND`: what a missing symbol counts as, too.
const FUNCTION_NOT_FOUND: nvmlReturn_t = 13;

/// A getter of one value.
pub(super) type Get<T> = unsafe extern "C" fn(nvmlDevice_t, *mut T) -> nvmlReturn_t;
/// A getter of one value of several of a kind.
pub(super) type GetOf<T> = unsafe extern "C" fn(nvmlDevice_t, c_uint, *mut T) -> nvmlReturn_t;
/// A getter of two values.
pub(super) type GetTwo<T> = unsafe extern "C" fn(nvmlDevice_t, *mut T, *mut T) -> nvmlReturn_t;
/// A getter of a text, given the room for it.
pub(super) type GetText = unsafe extern "C" fn(nvmlDevice_t, *mut c_char, c_uint) -> nvmlReturn_t;

/// A device that is being asked.
pub(super) struct Asked<'a> {
    pub(super) lib: &'a NvmlLib,
    pub(super) handle: nvmlDevice_t,
    pub(super) trail: &'a mut Trail,
}

/// Reads by a function of NVML's table, named once: `read!(asked, value, nvmlDeviceGetPowerUsage)`.
macro_rules! read {
    ($asked:ident, $kind:ident, $symbol:ident $(, $which:expr)?) => {{
        let lib = $asked.lib;
        $asked.$kind(stringify!($symbol), &lib.$symbol $(, $which)?)
    }};
}
pub(super) use read;

impl Asked<'_> {
    /// Makes a call, where the library has it.
    pub(super) fn call<F: Copy, E>(
        &mut self,
        name: &str,
        symbol: &Result<F, E>,
        call: impl FnOnce(F, nvmlDevice_t) -> nvmlReturn_t,
    ) -> Result<(), ProbeFailure> {
        match self.code(name, symbol, call)? {
            0 => Ok(()),
            code => Err(refusal(name, code)),
        }
    }

    /// Makes a call whose return code is part of the answer.
    pub(super) fn code<F: Copy, E>(
        &mut self,
        name: &str,
        symbol: &Result<F, E>,
        call: impl FnOnce(F, nvmlDevice_t) -> nvmlReturn_t,
    ) -> Result<nvmlReturn_t, ProbeFailure> {
        let Ok(function) = symbol else { return Err(missing(name)) };
        self.trail.step(name);
        Ok(call(*function, self.handle))
    }

    /// One value.
    pub(super) fn value<T: Default, E>(
        &mut self,
        name: &str,
        symbol: &Result<Get<T>, E>,
    ) -> Result<T, ProbeFailure> {
        let mut value = T::default();
        // SAFETY: nvml.h declares this signature; the handle is this library's and `value` outlives the call.
        self.call(name, symbol, |get, device| unsafe { get(device, &raw mut value) })?;
        Ok(value)
    }

    /// The one value of several that `which` names.
    pub(super) fn value_of<T: Default, E>(
        &mut self,
        name: &str,
        symbol: &Result<GetOf<T>, E>,
        which: c_uint,
    ) -> Result<T, ProbeFailure> {
        let mut value = T::default();
        // SAFETY: nvml.h declares this signature; the handle is this library's and `value` outlives the call.
        self.call(name, symbol, |get, device| unsafe { get(device, which, &raw mut value) })?;
        Ok(value)
    }

    /// Two values.
    pub(super) fn two<T: Default, E>(
        &mut self,
        name: &str,
        symbol: &Result<GetTwo<T>, E>,
    ) -> Result<(T, T), ProbeFailure> {
        let (mut one, mut other) = (T::default(), T::default());
        // SAFETY: nvml.h declares this signature; the handle is this library's and both values outlive the call.
        self.call(name, symbol, |get, device| unsafe { get(device, &raw mut one, &raw mut other) })?;
        Ok((one, other))
    }

    /// A text.
    pub(super) fn text<E>(
        &mut self,
        name: &str,
        symbol: &Result<GetText, E>,
    ) -> Result<String, ProbeFailure> {
        let mut room = [0_u8; TEXT];
        // SAFETY: nvml.h declares this signature; the handle is this library's and the room is as long as said.
        self.call(name, symbol, |get, device| unsafe { get(device, room.as_mut_ptr().cast(), ROOM) })?;
        Ok(text(&room))
    }
}

/// Room for any text of NVML's, which asks for 96 bytes at most.
pub(super) const TEXT: usize = 256;
/// The same, leaving the last byte alone.
const ROOM: c_uint = 255;

/// What stands before the first NUL.
pub(super) fn text(room: &[u8]) -> String {
    CStr::from_bytes_until_nul(room).unwrap_or_default().to_string_lossy().into_owned()
}

/// Seen, or refused.
pub(super) fn told<T>(step: &str, result: Result<T, NvmlError>) -> Observed<T> {
    result.map_err(|error| failure(step, error)).into()
}

/// An error of the wrapper's as NVML numbers it.
pub(super) fn failure(step: &str, error: NvmlError) -> ProbeFailure {
    if let NvmlError::FailedToLoadSymbol(_) = error {
        return missing(step);
    }
    if let NvmlError::Utf8Error(error) = error {
        return ProbeFailure::Garbled { step: step.to_owned(), message: error.to_string() };
    }
    refusal(step, nvmlReturn_t::from(error))
}

/// A refusal with this code, known or not.
pub(super) fn refusal(step: &str, code: nvmlReturn_t) -> ProbeFailure {
    refused(step, code, NvmlError::from(code).to_string())
}

/// The library is too old, or too new, for this function.
fn missing(step: &str) -> ProbeFailure {
    refused(step, FUNCTION_NOT_FOUND, format!("the library has no {step}"))
}

fn refused(step: &str, code: nvmlReturn_t, message: String) -> ProbeFailure {
    ProbeFailure::Refused { step: step.to_owned(), code: code.into(), name: name(code), message }
}

/// nvml.h's name of a code, without the `NVML_ERROR_` that all share.
fn name(code: nvmlReturn_t) -> String {
    if code == 999 {
        return "UNKNOWN".to_owned();
    }
    let known = usize::try_from(code).ok().and_then(|code| NAMES.get(code));
    known.map_or_else(|| format!("error {code}"), |name| (*name).to_owned())
}

/// `nvmlReturn_t` from 0, as of CUDA 13.5.
const NAMES: [&str; 31] = [
    "SUCCESS",
    "UNINITIALIZED",
    "INVALID_ARGUMENT",
    "NOT_SUPPORTED",
    "NO_PERMISSION",
    "ALREADY_INITIALIZED",
    "NOT_FOUND",
    "INSUFFICIENT_SIZE",
    "INSUFFICIENT_POWER",
    "DRIVER_NOT_LOADED",
    "TIMEOUT",
    "IRQ_ISSUE",
    "LIBRARY_NOT_FOUND",
    "FUNCTION_NOT_FOUND",
    "CORRUPTED_INFOROM",
    "GPU_IS_LOST",
    "RESET_REQUIRED",
    "OPERATING_SYSTEM",
    "LIB_RM_VERSION_MISMATCH",
    "IN_USE",
    "MEMORY",
    "NO_DATA",
    "VGPU_ECC_NOT_SUPPORTED",
    "INSUFFICIENT_RESOURCES",
    "FREQ_NOT_SUPPORTED",
    "ARGUMENT_VERSION_MISMATCH",
    "DEPRECATED",
    "NOT_READY",
    "GPU_NOT_FOUND",
    "INVALID_STATE",
    "RESET_TYPE_NOT_SUPPORTED",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_keep_their_number_and_get_their_name() {
        for (code, named) in
            [(9, "DRIVER_NOT_LOADED"), (15, "GPU_IS_LOST"), (999, "UNKNOWN"), (31, "error 31")]
        {
            let ProbeFailure::Refused { code: kept, name, .. } = refusal("call", code) else { panic!() };
            assert_eq!((kept, name.as_str()), (i64::from(code), named));
        }
    }

    #[test]
    fn a_missing_symbol_is_named() {
        let failure = failure("nvmlDeviceGetRemappedRows", NvmlError::FailedToLoadSymbol(String::new()));
        assert_eq!(
            failure.to_string(),
            "nvmlDeviceGetRemappedRows: FUNCTION_NOT_FOUND (13): the library has no nvmlDeviceGetRemappedRows"
        );
    }

    #[test]
    fn a_text_without_an_end_is_empty() {
        assert_eq!(text(&[1; TEXT]), "");
    }
}
