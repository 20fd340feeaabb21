//! The functions of libcuda that are asked, each looked up when it is called.

use crate::child::{Progress, Trail};
use cudarc::driver::sys::CUdevice_attribute;
use gpucheck_checks::fact::{PciAddress, ProbeFailure};
use serde::Serialize;
use std::ffi::{CStr, CString, c_char, c_void};

/// A context, a module or a function, which are pointers to libcuda.
pub(in crate::probe) type Handle = usize;
/// An address in a device's memory, `CUdeviceptr`.
pub(in crate::probe) type DevicePointer = u64;
/// Room for a text.
type Text = [u8; 256];

/// An open libcuda.
pub(in crate::probe) struct Api<'a> {
    library: &'static libloading::Library,
    trail: &'a mut Trail,
}

/// Methods that make one call each. References stand for the pointers of cuda.h: they cannot be null or dangle.
macro_rules! calls {
    ($($visible:vis $method:ident: $symbol:ident($($arg:ident: $type:ty),*);)*) => {
        impl Api<'_> {
            $(#[allow(clippy::too_many_arguments, reason = "cuda.h says how many there are")]
            $visible fn $method(&mut self, $($arg: $type),*) -> Result<(), ProbeFailure> {
                let step = stringify!($symbol);
                let call: unsafe extern "C" fn($($type),*) -> u32 = find(self.library, step)?;
                self.trail.step(step);
                // SAFETY: cuda.h declares this signature; what references point to outlives the call, and
                // handles come from this library.
                let code = unsafe { call($($arg),*) };
                self.check(step, code)
            })*
        }
    };
}

calls! {
    pub(in crate::probe) init: cuInit(flags: u32);
    raw_version: cuDriverGetVersion(version: &mut i32);
    raw_count: cuDeviceGetCount(count: &mut i32);
    raw_device: cuDeviceGet(device: &mut i32, ordinal: i32);
    raw_name: cuDeviceGetName(name: &mut Text, length: i32, device: i32);
    raw_pci: cuDeviceGetPCIBusId(address: &mut Text, length: i32, device: i32);
    raw_attribute: cuDeviceGetAttribute(value: &mut i32, attribute: i32, device: i32);
    raw_memory: cuDeviceTotalMem_v2(bytes: &mut usize, device: i32);
    raw_retain: cuDevicePrimaryCtxRetain(context: &mut Handle, device: i32);
    release_v2: cuDevicePrimaryCtxRelease_v2(device: i32);
    release_v1: cuDevicePrimaryCtxRelease(device: i32);
    pub(in crate::probe) make_current: cuCtxSetCurrent(context: Handle);
    pub(in crate::probe) synchronize: cuCtxSynchronize();
    raw_allocate: cuMemAlloc_v2(address: &mut DevicePointer, bytes: usize);
    pub(in crate::probe) free: cuMemFree_v2(address: DevicePointer);
    pub(in crate::probe) fill: cuMemsetD8_v2(address: DevicePointer, byte: u8, bytes: usize);
    pub(in crate::probe) fill_words: cuMemsetD32_v2(address: DevicePointer, word: u32, words: usize);
    raw_free_memory: cuMemGetInfo_v2(free: &mut usize, total: &mut usize);
    raw_upload: cuMemcpyHtoD_v2(to: DevicePointer, from: *const c_void, bytes: usize);
    raw_download: cuMemcpyDtoH_v2(to: *mut c_void, from: DevicePointer, bytes: usize);
    raw_begin_upload: cuMemcpyHtoDAsync_v2(to: DevicePointer, from: *const c_void, bytes: usize, stream: Handle);
    raw_begin_download: cuMemcpyDtoHAsync_v2(to: *mut c_void, from: DevicePointer, bytes: usize, stream: Handle);
    pub(in crate::probe) copy: cuMemcpyDtoD_v2(to: DevicePointer, from: DevicePointer, bytes: usize);
    raw_lock_pages: cuMemHostAlloc(address: &mut *mut c_void, bytes: usize, flags: u32);
    raw_unlock_pages: cuMemFreeHost(address: *mut c_void);
    raw_event: cuEventCreate(event: &mut Handle, flags: u32);
    raw_record: cuEventRecord(event: Handle, stream: Handle);
    pub(in crate::probe) wait_for: cuEventSynchronize(event: Handle);
    raw_elapsed: cuEventElapsedTime(milliseconds: &mut f32, start: Handle, end: Handle);
    pub(in crate::probe) destroy_event: cuEventDestroy_v2(event: Handle);
    raw_load: cuModuleLoadDataEx(
        module: &mut Handle, image: *const c_char, options: u32, names: *mut u32, values: *mut *mut c_void
    );
    pub(in crate::probe) unload: cuModuleUnload(module: Handle);
    raw_function: cuModuleGetFunction(function: &mut Handle, module: Handle, name: *const c_char);
    raw_launch: cuLaunchKernel(
        function: Handle, grid_x: u32, grid_y: u32, grid_z: u32, block_x: u32, block_y: u32, block_z: u32,
        shared: u32, stream: Handle, parameters: *mut *mut c_void, extra: *mut *mut c_void
    );
}

