//! The tools that `tests/parts/pipelines.sh` brings.

use std::path::{Path, PathBuf};

/// The project's folder.
pub(super) fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of the project.
pub(super) fn ours(path: &str) -> PathBuf {
    let file = project().join(path);
    assert!(file.exists(), "{}", file.display());
    file
}

fn part(name: &str) -> PathBuf {
    let parts = std::env::var_os("GPUCHECK_TEST_PARTS")
        .map_or_else(|| Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-parts"), PathBuf::from)
        .join("pipelines");
    let part = parts.join(name);
    let parts = parts.display();
    assert!(
        part.join("gpucheck-stamp").is_file(),
        "no {name} in {parts}: run `sh tests/parts/pipelines.sh {parts}` first"
    );
    part
}

/// The folder of Debian's programs, unpacked.
pub(super) fn debian() -> PathBuf {
    part("debian").join("usr/bin")
}

/// A program of the Python environment.
pub(super) fn tool(name: &str) -> PathBuf {
    part("tools").join("bin").join(name)
}

/// The folder of cloud-init's modules.
pub(super) fn cloud_init() -> PathBuf {
    part("debian").join("usr/lib/python3/dist-packages")
}
