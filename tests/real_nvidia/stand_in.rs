//! Stand-ins for the driver libraries, compiled from the C beside this file with what they shall do wrong.

use std::{path::Path, process::Command};
use tempfile::TempDir;

/// A directory with one library in it.
pub(crate) struct StandIn {
    directory: TempDir,
}

impl StandIn {
    /// `libcuda.so.1`, with these macros defined; `LOG` is a file that it writes into, [`StandIn::log`].
    pub(crate) fn cuda(defines: &[&str]) -> Self {
        Self::compile("libcuda.c", "libcuda.so.1", defines)
    }

    /// `libnvidia-ml.so.1`, likewise.
    pub(crate) fn nvml(defines: &[&str]) -> Self {
        Self::compile("libnvidia_ml.c", "libnvidia-ml.so.1", defines)
    }

    fn compile(source: &str, soname: &str, defines: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_nvidia").join(source);
        let log = format!("LOG=\"{}\"", directory.path().join("log").display());
        let mut gcc = Command::new("gcc");
        gcc.args(["-shared", "-fPIC", "-O0", "-Wall", "-Werror", "-D", &log]);
        gcc.args(defines.iter().flat_map(|define| ["-D", define]));
        gcc.arg("-Wl,-soname").arg(format!("-Wl,{soname}")).arg("-o").arg(directory.path().join(soname));
        let output = gcc.arg(source).output().expect("gcc is needed");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { directory }
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    /// What it wrote down.
    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }
}