/// The same calls with values for answers.
impl<'a> Api<'a> {
    pub(in crate::probe) fn new(library: &'static libloading::Library, trail: &'a mut Trail) -> Self {
        Self { library, trail }
    }

    /// Tells what has been seen up to now.
    pub(in crate::probe) fn so_far<T: Serialize>(&mut self, seen: &T) {
        self.trail.so_far(seen);
    }

    /// Where steps are told, for whoever calls another library beside this one.
    pub(in crate::probe) fn trail(&mut self) -> &mut Trail {
        self.trail
    }

    /// Tells how far the work is.
    pub(in crate::probe) fn progress(&mut self, progress: &Progress) {
        self.trail.progress(progress);
    }

    pub(in crate::probe) fn version(&mut self) -> Result<i32, ProbeFailure> {
        let mut version = 0;
        self.raw_version(&mut version).map(|()| version)
    }

    pub(in crate::probe) fn count(&mut self) -> Result<i32, ProbeFailure> {
        let mut count = 0;
        self.raw_count(&mut count).map(|()| count)
    }

    pub(in crate::probe) fn device(&mut self, ordinal: i32) -> Result<i32, ProbeFailure> {
        let mut device = 0;
        self.raw_device(&mut device, ordinal).map(|()| device)
    }

    pub(in crate::probe) fn name(&mut self, device: i32) -> Result<String, ProbeFailure> {
        let mut name: Text = [0; 256];
        self.raw_name(&mut name, 255, device).map(|()| text(&name))
    }

    pub(in crate::probe) fn pci(&mut self, device: i32) -> Result<PciAddress, ProbeFailure> {
        let mut address: Text = [0; 256];
        self.raw_pci(&mut address, 255, device).map(|()| PciAddress::new(&text(&address)))
    }

    pub(in crate::probe) fn attribute(
        &mut self,
        device: i32,
        attribute: CUdevice_attribute,
    ) -> Result<i32, ProbeFailure> {
        let mut value = 0;
        self.raw_attribute(&mut value, attribute as i32, device).map(|()| value)
    }

    pub(in crate::probe) fn compute_capability(&mut self, device: i32) -> Result<(i32, i32), ProbeFailure> {
        let major =
            self.attribute(device, CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR)?;
        let minor =
            self.attribute(device, CUdevice_attribute::CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR)?;
        Ok((major, minor))
    }

    pub(in crate::probe) fn memory(&mut self, device: i32) -> Result<u64, ProbeFailure> {
        let mut bytes = 0;
        self.raw_memory(&mut bytes, device).map(|()| bytes as u64)
    }

    pub(in crate::probe) fn retain(&mut self, device: i32) -> Result<Handle, ProbeFailure> {
        let mut context = 0;
        self.raw_retain(&mut context, device).map(|()| context)
    }

    /// Gives the context back; drivers before R450 have the first version of the call only.
    pub(in crate::probe) fn release(&mut self, device: i32) -> Result<(), ProbeFailure> {
        type Release = unsafe extern "C" fn(i32) -> u32;
        match find::<Release>(self.library, "cuDevicePrimaryCtxRelease_v2") {
            Ok(_) => self.release_v2(device),
            Err(_) => self.release_v1(device),
        }
    }

