//! The functions of libcuda, cuBLAS and cuDNN that are called, each looked up when it is.
//!
//! Sources: cuda.h, cublas_api.h, cudnn.h of cuDNN 7 and cudnn_ops.h of cuDNN 9, which agree on these.

use crate::child::Trail;
use gpucheck_checks::fact::ProbeFailure;
use std::ffi::{CStr, c_char, c_void};

/// A context, a handle, a descriptor or an event, which are pointers to the library that made them.
pub(super) type Handle = usize;
/// An address in a device's memory.
pub(super) type DevicePointer = u64;
/// Room for a text.
pub(super) type Text = [u8; 256];

/// The open libraries.
pub(super) struct Api<'a> {
    pub(super) cuda: &'static libloading::Library,
    /// cuBLAS or cuDNN.
    pub(super) library: &'static libloading::Library,
    pub(super) trail: &'a mut Trail,
}

/// Methods that make one call each. References stand for the pointers of the headers: they cannot be null or dangle.
macro_rules! calls {
    ($library:ident $words:ident; $($method:ident: $symbol:ident($($arg:ident: $type:ty),*);)*) => {
        impl Api<'_> {
            $(#[allow(clippy::too_many_arguments, reason = "the header says how many there are")]
            pub(super) fn $method(&mut self, $($arg: $type),*) -> Result<(), ProbeFailure> {
                let step = stringify!($symbol);
                let call: unsafe extern "C" fn($($type),*) -> u32 = find(self.$library, step)?;
                self.trail.step(step);
                // SAFETY: the header declares this signature; what references point to outlives the call, and
                // handles come from the same library.
                let code = unsafe { call($($arg),*) };
                if code == 0 { Ok(()) } else { Err(refused(step, code, $words(self.$library, code))) }
            })*
        }
    };
}

calls! { cuda cuda_words;
    init: cuInit(flags: u32);
    device: cuDeviceGet(device: &mut i32, ordinal: i32);
    pci: cuDeviceGetPCIBusId(address: &mut Text, length: i32, device: i32);
    retain: cuDevicePrimaryCtxRetain(context: &mut Handle, device: i32);
    release: cuDevicePrimaryCtxRelease_v2(device: i32);
    make_current: cuCtxSetCurrent(context: Handle);
    synchronize: cuCtxSynchronize();
    memory: cuMemGetInfo_v2(free: &mut usize, total: &mut usize);
    allocate: cuMemAlloc_v2(address: &mut DevicePointer, bytes: usize);
    free: cuMemFree_v2(address: DevicePointer);
    fill: cuMemsetD8_v2(address: DevicePointer, byte: u8, bytes: usize);
    raw_upload: cuMemcpyHtoD_v2(to: DevicePointer, from: *const c_void, bytes: usize);
    raw_download: cuMemcpyDtoH_v2(to: *mut c_void, from: DevicePointer, bytes: usize);
    create_event: cuEventCreate(event: &mut Handle, flags: u32);
    record: cuEventRecord(event: Handle, stream: Handle);
    wait_for: cuEventSynchronize(event: Handle);
    elapsed: cuEventElapsedTime(milliseconds: &mut f32, from: Handle, to: Handle);
    destroy_event: cuEventDestroy_v2(event: Handle);
}

calls! { library cublas_words;
    cublas_property: cublasGetProperty(property: i32, value: &mut i32);
    cublas_create: cublasCreate_v2(handle: &mut Handle);
    cublas_destroy: cublasDestroy_v2(handle: Handle);
    sgemm: cublasSgemm_v2(
        handle: Handle, transpose_a: i32, transpose_b: i32, rows: i32, columns: i32, inner: i32, alpha: &f32,
        a: DevicePointer, a_rows: i32, b: DevicePointer, b_rows: i32, beta: &f32, c: DevicePointer, c_rows: i32
    );
}

calls! { library cudnn_words;
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

/// The same calls with values for answers.
impl Api<'_> {
    pub(super) fn take(&mut self, bytes: usize) -> Result<DevicePointer, ProbeFailure> {
        let mut address = 0;
        self.allocate(&mut address, bytes).map(|()| address)
    }

    pub(super) fn upload(&mut self, to: DevicePointer, from: &[f32]) -> Result<(), ProbeFailure> {
        self.raw_upload(to, from.as_ptr().cast(), size_of_val(from))
    }

    pub(super) fn download(&mut self, to: &mut [f32], from: DevicePointer) -> Result<(), ProbeFailure> {
        let bytes = size_of_val(to);
        self.raw_download(to.as_mut_ptr().cast(), from, bytes)
    }

    /// Major, minor and patch, by the three properties of a library: `libraryPropertyType` 0, 1 and 2.
    pub(super) fn version(
        &mut self,
        property: impl Fn(&mut Self, i32, &mut i32) -> Result<(), ProbeFailure>,
    ) -> Result<String, ProbeFailure> {
        let mut parts = [0; 3];
        for (number, value) in (0..).zip(&mut parts) {
            property(self, number, value)?;
        }
        Ok(parts.map(|part| part.to_string()).join("."))
    }
}

fn find<F: Copy>(library: &libloading::Library, symbol: &str) -> Result<F, ProbeFailure> {
    // SAFETY: the callers name the signature that the header declares for the symbol.
    let found = unsafe { library.get::<F>(symbol) };
    found.map(|function| *function).map_err(|_| ProbeFailure::Refused {
        step: symbol.to_owned(),
        code: 0,
        name: "missing symbol".to_owned(),
        message: format!("the library has no {symbol}"),
    })
}

fn refused(step: &str, code: u32, (name, message): (String, String)) -> ProbeFailure {
    ProbeFailure::Refused { step: step.to_owned(), code: code.into(), name, message }
}

/// What libcuda itself calls a code, and its words for it.
fn cuda_words(library: &libloading::Library, code: u32) -> (String, String) {
    let word = |symbol: &str| {
        let call: unsafe extern "C" fn(u32, &mut *const c_char) -> u32 = find(library, symbol).ok()?;
        let mut word = std::ptr::null();
        // SAFETY: cuda.h declares this signature; the text is static in the library.
        unsafe { (call(code, &mut word) == 0).then(|| text(word))? }
    };
    let name = word("cuGetErrorName").unwrap_or_else(|| format!("error {code}"));
    (name, word("cuGetErrorString").unwrap_or_default())
}

/// cuBLAS names its codes itself from 11.4 on. The names of before are those of `cublasStatus_t` in cublas_api.h.
fn cublas_words(library: &libloading::Library, code: u32) -> (String, String) {
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
    (name.unwrap_or_else(|| format!("status {code}")), String::new())
}

/// cuDNN's word for a code is its name: `CUDNN_STATUS_NOT_INITIALIZED`.
fn cudnn_words(library: &libloading::Library, code: u32) -> (String, String) {
    let name = own_word(library, "cudnnGetErrorString", code);
    (name.unwrap_or_else(|| format!("status {code}")), String::new())
}

fn own_word(library: &libloading::Library, symbol: &str, code: u32) -> Option<String> {
    let call: unsafe extern "C" fn(u32) -> *const c_char = find(library, symbol).ok()?;
    // SAFETY: the header declares this signature; the text is static in the library.
    unsafe { text(call(code)) }
}

/// # Safety
/// The pointer is null or leads to a text that ends with a zero and outlives the call.
unsafe fn text(word: *const c_char) -> Option<String> {
    if word.is_null() {
        return None;
    }
    // SAFETY: the caller vouches for it.
    Some(unsafe { CStr::from_ptr(word) }.to_string_lossy().into_owned())
}
