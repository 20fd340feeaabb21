//! The libraries of a driver version, linked when they are first wanted.
//!
//! Invariants: a library exports what the real one of its branch exports, no more; a folder that is there is whole, for
//! it is made elsewhere and moved into place; one archive gives each table's libraries once.

use crate::branches::{self, BRANCHES};
use std::{
    fmt, fs, io,
    path::{Path, PathBuf},
    process::Command,
    time::UNIX_EPOCH,
};

/// Where cargo's artifacts are, and the archive among them.
const PROFILE: &str = env!("GPUSIM_PROFILE");
const ARCHIVE: &str = "deps/libgpucheck_sim.a";
/// Runs when a library is loaded.
const LOADER: &str = include_str!("loader.c");
/// Stands for libcudart.
const RUNTIME: &str = include_str!("runtime.c");

/// The libraries by the name each gives itself, and how its symbols begin.
const LIBRARIES: [(&str, &str); 2] = [("libnvidia-ml.so.1", "nvml"), ("libcuda.so.1", "cu")];

/// Why there are no libraries.
#[derive(Debug)]
pub enum Error {
    /// No branch that is known is as old as this version, or it is no version.
    NoTable {
        /// The version.
        version: String,
    },
    /// The linker, or a file, failed.
    Failed {
        /// What was tried.
        what: String,
        /// What came of it.
        why: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTable { version } => {
                let oldest = BRANCHES.into_iter().min().unwrap_or_default();
                write!(to, "driver {version:?}: not a version from {oldest} on, such as 535.161.08")
            }
            Self::Failed { what, why } => write!(to, "{what}: {why}"),
        }
    }
}

impl std::error::Error for Error {}

fn failed(what: impl fmt::Display) -> impl FnOnce(io::Error) -> Error {
    move |error| Error::Failed { what: what.to_string(), why: error.to_string() }
}

/// The folder with `libnvidia-ml.so.1`, `libcuda.so.1` and `libcuda.so` of a driver version: those of its branch, or of
/// the nearest older branch whose symbols are known.
pub fn libraries(version: &str) -> Result<PathBuf, Error> {
    let no_table = || Error::NoTable { version: version.to_owned() };
    let table = branches::table_of(version).ok_or_else(no_table)?;
    made(&format!("driver-{table}"), |folder| {
        for (soname, prefix) in LIBRARIES {
            let symbols: Vec<_> = branches::symbols(table).filter(|name| name.starts_with(prefix)).collect();
            link(folder, soname, &symbols)?;
        }
        std::os::unix::fs::symlink("libcuda.so.1", folder.join("libcuda.so")).map_err(failed("libcuda.so"))
    })
}

/// A CUDA toolkit whose runtime libraries a framework opens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Toolkit {
    /// CUDA 11.8 with cuDNN 8: TensorFlow 2.12.
    Cuda11,
    /// CUDA 12.5 with cuDNN 9: TensorFlow 2.21.
    Cuda12,
}

impl Toolkit {
    /// The version as `cudaRuntimeGetVersion` says it.
    const fn version(self) -> u32 {
        match self {
            Self::Cuda11 => 11080,
            Self::Cuda12 => 12050,
        }
    }

    /// The libraries by the names that TensorFlow opens; the first is the runtime, the last cuDNN.
    pub const fn libraries(self) -> [&'static str; 8] {
        match self {
            Self::Cuda11 => [
                "libcudart.so.11.0",
                "libcublas.so.11",
                "libcublasLt.so.11",
                "libcufft.so.10",
                "libcurand.so.10",
                "libcusolver.so.11",
                "libcusparse.so.11",
                "libcudnn.so.8",
            ],
            Self::Cuda12 => [
                "libcudart.so.12",
                "libcublas.so.12",
                "libcublasLt.so.12",
                "libcufft.so.11",
                "libcurand.so.10",
                "libcusolver.so.11",
                "libcusparse.so.12",
                "libcudnn.so.9",
            ],
        }
    }
}

