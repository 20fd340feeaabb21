//! Notebook kernels on simulated GPUs: the whole program, environments of the system's Python, and frameworks of a few
//! lines. Which kernels can use the GPU is known beforehand: each is broken in one way.

use crate::{frameworks_at_work::fakes::TORCH, home::Home, stage::SERVERS};
use gpucheck_checks::{MachineVerdict, Report, Subject, Usable, UsableFrom};
use gpucheck_machines::{folder, machine::Machine, run::Staged};
use std::{ffi::OsString, fs, path::Path, sync::PoisonError};

/// A PyTorch on the one GPU of the machine, which it lists as CUDA does: not where the variable hides it.
pub(crate) const ON_THE_GPU: &str = "
import os
del GPUS[1]
if os.environ.get('CUDA_VISIBLE_DEVICES', '0') != '0':
    GPUS.clear()
    cuda.is_available = lambda: False
    def refuse():
        raise RuntimeError('No CUDA GPUs are available')
    cuda.init = refuse
";

/// What stands in `torch/version.py` of the wheels.
pub(crate) fn version(cuda: Option<&str>) -> String {
    let (local, cuda) = cuda.map_or(("cpu".to_owned(), "None".to_owned()), |cuda| {
        (format!("cu{}", cuda.replace('.', "")), format!("'{cuda}'"))
    });
    format!("__version__ = '2.6.0+{local}'\ncuda = {cuda}\nhip = None\n")
}

/// An environment with PyTorch for this CUDA and these lines after it; its interpreter.
pub(crate) fn torch(home: &Home, name: &str, cuda: Option<&str>, lines: &str) -> String {
    let python = home.python(name);
    home.distribution(name, "torch-2.6.0");
    home.file(name, "torch/__init__.py", &format!("{TORCH}\n{ON_THE_GPU}\n{lines}\n"));
    home.file(name, "torch/version.py", &version(cuda));
    python
}

/// What gpucheck says on a T4 of Azure's, asked from this home.
pub(crate) fn report(home: &Home, more: &[&str]) -> Report {
    let _none_runs = SERVERS.read().unwrap_or_else(PoisonError::into_inner);
    let machine = Machine::load(&folder(), "azure-t4-535").unwrap_or_else(|error| panic!("{error}"));
    let staged = Staged::new(&machine).unwrap();
    let mut command = staged.command(Path::new(env!("CARGO_BIN_EXE_gpucheck"))).unwrap();
    let output = command
        .env("HOME", home.path())
        .current_dir(home.path())
        .args(["--this-notebooks", "--format", "json"])
        .args(more)
        .output()
        .unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn row<'a>(report: &'a Report, kernel: &str) -> &'a UsableFrom {
    let subject = Subject::Notebook(kernel.to_owned());
    report.usable_from.iter().find(|row| row.subject == subject).unwrap_or_else(|| panic!("{report:#?}"))
}

/// The check or cause that a kernel's answer rests on.
fn root(row: &UsableFrom) -> &str {
    let root = row.root.as_ref().unwrap_or_else(|| panic!("{row:#?}"));
    root.cause.as_deref().unwrap_or(&root.id)
}

