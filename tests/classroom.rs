//! The classroom, tried for real: Jupyter of the package index, kernels, notebooks, and such as lie, hang and die.

mod notebooks;
mod on_gpus;
mod owners;
mod servers;

use crate::{pythons::part, stage::SERVERS};
use gpucheck_checks::{Outcome, Report, Verdict};
use serde_json::{Value, json};
use std::{
    env, fs,
    os::unix::fs::PermissionsExt,
    path::Path,
    process::Command,
    sync::{PoisonError, RwLockReadGuard},
};

/// A home, a place for what is temporary, and a folder of notebooks; all of them empty.
struct Classroom {
    folder: tempfile::TempDir,
    _others: RwLockReadGuard<'static, ()>,
}

impl Classroom {
    fn new() -> Self {
        let others = SERVERS.read().unwrap_or_else(PoisonError::into_inner);
        let folder = tempfile::tempdir().unwrap();
        for name in ["home", "tmp", "class", "bin"] {
            fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self { folder, _others: others }
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name)
    }

    /// With a notebook of these cells of code.
    fn notebook(self, name: &str, kernel: &str, cells: &[&str]) -> Self {
        let cell = |source: &&str| json!({"cell_type": "code", "metadata": {}, "source": source, "outputs": [], "execution_count": null});
        let cells: Vec<Value> = cells.iter().map(cell).collect();
        let metadata = json!({"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}});
        let notebook = json!({"nbformat": 4, "nbformat_minor": 4, "metadata": metadata, "cells": cells});
        fs::write(self.path("class").join(name), notebook.to_string()).unwrap();
        self
    }

    /// With a program in the place of JupyterLab, in Python.
    fn jupyter(self, script: &str) -> Self {
        let python = part("jupyter").join("bin/python");
        let path = self.path("bin/jupyter-lab");
        fs::write(&path, format!("#!{}\n{script}", python.display())).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// `gpucheck publish` of this classroom.
    fn gpucheck(&self) -> Command {
        self.gpucheck_of(&part("jupyter"))
    }

    /// The same, with the Jupyter of this environment.
    fn gpucheck_of(&self, jupyter: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gpucheck"));
        let folders = [self.path("bin"), jupyter.join("bin"), "/usr/bin".into(), "/bin".into()];
        let path = env::join_paths(folders).unwrap();
        command
            .args(["publish", "--only", "classroom", "--format", "json", "--no-cloud-metadata"])
            .env("PATH", path)
            .env("HOME", self.path("home"))
            .env("TMPDIR", self.path("tmp"))
            .env_remove("SUDO_UID")
            .current_dir(self.folder.path());
        command
    }

    /// The report, after which nothing is left.
    fn report(&self, arguments: &[&str]) -> Report {
        self.report_of(&part("jupyter"), arguments)
    }

    /// The same, with the Jupyter of this environment.
    fn report_of(&self, jupyter: &Path, arguments: &[&str]) -> Report {
        let output = self.gpucheck_of(jupyter).args(arguments).output().unwrap();
        let log = String::from_utf8_lossy(&output.stderr);
        let report = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {log}"));
        assert_eq!(names(&self.path("tmp")), [""; 0], "something is left");
        report
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<String> = entries.map(|name| name.to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn outcome<'a>(report: &'a Report, id: &str) -> &'a Outcome {
    report
        .outcomes
        .iter()
        .find(|outcome| outcome.id == id)
        .unwrap_or_else(|| panic!("{id}: {:#?}", report.outcomes))
}

fn verdict(report: &Report, id: &str) -> Verdict {
    outcome(report, id).verdict
}