    pub(in crate::probe) fn allocate(&mut self, bytes: usize) -> Result<DevicePointer, ProbeFailure> {
        let mut address = 0;
        self.raw_allocate(&mut address, bytes).map(|()| address)
    }

    pub(in crate::probe) fn upload<W: Word>(
        &mut self,
        to: DevicePointer,
        from: &[W],
    ) -> Result<(), ProbeFailure> {
        self.raw_upload(to, from.as_ptr().cast(), size_of_val(from))
    }

    pub(in crate::probe) fn download<W: Word>(
        &mut self,
        to: &mut [W],
        from: DevicePointer,
    ) -> Result<(), ProbeFailure> {
        let bytes = size_of_val(to);
        self.raw_download(to.as_mut_ptr().cast(), from, bytes)
    }

    /// Bytes that are free on the current context's device.
    pub(in crate::probe) fn free_memory(&mut self) -> Result<u64, ProbeFailure> {
        let (mut free, mut total) = (0, 0);
        self.raw_free_memory(&mut free, &mut total).map(|()| free as u64)
    }

    /// Memory of the host that the device reaches by itself.
    pub(in crate::probe) fn lock_pages(&mut self, words: usize) -> Result<PageLocked, ProbeFailure> {
        let mut address = std::ptr::null_mut();
        self.raw_lock_pages(&mut address, words * size_of::<u32>(), 0)?;
        if address.is_null() {
            return Err(ProbeFailure::Garbled {
                step: "cuMemHostAlloc".to_owned(),
                message: "success, and no memory".to_owned(),
            });
        }
        // SAFETY: the call has given so many bytes, which nobody else has; they may hold anything, so they are filled
        // before they are taken for words.
        unsafe { std::ptr::write_bytes(address.cast::<u8>(), 0, words * size_of::<u32>()) };
        Ok(PageLocked { address, words })
    }

    pub(in crate::probe) fn unlock_pages(
        &mut self,
        PageLocked { address, .. }: PageLocked,
    ) -> Result<(), ProbeFailure> {
        self.raw_unlock_pages(address)
    }

    /// Has the device copy from these pages, behind what it was told before. They must not be written meanwhile.
    pub(in crate::probe) fn begin_upload(
        &mut self,
        to: DevicePointer,
        from: &PageLocked,
    ) -> Result<(), ProbeFailure> {
        self.raw_begin_upload(to, from.address, from.words * size_of::<u32>(), 0)
    }

    /// Has the device copy to these pages, behind what it was told before. They must not be read meanwhile.
    pub(in crate::probe) fn begin_download(
        &mut self,
        to: &mut PageLocked,
        from: DevicePointer,
    ) -> Result<(), ProbeFailure> {
        self.raw_begin_download(to.address, from, to.words * size_of::<u32>(), 0)
    }

    pub(in crate::probe) fn event(&mut self) -> Result<Handle, ProbeFailure> {
        let mut event = 0;
        self.raw_event(&mut event, 0).map(|()| event)
    }

    /// Notes the time when the device comes to this place of the default stream.
    pub(in crate::probe) fn record(&mut self, event: Handle) -> Result<(), ProbeFailure> {
        self.raw_record(event, 0)
    }

    /// Time between two events, in milliseconds.
    pub(in crate::probe) fn elapsed(&mut self, start: Handle, end: Handle) -> Result<f32, ProbeFailure> {
        let mut milliseconds = f32::NAN;
        self.raw_elapsed(&mut milliseconds, start, end).map(|()| milliseconds)
    }

    /// Has the driver compile PTX text for the current context's device.
    pub(in crate::probe) fn load(&mut self, ptx: &str) -> Result<Handle, ProbeFailure> {
        let ptx = for_c("cuModuleLoadDataEx", ptx)?;
        let mut module = 0;
        let none = std::ptr::null_mut();
        self.raw_load(&mut module, ptx.as_ptr(), 0, std::ptr::null_mut(), none).map(|()| module)
    }

    pub(in crate::probe) fn function(&mut self, module: Handle, name: &str) -> Result<Handle, ProbeFailure> {
        let name = for_c("cuModuleGetFunction", name)?;
        let mut function = 0;
        self.raw_function(&mut function, module, name.as_ptr()).map(|()| function)
    }

