//! Builds the Python extension and leaves it where the probe embeds it from, so that one command makes a
//! gpucheck that is whole in one file.
//!
//! Invariants: the extension is a release build for the same target whatever is built around it, and what
//! tunes the outer build (wrappers such as clippy's, flags, the folder of artifacts) does not reach it; it
//! needs no Python and nothing that Cargo.lock does not name; where it was built does not show in it.

use std::{
    env,
    error::Error,
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Variables of the outer build that the inner one must not see. The linker's stays: packaging/portable.sh sets it.
const OUTER: [&str; 9] = [
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTFLAGS",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_RUSTC_WRAPPER",
    "CARGO_BUILD_RUSTC_WORKSPACE_WRAPPER",
];

fn main() -> Result<(), Box<dyn Error>> {
    let inputs =
        ["python/src", "python/Cargo.toml", "Cargo.toml", "Cargo.lock", ".cargo/config.toml", "build.rs"];
    for input in inputs {
        println!("cargo::rerun-if-changed={input}");
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    // OUT_DIR is TARGET/PROFILE/build/PACKAGE/out: beside the profiles, dev and release share the result.
    let folder = out.ancestors().nth(4).ok_or("OUT_DIR is too short")?.join("gpucheck-python");
    let target = env::var("TARGET")?;
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").ok_or("no CARGO_MANIFEST_DIR")?);
    let mut cargo = Command::new(env::var_os("CARGO").ok_or("no CARGO")?);
    cargo
        .args(["build", "--release", "--locked", "--package", "gpucheck-python", "--target", &target])
        .arg("--manifest-path")
        .arg(here.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&folder)
        // Else both builds would take the lock of the same folder, and the outer one waits for the inner.
        .env("CARGO_BUILD_BUILD_DIR", &folder)
        .env("PYO3_NO_PYTHON", "1")
        .env("PYO3_BUILD_EXTENSION_MODULE", "1")
        .env("CARGO_PROFILE_RELEASE_STRIP", "symbols");
    for variable in OUTER {
        cargo.env_remove(variable);
    }
    cargo.env("CARGO_ENCODED_RUSTFLAGS", names_of_places(&here, &folder)?);
    let triple = target.to_uppercase().replace(['-', '.'], "_");
    cargo.env_remove(format!("CARGO_TARGET_{triple}_RUSTFLAGS"));
    let status = cargo.status()?;
    if !status.success() {
        return Err(format!("the extension in python/ does not build: {status}").into());
    }
    let built = folder.join(target).join("release").join("libgpucheck_python.so");
    fs::copy(&built, out.join("gpucheck_probe.so"))?;
    Ok(())
}

/// Flags by which the same source is the same file wherever it is built; packaging/portable.sh has them for the rest.
fn names_of_places(here: &Path, folder: &Path) -> Result<OsString, Box<dyn Error>> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo"))).ok_or("no CARGO_HOME")?;
    let mut flags = OsString::new();
    // The last that fits counts, and the folder of artifacts may lie in the source.
    for (place, name) in [(here, "gpucheck"), (&home, "cargo"), (folder, "target")] {
        if !flags.is_empty() {
            flags.push("\u{1f}");
        }
        flags.push("--remap-path-prefix=");
        flags.push(place);
        flags.push("=");
        flags.push(name);
    }
    Ok(flags)
}
