//! The libraries as a program meets them, at work: memory that is broken, time as the device has it, events, processes.
//!
//! One test, for a process has one scenario.

#![expect(clippy::unwrap_used, reason = "a test")]
#![expect(clippy::indexing_slicing, reason = "a test")]

use gpucheck_sim::scenario::VARIABLE;
use serde_json::json;
use std::{
    ffi::{CString, c_void},
    fs,
    path::Path,
    ptr::null_mut,
    time::{Duration, Instant},
};

const WORK: &str = include_str!("../../../checks/kernels/work.ptx");
const MIB: usize = 1 << 20;
const SIZE: usize = 64 * MIB;
/// The same as a number to divide by a speed.
const BYTES: f64 = 67_108_864.0;

type Function = extern "C" fn(u64, u64, u64, u64, u64, u64, u64, u64, u64, u64, u64) -> u32;

/// A library of the driver.
struct Library(*mut c_void);

impl Library {
    fn open(path: &Path) -> Self {
        let path = CString::new(path.to_str().unwrap()).unwrap();
        // SAFETY: the path ends in NUL, and the library has nothing that runs but a look at the scenario.
        let library = unsafe { libc::dlopen(path.as_ptr(), libc::RTLD_NOW) };
        assert!(!library.is_null(), "{path:?}");
        Self(library)
    }

    /// Calls a function with words, of which it takes as many as it has.
    fn call(&self, name: &str, words: &[u64]) -> u32 {
        let symbol = CString::new(name).unwrap();
        // SAFETY: the library is open.
        let function = unsafe { libc::dlsym(self.0, symbol.as_ptr()) };
        assert!(!function.is_null(), "{name}");
        let mut all = [0; 11];
        all[..words.len()].copy_from_slice(words);
        let [first, second, third, fourth, fifth, sixth, seventh, eighth, ninth, tenth, last] = all;
        // SAFETY: every function of these libraries takes whole numbers and addresses, no more than these, each of which
        // has a register or a place of eight bytes of its own whatever its width.
        unsafe {
            let function: Function = std::mem::transmute(function);
            function(first, second, third, fourth, fifth, sixth, seventh, eighth, ninth, tenth, last)
        }
    }

    fn done(&self, name: &str, words: &[u64]) {
        assert_eq!(self.call(name, words), 0, "{name}");
    }

    /// What a function tells by its first argument.
    fn made(&self, name: &str, words: &[u64]) -> u64 {
        let mut made = 0_u64;
        let mut all = vec![(&raw mut made) as u64];
        all.extend(words);
        self.done(name, &all);
        made
    }
}

/// A device with its context.
struct Device<'a> {
    cuda: &'a Library,
    events: [u64; 2],
}

impl<'a> Device<'a> {
    fn enter(cuda: &'a Library, number: u64) -> Self {
        let context = cuda.made("cuDevicePrimaryCtxRetain", &[number]);
        cuda.done("cuCtxSetCurrent", &[context]);
        Self { cuda, events: [cuda.made("cuEventCreate", &[0]), cuda.made("cuEventCreate", &[0])] }
    }

    /// Milliseconds of the device's time that something takes.
    fn time(&self, work: impl FnOnce()) -> f64 {
        let [start, end] = self.events;
        self.cuda.done("cuEventRecord", &[start, 0]);
        work();
        self.cuda.done("cuEventRecord", &[end, 0]);
        self.cuda.done("cuEventSynchronize", &[end]);
        let mut time = 0_f32;
        self.cuda.done("cuEventElapsedTime", &[(&raw mut time) as u64, start, end]);
        time.into()
    }

    fn read(&self, address: u64, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.cuda.done("cuMemcpyDtoH_v2", &[bytes.as_mut_ptr() as u64, address, length as u64]);
        bytes
    }

    /// Runs a kernel in 64 blocks of 256 threads.
    fn launch(&self, name: &str, arguments: &[u64]) {
        let text = CString::new(WORK).unwrap();
        let module = self.cuda.made("cuModuleLoadData", &[text.as_ptr() as u64]);
        let name = CString::new(name).unwrap();
        let function = self.cuda.made("cuModuleGetFunction", &[module, name.as_ptr() as u64]);
        let pointers: Vec<_> = arguments.iter().map(|argument| (&raw const *argument) as u64).collect();
        let pointers = pointers.as_ptr() as u64;
        self.cuda.done("cuLaunchKernel", &[function, 64, 1, 1, 256, 1, 1, 0, 0, pointers, 0]);
        self.cuda.done("cuCtxSynchronize", &[]);
        self.cuda.done("cuModuleUnload", &[module]);
    }
}

