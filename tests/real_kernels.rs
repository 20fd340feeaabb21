//! Real frameworks behind notebook kernels on a simulated T4: each environment's own trouble is told, with its own cause,
//! beside all the others.
//!
//! What is wrong with each is known from the environment itself: `tests/parts` says how it was made, and its own Python
//! says so too (`tests/real_frameworks.rs`, `tests/real_tensorflow.rs`).

use crate::{
    home::Home,
    pythons::{part, part_where_it_can_be},
};
use gpucheck_checks::{MachineVerdict, Report, Root, Subject, Usable};
use gpucheck_machines::{folder, machine::Machine, run::Staged};
use std::{fs, path::Path, process::Command};

/// Environments, and the causes or checks that are to be their roots.
const EXPECTED: [(&str, &[&str]); 8] = [
    // The index's build for CUDA, without CUDA.
    ("tensorflow", &["tf-extra-missing"]),
    ("tensorflow-2.12", &["tf-cuda-libs-missing"]),
    ("tensorflow-cpu", &["tf-cpu-only-build"]),
    ("numpy2", &["tf-cpu-only-build", "tf-import-protobuf-numpy"]),
    ("protobuf3", &["tf-cpu-only-build", "tf-import-protobuf-numpy"]),
    ("jax", &["jax-no-cuda-plugin"]),
    // Built for CUDA 13, of which nothing is there; the driver is for 12.2.
    ("torch-cuda-absent", &["driver-too-old-for-runtime", "frameworks.torch_finds_libraries"]),
    ("tensorflow-old", &["tf-cpu-only-build"]),
];

/// gpucheck on a T4 of Azure's, about to be asked from this home.
fn gpucheck(staged: &Staged, home: &Home) -> Command {
    let mut command = staged.command(Path::new(env!("CARGO_BIN_EXE_gpucheck"))).unwrap();
    command.env("HOME", home.path()).current_dir(home.path()).args(["--this-notebooks", "--format", "json"]);
    command
}

fn report(command: &mut Command) -> Report {
    let output = command.output().unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

/// What the roots of a Python are: their causes, else their checks.
fn roots(report: &Report, python: &str) -> Vec<String> {
    let of_it = |root: &&Root| root.subject == Subject::Python(python.to_owned());
    let name = |root: &Root| root.cause.clone().unwrap_or_else(|| root.id.clone());
    let mut roots: Vec<String> = report.roots.iter().filter(of_it).map(name).collect();
    roots.sort();
    roots
}

#[test]
fn each_real_environment_has_its_own_root() {
    let machine = Machine::load(&folder(), "azure-t4-535").unwrap_or_else(|error| panic!("{error}"));
    let staged = Staged::new(&machine).unwrap();
    let home = Home::new();
    let mut expected = Vec::new();
    for (name, causes) in EXPECTED {
        if let Some(environment) = part_where_it_can_be(name) {
            let python = environment.join("bin/python").to_str().unwrap().to_owned();
            home.kernel(name, &[&python], "");
            expected.push((name, python, causes));
        }
    }
    let debian = part_where_it_can_be("torch-cpu").map(|environment| {
        // Its libraries are found by the variable that its own kernel.json sets.
        let spec = environment.join("share/jupyter/kernels/torch-cpu/kernel.json");
        home.kernel_json("torch-cpu", &fs::read_to_string(spec).unwrap());
        environment.join("bin/python").to_str().unwrap().to_owned()
    });
    home.kernel("bare", &[part("ipykernel-missing").join("bin/python").to_str().unwrap()], "");
    let report = report(&mut gpucheck(&staged, &home));
    assert_eq!(report.verdict, MachineVerdict::Unusable);
    for (name, python, causes) in &expected {
        assert_eq!(roots(&report, python), *causes, "{name}: {report:#?}");
    }
    if let Some(python) = debian {
        assert_eq!(roots(&report, &python), ["torch-cpu-wheel"], "{report:#?}");
    }
    let bare = |root: &Root| root.subject == Subject::Notebook("bare".to_owned());
    let ids: Vec<&str> = report.roots.iter().filter(|root| bare(root)).map(|root| root.id.as_str()).collect();
    assert_eq!(ids, ["notebooks.has_ipykernel"]);
    // A server of another test may offer kernels of its own, in which there is nothing.
    let mut rows = report.usable_from.iter().filter(|row| row.usable != Usable::NotApplicable);
    assert!(rows.all(|row| row.usable == Usable::No), "{:#?}", report.usable_from);
}
