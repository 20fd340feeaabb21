//! A good image and a bad one, and what a gate has to leave of each.

use gpucheck_machines::{folder, machine::Machine, run::Staged};
use serde_json::Value;
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

/// The real gpucheck.
pub(super) const GPUCHECK: &str = env!("CARGO_BIN_EXE_gpucheck");

/// The files of an image.
pub(super) struct Image {
    staged: Staged,
}

impl Image {
    /// A template of Azure's with a T4, ready to be published.
    pub(super) fn good() -> Self {
        Self::of("template-azure-t4")
    }

    /// The same one whose Linux has lost the driver's module, as an update of Linux without its headers leaves it.
    pub(super) fn bad() -> Self {
        let image = Self::good();
        let removed = remove_modules(&image.root().join("lib/modules"));
        assert!(removed > 0, "the machine has no module to lose");
        image
    }

    /// The files of this machine.
    pub(super) fn of(name: &str) -> Self {
        let machine = Machine::load(&folder(), name).unwrap_or_else(|error| panic!("{error}"));
        Self { staged: Staged::new(&machine).unwrap_or_else(|error| panic!("{error}")) }
    }

    pub(super) fn root(&self) -> PathBuf {
        self.staged.root()
    }

    /// Writes a program that is gpucheck as it would be in this image, for steps that name no root.
    pub(super) fn write_gpucheck(&self, file: &Path) {
        write_program(file, &format!("exec '{GPUCHECK}' \"$@\" --root '{}'\n", self.root().display()));
    }

    /// The same, content with what can be tried here.
    pub(super) fn write_content_gpucheck(&self, file: &Path) {
        let root = self.root();
        write_program(
            file,
            &format!("exec '{GPUCHECK}' \"$@\" --allow-unverified --root '{}'\n", root.display()),
        );
    }

    /// The same on the machine that runs, with its GPU.
    pub(super) fn write_running_gpucheck(&self, file: &Path) {
        write_program(file, &line(&self.staged.command(Path::new(GPUCHECK)).unwrap()));
    }
}

/// Writes a program that is gpucheck and takes no time to copy.
pub(super) fn write_small_gpucheck(file: &Path) {
    write_program(file, &format!("exec '{GPUCHECK}' \"$@\"\n"));
}

/// A program's line, with what is asked put behind the program's own name.
fn line(command: &Command) -> String {
    let quoted = |text: &std::ffi::OsStr| format!("'{}'", text.to_str().unwrap());
    let variables = command.get_envs().filter_map(|(name, value)| Some((name.to_str().unwrap(), value?)));
    let variables: Vec<String> = variables.map(|(name, value)| format!("{name}={}", quoted(value))).collect();
    let arguments: Vec<String> = command.get_args().map(quoted).collect();
    let program = quoted(command.get_program());
    format!("exec env -i {} {program} \"$@\" {}\n", variables.join(" "), arguments.join(" "))
}

fn write_program(file: &Path, body: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, format!("#!/bin/sh\n{body}")).unwrap();
    fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
}

fn remove_modules(folder: &Path) -> usize {
    let mut removed = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            removed += remove_modules(&entry.path());
        } else if entry.file_name().to_string_lossy().starts_with("nvidia") {
            fs::remove_file(entry.path()).unwrap();
            removed += 1;
        }
    }
    removed
}

/// What is to be found of an image once a gate has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kept {
    /// Nothing has failed in it.
    Good,
    /// The module is missing.
    Bad,
}

/// The reports in a folder are whole, of the three forms, and say this of the image.
pub(super) fn assert_reports(folder: &Path, kept: Kept) {
    let read = |name: &str| {
        let file = folder.join(name);
        fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
    };
    let json: Value = serde_json::from_str(&read("gpucheck.json")).unwrap();
    let failed: Vec<&str> = json["outcomes"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|outcome| outcome["verdict"] == "fail")
        .map(|outcome| outcome["id"].as_str().unwrap())
        .collect();
    let is_named = |id: &&str| id.starts_with("module.") || id.starts_with("next_boot.");
    assert_eq!(failed.is_empty(), kept == Kept::Good, "{failed:?}");
    assert_eq!(failed.iter().any(is_named), kept == Kept::Bad, "{failed:?}");
    assert_junit(&read("gpucheck.xml"), kept);
    assert!(read("gpucheck.html").contains("</html>"));
}

/// A JUnit report is whole and counts failures in a bad image alone.
pub(super) fn assert_junit(junit: &str, kept: Kept) {
    assert!(junit.starts_with("<?xml"), "{junit}");
    let counted = junit.split_once("failures=\"").and_then(|(_, rest)| rest.split_once('"')).unwrap().0;
    assert_eq!(counted == "0", kept == Kept::Good, "{junit}");
}
