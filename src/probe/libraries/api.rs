//! The functions of cuBLAS and cuDNN that are called, each looked up when it is.
//!
//! Sources: cublas_api.h, cudnn.h of cuDNN 7 and cudnn_ops.h of cuDNN 9, which agree on these.

use crate::{
    child::Trail,
    probe::cuda::api::{DevicePointer, Handle, find, text_at},
};
use gpucheck_checks::fact::ProbeFailure;
use std::ffi::c_char;

/// An open cuBLAS or cuDNN.
#[derive(Clone, Copy)]
pub(super) struct Library(pub(super) &'static libloading::Library);

/// Methods that make one call each. References stand for the pointers of the headers: they cannot be null or dangle.
macro_rules! calls {
    ($words:ident; $($method:ident: $symbol:ident($($arg:ident: $type:ty),*);)*) => {
        impl Library {
            $(#[allow(clippy::too_many_arguments, reason = "the header says how many there are")]
            pub(super) fn $method(self, trail: &mut Trail, $($arg: $type),*) -> Result<(), ProbeFailure> {
                let step = stringify!($symbol);
                let call: unsafe extern "C" fn($($type),*) -> u32 = find(self.0, step)?;
                trail.step(step);
                // SAFETY: the header declares this signature; what references point to outlives the call, and
                // handles come from the same library.
                let code = unsafe { call($($arg),*) };
                if code == 0 { Ok(()) } else { Err(refused(step, code, $words(self.0, code))) }
            })*
        }
    };
}

calls! { cublas_words;
    cublas_property: cublasGetProperty(property: i32, value: &mut i32);
    cublas_create: cublasCreate_v2(handle: &mut Handle);
    cublas_destroy: cublasDestroy_v2(handle: Handle);
    sgemm: cublasSgemm_v2(
        handle: Handle, transpose_a: i32, transpose_b: i32, rows: i32, columns: i32, inner: i32, alpha: &f32,
        a: DevicePointer, a_rows: i32, b: DevicePointer, b_rows: i32, beta: &f32, c: DevicePointer, c_rows: i32
    );
}

calls! { cudnn_words;
    cudnn_property: cudnnGetProperty(property: i32, value: &mut i32);
    cudnn_create: cudnnCreate(handle: &mut Handle);
    cudnn_destroy: cudnnDestroy(handle: Handle);
    create_descriptor: cudnnCreateTensorDescriptor(descriptor: &mut Handle);
    describe: cudnnSetTensor4dDescriptor(
        descriptor: Handle, format: i32, element: i32, images: i32, channels: i32, rows: i32, columns: i32
    );
    destroy_descriptor: cudnnDestroyTensorDescriptor(descriptor: Handle);
    add_tensor: cudnnAddTensor(
        handle: Handle, alpha: &f32, a_descriptor: Handle, a: DevicePointer, beta: &f32, c_descriptor: Handle,
        c: DevicePointer
    );
}

impl Library {
    /// Major, minor and patch, by the three properties of a library: `libraryPropertyType` 0, 1 and 2.
    pub(super) fn version(
        self,
        trail: &mut Trail,
        property: impl Fn(Self, &mut Trail, i32, &mut i32) -> Result<(), ProbeFailure>,
    ) -> Result<String, ProbeFailure> {
        let mut parts = [0; 3];
        for (number, value) in (0..).zip(&mut parts) {
            property(self, trail, number, value)?;
        }
        Ok(parts.map(|part| part.to_string()).join("."))
    }
}

fn refused(step: &str, code: u32, name: String) -> ProbeFailure {
    ProbeFailure::Refused { step: step.to_owned(), code: code.into(), name, message: String::new() }
}

/// cuBLAS names its codes itself from 11.4 on. The names of before are those of `cublasStatus_t` in cublas_api.h.
fn cublas_words(library: &libloading::Library, code: u32) -> String {
    let known = match code {
        1 => "CUBLAS_STATUS_NOT_INITIALIZED",
        3 => "CUBLAS_STATUS_ALLOC_FAILED",
        7 => "CUBLAS_STATUS_INVALID_VALUE",
        8 => "CUBLAS_STATUS_ARCH_MISMATCH",
        11 => "CUBLAS_STATUS_MAPPING_ERROR",
        13 => "CUBLAS_STATUS_EXECUTION_FAILED",
        14 => "CUBLAS_STATUS_INTERNAL_ERROR",
        15 => "CUBLAS_STATUS_NOT_SUPPORTED",
        16 => "CUBLAS_STATUS_LICENSE_ERROR",
        _ => "",
    };
    let name = Some(known.to_owned()).filter(|name| !name.is_empty());
    let name = name.or_else(|| own_word(library, "cublasGetStatusName", code));
    name.unwrap_or_else(|| format!("status {code}"))
}

/// cuDNN's word for a code is its name: `CUDNN_STATUS_NOT_INITIALIZED`.
fn cudnn_words(library: &libloading::Library, code: u32) -> String {
    let name = own_word(library, "cudnnGetErrorString", code);
    name.unwrap_or_else(|| format!("status {code}"))
}

fn own_word(library: &libloading::Library, symbol: &str, code: u32) -> Option<String> {
    let call: unsafe extern "C" fn(u32) -> *const c_char = find(library, symbol).ok()?;
    // SAFETY: the header declares this signature; the text is static in the library.
    unsafe { text_at(call(code)) }
}