#[test]
fn each_kernel_gets_an_answer_and_a_root_of_its_own() {
    let home = Home::new();
    let good = torch(&home, "good", Some("12.6"), "");
    let cpu = torch(&home, "cpu", None, "");
    let wrong = torch(&home, "wrong", Some("12.6"), "WRONG.add('cuda:0')");
    let dies = torch(&home, "dies", Some("12.6"), "import os\nos.abort()");
    let lacks =
        "raise ImportError('libcudnn.so.9: cannot open shared object file: No such file or directory')";
    let lacks = torch(&home, "lacks", Some("12.6"), lacks);
    let plain = home.python("plain");
    home.kernel("good", &[&good], "");
    home.kernel("again", &[&good], "");
    home.kernel("hidden", &[&good], r#", "env": {"CUDA_VISIBLE_DEVICES": "-1"}"#);
    home.kernel("cpu", &[&cpu], "");
    home.kernel("wrong", &[&wrong], "");
    home.kernel("dies", &[&dies], "");
    home.kernel("lacks", &[&lacks], "");
    home.kernel("plain", &[&plain], "");
    home.kernel("gone", &["/nowhere/bin/python"], "");
    home.kernel_json("ir", r#"{"argv": ["R"], "language": "R"}"#);
    home.kernel_json("cut", "{");
    let report = report(&home, &[]);
    assert_eq!(report.verdict, MachineVerdict::Degraded, "{report:#?}");
    for kernel in ["good", "again"] {
        let row = row(&report, kernel);
        assert_eq!((row.usable, row.python.as_deref()), (Usable::Yes, Some(good.as_str())), "{row:#?}");
        assert_eq!(row.frameworks, ["PyTorch 2.6.0+cu126"]);
    }
    for (kernel, expected) in [
        ("hidden", "cvd-hides-gpu"),
        ("cpu", "torch-cpu-wheel"),
        ("wrong", "frameworks.torch_computes"),
        ("dies", "frameworks.torch_computes"),
        ("lacks", "frameworks.torch_computes"),
        ("gone", "kernelspec-wrong-env"),
        ("cut", "notebooks.interpreter_exists"),
    ] {
        let row = row(&report, kernel);
        assert_eq!((row.usable, root(row)), (Usable::No, expected), "{kernel}: {row:#?}");
    }
    assert!(row(&report, "lacks").why.as_ref().is_some_and(|why| why.contains("libcudnn.so.9")));
    for kernel in ["plain", "ir"] {
        assert_eq!(row(&report, kernel).usable, Usable::NotApplicable, "{kernel}");
    }
    // Each trouble is told once.
    let mut told: Vec<_> = report.roots.iter().map(|root| (&root.subject, &root.id)).collect();
    told.dedup();
    assert_eq!(told.len(), report.roots.len(), "{told:?}");
    assert_eq!(report.roots.len(), 7, "{:#?}", report.roots);
}

#[test]
fn a_machine_whose_kernels_all_compute_is_usable_without_a_word() {
    let home = Home::new();
    home.kernel("a", &[&torch(&home, "a", Some("12.6"), "")], "");
    home.kernel("b", &[&torch(&home, "b", Some("12.6"), "")], r#", "env": {"TF_CPP_MIN_LOG_LEVEL": "2"}"#);
    let report = report(&home, &[]);
    assert_eq!(report.verdict, MachineVerdict::Usable, "{:#?}", report.roots);
    assert!(report.roots.is_empty(), "{:#?}", report.roots);
    for kernel in ["a", "b"] {
        assert_eq!(row(&report, kernel).usable, Usable::Yes, "{:#?}", report.usable_from);
    }
}

#[test]
fn what_is_only_listed_makes_no_kernel_usable() {
    let home = Home::new();
    home.kernel("a", &[&torch(&home, "a", Some("12.6"), "")], "");
    let report = report(&home, &["--no-exercise"]);
    assert_eq!(report.verdict, MachineVerdict::Incomplete, "{:#?}", report.roots);
    assert_eq!(row(&report, "a").usable, Usable::Unknown, "{:#?}", report.usable_from);
}

#[test]
fn an_environment_that_no_kernel_starts_is_looked_at_as_well() {
    let home = Home::new();
    home.kernel("a", &[&torch(&home, "a", Some("12.6"), "")], "");
    // As Visual Studio Code offers it, in the folder that is open.
    let cpu = torch(&home, ".venv", None, "");
    let report = report(&home, &[]);
    assert_eq!(report.verdict, MachineVerdict::Degraded, "{:#?}", report.usable_from);
    let row = report.usable_from.iter().find(|row| row.subject == Subject::Python(cpu.clone())).unwrap();
    assert_eq!((row.usable, root(row)), (Usable::No, "torch-cpu-wheel"));
}

#[test]
fn odd_kernels_cost_nobody_else_the_answer() {
    let home = Home::new();
    home.kernel("good", &[&torch(&home, "good", Some("12.6"), "")], "");
    let kernels = home.path().join(".local/share/jupyter/kernels");
    let odd: OsString = std::os::unix::ffi::OsStringExt::from_vec(b"odd\xff".to_vec());
    fs::create_dir(kernels.join(odd)).unwrap();
    std::os::unix::fs::symlink("loop", kernels.join("loop")).unwrap();
    fs::create_dir(kernels.join("pipe")).unwrap();
    let pipe = kernels.join("pipe/kernel.json");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    home.kernel("newline", &["/no\\nwhere/bin/python"], "");
    home.kernel_json("deep", &"[".repeat(100_000));
    home.kernel_json("numbers", r#"{"argv": [1, 2], "language": "python", "env": {"A": 1}}"#);
    home.kernel("rubbish", &["/bin/true"], "");
    let report = report(&home, &[]);
    assert_eq!(row(&report, "good").usable, Usable::Yes, "{:#?}", report.usable_from);
    for kernel in ["newline", "deep", "numbers", "pipe"] {
        assert_eq!(row(&report, kernel).usable, Usable::No, "{kernel}: {:#?}", row(&report, kernel));
    }
    assert_eq!(row(&report, "rubbish").usable, Usable::Unknown);
}