    /// Launches in one dimension, on the default stream. `parameters` point to the kernel's arguments.
    pub(in crate::probe) fn launch(
        &mut self,
        function: Handle,
        (grid, block): (u32, u32),
        parameters: &mut [*mut c_void],
    ) -> Result<(), ProbeFailure> {
        let parameters = parameters.as_mut_ptr();
        self.raw_launch(function, grid, 1, 1, block, 1, 1, 0, 0, parameters, std::ptr::null_mut())
    }

    /// Launches in two dimensions. Each argument is the bits of a number, in the low bytes where it has four.
    pub(in crate::probe) fn launch_with(
        &mut self,
        function: Handle,
        ((grid_x, grid_y), (block_x, block_y)): ((u32, u32), (u32, u32)),
        arguments: &mut [u64],
    ) -> Result<(), ProbeFailure> {
        let mut parameters: Vec<*mut c_void> =
            arguments.iter_mut().map(|argument| std::ptr::from_mut(argument).cast()).collect();
        let (parameters, none) = (parameters.as_mut_ptr(), std::ptr::null_mut());
        self.raw_launch(function, grid_x, grid_y, 1, block_x, block_y, 1, 0, 0, parameters, none)
    }

    fn check(&self, step: &str, code: u32) -> Result<(), ProbeFailure> {
        if code == 0 {
            return Ok(());
        }
        Err(ProbeFailure::Refused {
            step: step.to_owned(),
            code: code.into(),
            name: self.word("cuGetErrorName", code).unwrap_or_else(|| format!("error {code}")),
            message: self.word("cuGetErrorString", code).unwrap_or_default(),
        })
    }

    /// What libcuda itself calls a code: codes are added faster than any list of ours would be.
    fn word(&self, symbol: &str, code: u32) -> Option<String> {
        let call: unsafe extern "C" fn(u32, &mut *const c_char) -> u32 = find(self.library, symbol).ok()?;
        let mut word = std::ptr::null();
        // SAFETY: cuda.h declares this signature; the text is static in the library.
        unsafe { (call(code, &mut word) == 0).then(|| text_at(word))? }
    }
}

/// A text as C takes it.
fn for_c(step: &str, text: &str) -> Result<CString, ProbeFailure> {
    CString::new(text)
        .map_err(|error| ProbeFailure::Garbled { step: step.to_owned(), message: error.to_string() })
}

/// A function of a library.
pub(in crate::probe) fn find<F: Copy>(
    library: &libloading::Library,
    symbol: &str,
) -> Result<F, ProbeFailure> {
    // SAFETY: the callers name the signature that the library's header declares for the symbol.
    let found = unsafe { library.get::<F>(symbol) };
    found.map(|function| *function).map_err(|_| ProbeFailure::Refused {
        step: symbol.to_owned(),
        code: 0,
        name: "missing symbol".to_owned(),
        message: format!("the library has no {symbol}"),
    })
}

/// A library's text; none where it gives none.
///
/// # Safety
/// The pointer is null or leads to a text that ends with a zero and outlives the call.
pub(in crate::probe) unsafe fn text_at(word: *const c_char) -> Option<String> {
    if word.is_null() {
        return None;
    }
    // SAFETY: the caller vouches for it.
    Some(unsafe { CStr::from_ptr(word) }.to_string_lossy().into_owned())
}

/// A number of four bytes of which any bits are one.
pub(in crate::probe) trait Word: Copy {}
impl Word for f32 {}
impl Word for u32 {}

/// Memory of the host that stays where it is. It belongs to libcuda, to which it is given back.
pub(in crate::probe) struct PageLocked {
    address: *mut c_void,
    words: usize,
}

impl PageLocked {
    /// What is in it.
    pub(in crate::probe) fn words(&mut self) -> &mut [u32] {
        // SAFETY: `lock_pages` was given so many words, has filled them, and gave the only value that knows the address.
        unsafe { std::slice::from_raw_parts_mut(self.address.cast(), self.words) }
    }
}

/// What stands before the first NUL.
fn text(room: &Text) -> String {
    CStr::from_bytes_until_nul(room).unwrap_or_default().to_string_lossy().into_owned()
}
