//! The shipped PTX against NVIDIA's compilers of the package index, which need neither a GPU nor a driver.
//!
//! NVRTC makes it from the CUDA C++ beside it, and ptxas makes code of it for every GPU that the toolkit knows.
//! `tests/parts/ptx.sh` fetches them; what the compilers of drivers say is in `real_nvidia::jit`.

use gpucheck_checks::kernels::{ADD, CHECK, COMPUTE, MULTIPLY, PTX, WORK_PTX, WRITE};
use std::{
    collections::BTreeSet,
    ffi::{CString, c_char, c_void},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Each toolkit's ptxas and the GPUs that it is known to make code for, from Kepler to Blackwell.
const TOOLKITS: [(&str, &[u32]); 3] = [
    ("11.8", &[35, 37, 50, 52, 53, 60, 61, 62, 70, 72, 75, 80, 86, 87, 89, 90]),
    ("12.9", &[50, 52, 53, 60, 61, 62, 70, 72, 75, 80, 86, 87, 89, 90, 100, 101, 103, 120, 121]),
    ("13.5", &[75, 80, 86, 87, 88, 89, 90, 100, 103, 110, 120, 121]),
];

/// The folder of the compilers; where this machine cannot have them, it prints why.
fn part() -> Option<PathBuf> {
    let parts = std::env::var_os("GPUCHECK_TEST_PARTS")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-parts"), PathBuf::from);
    let folder = parts.join("ptx");
    if let Ok(reason) = fs::read_to_string(folder.join("skipped")) {
        println!("skipped, no compilers of PTX: {}", reason.trim());
        return None;
    }
    assert!(
        folder.join("gpucheck-stamp").is_file(),
        "no compilers of PTX at {}: run `sh tests/parts/ptx.sh` first",
        folder.display()
    );
    Some(folder)
}

/// What a ptxas says, or what it complains of.
fn said(ptxas: &Path, arguments: &[&str]) -> Result<String, String> {
    let output = Command::new(ptxas).args(arguments).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(text.into_owned()) } else { Err(text.into_owned()) }
}

/// The GPUs that a ptxas offers, as `sm_75` and, with what only one family has, `sm_90a` and `sm_100f`.
fn offered(ptxas: &Path) -> BTreeSet<String> {
    let help = said(ptxas, &["--help"]).unwrap();
    let quoted = help.split('\'').filter(|word| word.starts_with("sm_"));
    quoted.map(str::to_owned).collect()
}

#[test]
fn every_toolkit_makes_code_for_every_gpu_that_it_knows() {
    let Some(folder) = part() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let names = MULTIPLY.iter().chain(&WRITE).chain(&CHECK).chain([&COMPUTE]).copied().collect();
    let texts = [("first", PTX, vec![ADD]), ("work", WORK_PTX, names)];
    for (name, text, _) in &texts {
        fs::write(scratch.path().join(name), text).unwrap();
    }
    for (toolkit, known) in TOOLKITS {
        let ptxas = folder.join(format!("ptxas-{toolkit}"));
        let gpus = offered(&ptxas);
        for number in known {
            assert!(gpus.contains(&format!("sm_{number}")), "{toolkit} has no sm_{number}: {gpus:?}");
        }
        for gpu in &gpus {
            for (name, _, kernels) in &texts {
                let made = scratch.path().join("code");
                let (from, to) = (scratch.path().join(name), made.to_str().unwrap());
                let said = said(&ptxas, &["-v", "-arch", gpu, from.to_str().unwrap(), "-o", to])
                    .unwrap_or_else(|error| panic!("{toolkit}, {gpu}, {name}: {error}"));
                assert!(
                    fs::read(&made).unwrap().starts_with(b"\x7fELF"),
                    "{toolkit}, {gpu}, {name}: no code"
                );
                for kernel in kernels {
                    let compiled = format!("Compiling entry function '{kernel}' for '{gpu}'");
                    assert!(said.contains(&compiled), "{toolkit}, {gpu}: {said}");
                }
                // Registers that are kept in memory would be measured as a slow GPU.
                assert_eq!(said.matches(" 0 bytes spill stores").count(), kernels.len(), "{gpu}: {said}");
                assert!(!said.contains("warning"), "{toolkit}, {gpu}: {said}");
            }
        }
        println!("ptxas {toolkit}: {} GPUs", gpus.len());
    }
}