fn near(seen: f64, expected: f64) {
    assert!((seen / expected - 1.0).abs() < 0.01, "{seen} is not {expected}");
}

/// The same with a bit that is stuck at one and one that is stuck at zero.
fn broken(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes[0x1_0005] |= 1 << 3;
    bytes[0x1_0006] &= !1;
    bytes
}

fn memory_that_is_broken(device: &Device<'_>) {
    let cuda = device.cuda;
    let [memory, other, report] = [SIZE, SIZE, 4096].map(|size| cuda.made("cuMemAlloc_v2", &[size as u64]));
    assert!(device.read(memory, SIZE) == broken(vec![0; SIZE]));
    let time = device.time(|| cuda.done("cuMemsetD8_v2", &[memory, 0xff, SIZE as u64]));
    near(time, BYTES / 100e9 * 1e3);
    assert!(device.read(memory, SIZE) == broken(vec![0xff; SIZE]));
    assert!(device.read(other, SIZE).iter().all(|byte| *byte == 0));
    let time = device.time(|| cuda.done("cuMemcpyDtoD_v2", &[memory, other, SIZE as u64]));
    near(time, 2.0 * BYTES / 100e9 * 1e3);
    assert!(device.read(memory, SIZE) == broken(vec![0; SIZE]));
    let host = vec![0x5a; SIZE];
    let time = device.time(|| cuda.done("cuMemcpyHtoD_v2", &[memory, host.as_ptr() as u64, SIZE as u64]));
    near(time, BYTES / 6e9 * 1e3);
    assert!(device.read(memory, SIZE) == broken(host));
    near(device.time(|| drop(device.read(memory, SIZE))), BYTES / (0.8 * 16.0 * 0.985e9) * 1e3);

    let quads = SIZE as u64 / 16;
    let write = || device.launch("gpucheck_write_address", &[memory, quads, 0, 0]);
    // Word 0x4001 is its own index. Bit 0 of its third byte is 0 anyway; bit 3 of its second one is not.
    near(device.time(write), 2e-3 + BYTES / 100e9 * 1e3);
    let check = |seed| {
        cuda.done("cuMemsetD32_v2", &[report, 0, 1024]);
        device.launch("gpucheck_check_address", &[memory, quads, 0, seed, report, 8]);
        let words = device.read(report, 32);
        words.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect::<Vec<_>>()
    };
    assert_eq!(check(0), [1, 1 << 22, 0, 0, 0x4001, 0, 0x4001, 0x4801]);
    for address in [memory, other, report] {
        cuda.done("cuMemFree_v2", &[address]);
    }
}

fn memory_that_is_whole_and_as_fast_as_its_readings(device: &Device<'_>) {
    let cuda = device.cuda;
    let memory = cuda.made("cuMemAlloc_v2", &[SIZE as u64]);
    assert!(device.read(memory, SIZE).iter().all(|byte| *byte == 0));
    let half = SIZE as u64 / 2;
    let time = device.time(|| cuda.done("cuMemcpyDtoD_v2", &[memory, memory + half, half]));
    near(time, BYTES / (0.85 * 320e9) * 1e3);
    // 64 fused multiply-adds in every thread and round.
    let rounds = 200.0;
    let time = device.time(|| device.launch("gpucheck_compute", &[memory, 200, 0, 0]));
    let full = 64.0 * 256.0 * rounds * 128.0 / (0.9 * 8.14e12) * 1e3;
    assert!((full..full * 1.1).contains(&(time - 2e-3)), "{time} {full}");
    // A delay of the second GPU's only fill is one of the device's as well.
    let time = device.time(|| cuda.done("cuMemsetD16_v2", &[memory, 0, 16]));
    assert!((30.0..31.0).contains(&time), "{time}");
    let start = Instant::now();
    near(device.time(|| std::thread::sleep(Duration::from_millis(5))) + 1.0, 1.0);
    assert!(start.elapsed() > Duration::from_millis(5));
}

fn handle(nvml: &Library, index: u64) -> u64 {
    let mut handle = 0_u64;
    nvml.done("nvmlDeviceGetHandleByIndex_v2", &[index, (&raw mut handle) as u64]);
    handle
}

