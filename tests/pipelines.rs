//! The pipelines under `packaging/`, each run by its own tool with a good image and with a bad one: the build goes
//! through, or it stops and keeps the report.
//!
//! The images are the files of a simulated machine, so gpucheck looks at them by `--root`, and nothing of them runs.

mod ansible;
mod class;
mod cloud_init;
mod image;
mod image_builder;
mod nodes;
mod packer;
mod parts;
mod snippets;

use std::process::Command;

/// What became of a command.
struct Ended {
    status: Option<i32>,
    /// Both of its outputs.
    said: String,
}

/// Runs a command to its end.
fn run(command: &mut Command) -> Ended {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let said = [output.stdout, output.stderr].concat();
    Ended { status: output.status.code(), said: String::from_utf8_lossy(&said).into_owned() }
}

/// A command in a folder, with nothing of this machine's variables but a `PATH`.
fn command(program: impl AsRef<std::ffi::OsStr>, folder: &std::path::Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().current_dir(folder).env("HOME", folder).env("TMPDIR", folder);
    command.env("PATH", "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin").env("LC_ALL", "C.UTF-8");
    command
}