#[test]
fn ptxas_refuses_what_is_wrong() {
    let Some(folder) = part() else { return };
    let scratch = tempfile::tempdir().unwrap();
    let broken = scratch.path().join("broken");
    fs::write(&broken, WORK_PTX.replacen("fma.rn.f32", "fma.f32", 1)).unwrap();
    for (toolkit, _) in TOOLKITS {
        let ptxas = folder.join(format!("ptxas-{toolkit}"));
        let arguments = ["-arch", "sm_75", broken.to_str().unwrap(), "-o", "/dev/null"];
        assert!(said(&ptxas, &arguments).unwrap_err().contains("Rounding modifier required"), "{toolkit}");
    }
}

type Create = unsafe extern "C" fn(
    *mut *mut c_void,
    *const c_char,
    *const c_char,
    i32,
    *const *const c_char,
    *const *const c_char,
) -> u32;
type Compile = unsafe extern "C" fn(*mut c_void, i32, *const *const c_char) -> u32;
type Size = unsafe extern "C" fn(*mut c_void, *mut usize) -> u32;
type Get = unsafe extern "C" fn(*mut c_void, *mut c_char) -> u32;
type Destroy = unsafe extern "C" fn(*mut *mut c_void) -> u32;

/// The PTX that NVRTC makes of a source; it must make it without a word. The interface is nvrtc.h's.
fn make(library: &Path, source: &str) -> String {
    let (source, option) = (CString::new(source).unwrap(), c"--gpu-architecture=compute_35");
    let mut program = std::ptr::null_mut();
    // SAFETY: the signatures are nvrtc.h's, buffers are as long as the library asked for.
    unsafe {
        let library = libloading::Library::new(library).unwrap();
        let get = |size: &str, get: &str, program| {
            let mut length = 0;
            assert_eq!(library.get::<Size>(size).unwrap()(program, &raw mut length), 0);
            let mut room = vec![0_u8; length];
            assert_eq!(library.get::<Get>(get).unwrap()(program, room.as_mut_ptr().cast()), 0);
            String::from_utf8(room).unwrap().trim_end_matches('\0').to_owned()
        };
        let create = library.get::<Create>("nvrtcCreateProgram").unwrap();
        let none = std::ptr::null();
        assert_eq!(create(&raw mut program, source.as_ptr(), c"k.cu".as_ptr(), 0, none, none.cast()), 0);
        let compile = library.get::<Compile>("nvrtcCompileProgram").unwrap();
        let told = compile(program, 1, [option.as_ptr()].as_ptr());
        let log = get("nvrtcGetProgramLogSize", "nvrtcGetProgramLog", program);
        assert_eq!((told, log.as_str()), (0, ""));
        let text = get("nvrtcGetPTXSize", "nvrtcGetPTX", program);
        library.get::<Destroy>("nvrtcDestroyProgram").unwrap()(&raw mut program);
        text
    }
}

#[test]
fn the_ptx_is_what_nvrtc_makes_of_the_source_beside_it() {
    let Some(folder) = part() else { return };
    for (name, shipped) in [("gpucheck.cu", PTX), ("work.cu", WORK_PTX)] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("checks/kernels").join(name);
        let made = make(&folder.join("libnvrtc.so.11.2"), &fs::read_to_string(path).unwrap());
        let changed: Vec<_> =
            made.lines().zip(shipped.lines()).filter(|(made, shipped)| made != shipped).collect();
        let header = [(".version 7.8", ".version 6.0"), (".target sm_35", ".target sm_30")];
        assert_eq!(changed, header, "{name}");
        let rewritten = header.iter().fold(made, |text, (from, to)| text.replacen(from, to, 1));
        assert!(rewritten == shipped, "{name}: the same lines, but not the same bytes");
    }
}