/// The folder with what stands for a toolkit's runtime libraries: a libcudart that asks whatever libcuda.so.1 the loader
/// finds, and beside it libraries without a symbol. A framework lists GPUs with them, and computes nothing.
pub fn cuda_runtime(toolkit: Toolkit) -> Result<PathBuf, Error> {
    made(&format!("runtime-{}", toolkit.version()), |folder| {
        let [runtime, empty @ ..] = toolkit.libraries();
        compile(folder, runtime, RUNTIME, &[format!("-DRUNTIME={}", toolkit.version())])?;
        empty.iter().try_for_each(|soname| compile(folder, soname, "", &[]))
    })
}

/// Makes a library of C alone.
fn compile(folder: &Path, soname: &str, source: &str, options: &[String]) -> Result<(), Error> {
    let file = folder.join(format!("{soname}.c"));
    fs::write(&file, source).map_err(failed(file.display()))?;
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-O1", "-o"]).arg(folder.join(soname));
    compiler.arg(format!("-Wl,-s,-soname,{soname}")).args(options).arg(&file).arg("-ldl");
    run(&mut compiler, soname)?;
    fs::remove_file(&file).map_err(failed(file.display()))
}

fn run(linker: &mut Command, soname: &str) -> Result<(), Error> {
    let output = linker.output().map_err(failed("cc"))?;
    if output.status.success() {
        return Ok(());
    }
    let why = String::from_utf8_lossy(&output.stderr).into_owned();
    Err(Error::Failed { what: format!("linking {soname}"), why })
}

/// The folder of this name, made where it is not there yet.
fn made(name: &str, make: impl FnOnce(&Path) -> Result<(), Error>) -> Result<PathBuf, Error> {
    let all = Path::new(PROFILE).join("gpusim").join(stamp()?);
    let folder = all.join(name);
    if folder.is_dir() {
        return Ok(folder);
    }
    // Beside it, with a name that no other process and no other thread has.
    let draft = all.join(format!("{name}.{}.{:?}", std::process::id(), std::thread::current().id()));
    fs::create_dir_all(&draft).map_err(failed(draft.display()))?;
    make(&draft)?;
    match fs::rename(&draft, &folder) {
        Ok(()) => Ok(folder),
        // Somebody else was faster; his are as good.
        Err(_) if folder.is_dir() => {
            fs::remove_dir_all(&draft).map_err(failed(draft.display()))?;
            Ok(folder)
        }
        Err(error) => Err(failed(folder.display())(error)),
    }
}

/// What tells this build's archive from others.
fn stamp() -> Result<String, Error> {
    let archive = Path::new(PROFILE).join(ARCHIVE);
    let told = fs::metadata(&archive).and_then(|data| Ok((data.len(), data.modified()?)));
    let (length, modified) = told.map_err(failed(archive.display()))?;
    let modified = modified.duration_since(UNIX_EPOCH).unwrap_or_default();
    Ok(format!("{length:x}-{:x}", modified.as_nanos()))
}

/// Links a library that exports these symbols alone.
fn link(folder: &Path, soname: &str, symbols: &[&str]) -> Result<(), Error> {
    let write = |suffix: &str, text: String| {
        let file = folder.join(format!("{soname}.{suffix}"));
        fs::write(&file, text).map_err(failed(file.display())).map(|()| file)
    };
    let exported = symbols.join(";\n");
    let script = write("map", format!("{{ global:\n{exported};\nlocal: *; }};\n"))?;
    let wanted = write("args", format!("-Wl,-u,{}\n", symbols.join("\n-Wl,-u,")))?;
    let source = write("c", LOADER.to_owned())?;
    let mut linker = Command::new("cc");
    linker
        .args(["-shared", "-fPIC", "-o"])
        .arg(folder.join(soname))
        .arg(format!("-DNAME=\"{soname}\""))
        .arg(format!("-Wl,-s,--gc-sections,-soname,{soname},--version-script={}", script.display()))
        .arg(format!("@{}", wanted.display()))
        .arg(&source)
        .arg(Path::new(PROFILE).join(ARCHIVE))
        .args(["-lpthread", "-ldl", "-lm", "-lgcc_s"]);
    run(&mut linker, soname)?;
    [script, wanted, source].iter().try_for_each(|file| fs::remove_file(file).map_err(failed(file.display())))
}
