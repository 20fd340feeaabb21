//! The shipped PTX in NVIDIA's own compilers, which need no GPU: the part of a driver that turns PTX into code.

use super::branches;
use gpucheck_checks::kernels;
use std::{
    ffi::{CStr, CString, c_char, c_void},
    path::Path,
};

/// What each branch's compiler makes code for, as found by hand with PTX known to be good.
const ARCHITECTURES: [(&str, &[u32]); 5] = [
    ("390", &[30, 35, 37, 50, 52, 60, 61, 70]),
    ("450", &[30, 32, 35, 37, 50, 52, 53, 60, 61, 62, 70, 72, 75, 80]),
    ("470", &[30, 32, 35, 37, 50, 52, 60, 61, 70, 72, 75, 80, 86, 87]),
    ("535", &[50, 52, 60, 61, 70, 72, 75, 80, 86, 87, 89, 90]),
    ("550", &[50, 52, 60, 61, 70, 72, 75, 80, 86, 87, 89, 90]),
];

type Create = unsafe extern "C" fn(*mut *mut c_void, usize, *const c_char) -> u32;
type Compile = unsafe extern "C" fn(*mut c_void, i32, *const *const c_char) -> u32;
type Size = unsafe extern "C" fn(*mut c_void, *mut usize) -> u32;
type Get = unsafe extern "C" fn(*mut c_void, *mut c_char) -> u32;
type Destroy = unsafe extern "C" fn(*mut *mut c_void) -> u32;

/// Compiles; the error is the compiler's log. The interface is nvPTXCompiler.h's.
fn compile(library: &Path, ptx: &str, architecture: u32) -> Result<Vec<u8>, String> {
    let text = CString::new(ptx).unwrap();
    let option = CString::new(format!("--gpu-name=sm_{architecture}")).unwrap();
    let options = [option.as_ptr()];
    let mut compiler = std::ptr::null_mut();
    // SAFETY: the signatures are nvPTXCompiler.h's, buffers are as long as the library asked for.
    unsafe {
        let library = libloading::Library::new(library).unwrap();
        let get = |size: &str, get: &str, compiler| {
            let mut length = 0;
            assert_eq!(library.get::<Size>(size).unwrap()(compiler, &raw mut length), 0);
            let mut room = vec![0_u8; length + 1];
            assert_eq!(library.get::<Get>(get).unwrap()(compiler, room.as_mut_ptr().cast()), 0);
            room.truncate(length);
            room
        };
        let create = library.get::<Create>("nvPTXCompilerCreate").unwrap();
        assert_eq!(create(&raw mut compiler, text.as_bytes_with_nul().len(), text.as_ptr()), 0);
        let told = library.get::<Compile>("nvPTXCompilerCompile").unwrap()(compiler, 1, options.as_ptr());
        let outcome = if told == 0 {
            Ok(get("nvPTXCompilerGetCompiledProgramSize", "nvPTXCompilerGetCompiledProgram", compiler))
        } else {
            let mut log = get("nvPTXCompilerGetErrorLogSize", "nvPTXCompilerGetErrorLog", compiler);
            log.push(0);
            Err(CStr::from_bytes_until_nul(&log).unwrap().to_string_lossy().into_owned())
        };
        library.get::<Destroy>("nvPTXCompilerDestroy").unwrap()(&raw mut compiler);
        outcome
    }
}

fn architectures(branch: &str) -> &'static [u32] {
    ARCHITECTURES.iter().find(|(known, _)| *known == branch).unwrap().1
}

#[test]
fn every_drivers_compiler_takes_the_kernels_for_every_architecture() {
    for (directory, branch, ..) in branches() {
        let library = directory.join("libnvidia-ptxjitcompiler.so.1");
        for architecture in architectures(branch) {
            for text in [kernels::PTX, kernels::WORK_PTX] {
                match compile(&library, text, *architecture) {
                    Ok(code) => assert!(code.starts_with(b"\x7fELF"), "{branch}, sm_{architecture}: no code"),
                    Err(log) => panic!("{branch}, sm_{architecture}: {log}"),
                }
            }
        }
    }
}

#[test]
fn the_header_that_nvrtc_wrote_would_be_refused_by_old_drivers() {
    for (directory, branch, ..) in branches() {
        let library = directory.join("libnvidia-ptxjitcompiler.so.1");
        for text in [kernels::PTX, kernels::WORK_PTX] {
            let written = text.replace(".version 6.0", ".version 7.8");
            let compiled = compile(&library, &written, architectures(branch)[0]);
            if ["535", "550"].contains(&branch) {
                assert!(compiled.is_ok(), "{branch}: {compiled:?}");
            } else {
                let log = compiled.unwrap_err();
                assert!(log.contains("Unsupported .version 7.8"), "{branch}: {log}");
            }
        }
    }
}