fn xids_are_told_once(nvml: &Library) {
    let [gpu, second] = [0, 1].map(|index| handle(nvml, index));
    let [set, deaf] = [(); 2].map(|()| nvml.made("nvmlEventSetCreate", &[]));
    nvml.done("nvmlDeviceRegisterEvents", &[gpu, 8, set]);
    nvml.done("nvmlDeviceRegisterEvents", &[second, 8, set]);
    nvml.done("nvmlDeviceRegisterEvents", &[second, 1, deaf]);
    assert_eq!(nvml.call("nvmlDeviceRegisterEvents", &[second, 8, set + 99]), 2);
    let wait = |set, wait_ms| {
        let mut data = [0_u64; 4];
        let start = Instant::now();
        let code = nvml.call("nvmlEventSetWait_v2", &[set, data.as_mut_ptr() as u64, wait_ms]);
        (code, data, start.elapsed())
    };
    assert_eq!(wait(deaf, 0).0, 10);
    for xid in [79, 48] {
        assert_eq!(wait(set, 5000).1, [second, 8, xid, u64::MAX]);
    }
    let (code, _, time) = wait(set, 50);
    assert_eq!(code, 10);
    assert!(time >= Duration::from_millis(50));
    assert!(wait(set, 5000).2 < Duration::from_secs(3));
    nvml.done("nvmlEventSetFree", &[set]);
    assert_eq!(wait(set, 0).0, 2);
}

fn processes_are_sampled(nvml: &Library) {
    let [idle, busy] = [0, 1].map(|index| handle(nvml, index));
    let ask = |gpu, samples: Option<&mut [u64; 8]>, room: u32, seen: u64| {
        let mut count = room;
        let samples = samples.map_or(null_mut(), |samples| samples.as_mut_ptr());
        let words = [gpu, samples as u64, (&raw mut count) as u64, seen];
        (nvml.call("nvmlDeviceGetProcessUtilization", &words), count)
    };
    assert_eq!(ask(idle, None, 0, 0).0, 6);
    assert_eq!(ask(busy, None, 0, 0), (7, 1));
    let mut sample = [0; 8];
    assert_eq!(ask(busy, Some(&mut sample), 2, 0), (0, 1));
    let [pid, time, sm, memory] = [sample[0], sample[1], sample[2] & 0xffff_ffff, sample[2] >> 32];
    assert_eq!((pid & 0xffff_ffff, sm, memory), (42, 93, 40));
    // The same sample is not told again, a later one is.
    let mut later = [0; 8];
    let until = Instant::now() + Duration::from_secs(5);
    while ask(busy, Some(&mut later), 2, time).0 == 6 && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(later[1] > time, "{} {time}", later[1]);
}

#[test]
fn a_device_at_work() {
    let readings = json!({"memory_bus_width": 256, "max_clocks": {"memory": 5001, "sm": 1590}, "cores": 2560,
                          "link_generation_max": 3, "link_width_max": 16});
    let gpu = |pci: &str, more: &serde_json::Value| {
        let mut gpu = json!({"pci": pci, "pci_device_id": 0x1eb8_10de_u32, "name": "Tesla T4", "uuid": pci,
            "compute_capability": [7, 5], "memory": {"total": 1 << 30}, "multiprocessors": 40, "nvml": readings});
        gpu.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        gpu
    };
    let bits = json!([{"offset": 0x1_0005, "bit": 3, "stuck": 1}, {"offset": 0x1_0006, "stuck": 0}]);
    let scenario = json!({
        "driver": {"version": "535.161.08", "cuda": 12020},
        "gpus": [
            gpu("0001:00:00.0", &json!({"bad_memory": bits, "speed": {"memory_gbs": 100, "upload_gbs": 6}})),
            gpu("0002:00:00.0", &json!({"xid_events": [79, 48],
                "processes": [{"pid": 42, "activity": 93, "memory_activity": 40}, {"pid": 43}]}))
        ],
        "faults": [{"call": "cuMemsetD16_v2", "gpu": 1, "do": {"delay_ms": 30}}]
    });
    let file = std::env::temp_dir().join(format!("gpusim-at-work-{}.json", std::process::id()));
    fs::write(&file, scenario.to_string()).unwrap();
    // SAFETY: this is the process' only test, and the libraries that read it are not open yet.
    unsafe { std::env::set_var(VARIABLE, &file) };
    let folder = gpucheck_sim::libraries("535.161.08").unwrap();
    let (cuda, nvml) =
        (Library::open(&folder.join("libcuda.so.1")), Library::open(&folder.join("libnvidia-ml.so.1")));
    cuda.done("cuInit", &[0]);
    memory_that_is_broken(&Device::enter(&cuda, 0));
    memory_that_is_whole_and_as_fast_as_its_readings(&Device::enter(&cuda, 1));
    nvml.done("nvmlInit_v2", &[]);
    xids_are_told_once(&nvml);
    processes_are_sampled(&nvml);
    fs::remove_file(file).unwrap();
}
