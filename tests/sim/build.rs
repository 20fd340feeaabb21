//! Tells the crate where cargo leaves the archive that the driver libraries are linked from.

use std::{env, error::Error, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("no OUT_DIR")?);
    // OUT_DIR is TARGET/PROFILE/build/PACKAGE/out.
    let profile = out.ancestors().nth(3).ok_or("OUT_DIR is too short")?;
    println!("cargo::rustc-env=GPUSIM_PROFILE={}", profile.display());
    Ok(())
}
