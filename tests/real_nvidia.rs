//! The driver probes against NVIDIA's own user-space libraries, and against stand-ins for what those do only
//! with hardware behind them.
//!
//! What the real ones answer without a kernel module was taken down from drivers 340 to 555 by hand; here it is
//! held against the probes. `tests/parts/nvidia.sh` fetches the libraries.

mod failing;
mod jit;
mod stand_in;
mod whole;
mod working;

use gpucheck::{
    child::{self, Job},
    probe::{cuda, library::Search, nvml},
    worker::{Ask, Worker},
};
use gpucheck_checks::fact::{Compute, Driver, Nvml, Observed, ProbeFailure};
use std::{
    path::{Path, PathBuf},
    time::Duration,
};

/// A branch, what its `cuInit` says without a kernel module, and its CUDA version.
const BRANCHES: [(&str, i64, i32); 5] =
    [("390", 999, 9010), ("450", 100, 11000), ("470", 100, 11040), ("535", 100, 12020), ("550", 100, 12040)];

/// This program, with a deadline.
fn worker(deadline: Duration) -> Worker {
    Worker { program: env!("CARGO_BIN_EXE_gpucheck").into(), deadline }
}

/// A question about the library in this directory.
fn ask(directory: &Path) -> Ask {
    Ask { search: Search::Directories(vec![directory.to_owned()]), hold_init: None, may_make_nodes: false }
}

fn probe_nvml(ask: &Ask) -> Nvml {
    let observed = nvml::probe(&worker(nvml::DEADLINE), ask);
    let Observed::Seen(nvml) = observed else { panic!("{observed:?}") };
    nvml
}

fn probe_cuda(ask: &Ask) -> (Driver, Observed<Compute>) {
    match cuda::probe(&worker(cuda::DEADLINE), ask) {
        (Observed::Seen(driver), compute) => (driver, compute),
        other => panic!("{other:?}"),
    }
}

/// Where a branch's libraries are, where that branch could be had. At least four must be there.
fn branches() -> Vec<(PathBuf, &'static str, i64, i32)> {
    let parts = std::env::var_os("GPUCHECK_TEST_PARTS").map_or_else(
        || Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap().join("test-parts"),
        PathBuf::from,
    );
    let there: Vec<_> = BRANCHES
        .into_iter()
        .map(|(branch, init, version)| (parts.join("nvidia").join(branch), branch, init, version))
        .filter(|(directory, ..)| directory.join("libcuda.so.1").is_file())
        .collect();
    assert!(
        there.len() >= 4,
        "run tests/parts/nvidia.sh first: too few driver libraries in {}",
        parts.display()
    );
    there
}

/// The device nodes that NVIDIA's libraries like to make.
fn nodes() -> Vec<String> {
    let names = std::fs::read_dir("/dev").unwrap().map(|entry| entry.unwrap().file_name());
    let mut nodes: Vec<_> = names.map(|name| name.to_string_lossy().into_owned()).collect();
    nodes.retain(|name| name.starts_with("nvidia"));
    nodes.sort();
    nodes
}

fn has_driver() -> bool {
    let has = Path::new("/proc/driver/nvidia/version").exists();
    if has {
        println!("this machine has a driver: what the libraries say without one cannot be seen");
    }
    has
}

#[test]
fn nvml_without_a_kernel_module() {
    if has_driver() {
        return;
    }
    let before = nodes();
    for (directory, branch, ..) in branches() {
        let nvml = probe_nvml(&ask(&directory));
        let library = nvml.library.seen().unwrap();
        assert!(library.contains(&format!("libnvidia-ml.so.{branch}.")), "{library}");
        assert!(Path::new(library).starts_with(directory.canonicalize().unwrap()), "{library}");
        let Some(ProbeFailure::Refused { code, name, step, .. }) = nvml.init.failure() else {
            panic!("{branch}: {nvml:?}")
        };
        assert_eq!(
            (*code, name.as_str(), step.as_str()),
            (9, "DRIVER_NOT_LOADED", "nvmlInit_v2"),
            "{branch}"
        );
        assert_eq!(nvml.devices.why_not(), "not probed: nvmlInit_v2 failed");
    }
    assert_eq!(nodes(), before);
}

#[test]
fn cuda_without_a_kernel_module() {
    if has_driver() {
        return;
    }
    let before = nodes();
    for (directory, branch, init, version) in branches() {
        let (driver, compute) = probe_cuda(&ask(&directory));
        let library = driver.library.seen().unwrap();
        assert!(library.contains(&format!("libcuda.so.{branch}.")), "{library}");
        assert_eq!(driver.version, Observed::Seen(version), "{branch}");
        assert_eq!(driver.init.refusal_code(), Some(init), "{branch}: {:?}", driver.init);
        let Some(ProbeFailure::Refused { name, .. }) = driver.init.failure() else { panic!() };
        let named = if init == 999 { "CUDA_ERROR_UNKNOWN" } else { "CUDA_ERROR_NO_DEVICE" };
        assert_eq!(name, named, "{branch}");
        assert_eq!(compute.why_not(), "not probed: cuInit failed");
    }
    assert_eq!(nodes(), before);
}

#[test]
fn held_back_libraries_are_opened_and_not_initialized() {
    for (directory, _, _, version) in branches() {
        let ask = Ask { hold_init: Some("no module is loaded".to_owned()), ..ask(&directory) };
        let nvml = probe_nvml(&ask);
        assert!(nvml.library.seen().is_some());
        assert_eq!(nvml.init.why_not(), "not probed: no module is loaded");
        assert_eq!(nvml.devices.why_not(), "not probed: no module is loaded");
        let (driver, compute) = probe_cuda(&ask);
        assert_eq!(driver.version, Observed::Seen(version));
        assert_eq!(driver.init.why_not(), "not probed: no module is loaded");
        assert_eq!(compute.why_not(), "not probed: no module is loaded");
    }
}

#[test]
fn the_first_directory_that_has_the_file_decides() {
    let empty = tempfile::tempdir().unwrap();
    let directories = branches().into_iter().map(|(directory, ..)| directory);
    let search: Vec<_> = std::iter::once(empty.path().to_owned()).chain(directories).collect();
    let first = search[1].canonicalize().unwrap();
    let ask = Ask {
        search: Search::Directories(search),
        hold_init: Some("test".to_owned()),
        may_make_nodes: false,
    };
    assert!(Path::new(probe_nvml(&ask).library.seen().unwrap()).starts_with(first));
}

#[test]
fn a_library_that_is_not_there_is_not_found() {
    let empty = tempfile::tempdir().unwrap();
    let (driver, compute) = probe_cuda(&ask(empty.path()));
    assert!(driver.library.why_not().starts_with("dlopen libcuda.so.1: not found: "), "{driver:?}");
    assert_eq!(compute.why_not(), "not probed: libcuda.so.1 was not loaded");
    let nvml = probe_nvml(&ask(empty.path()));
    assert!(nvml.library.why_not().starts_with("dlopen libnvidia-ml.so.1: not found: "), "{nvml:?}");
}

#[test]
fn a_file_that_is_no_library_is_not_loadable() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("libcuda.so.1"), "this is text, not a library\n".repeat(99))
        .unwrap();
    let (driver, _) = probe_cuda(&ask(directory.path()));
    let why = driver.library.why_not();
    assert!(why.starts_with("dlopen libcuda.so.1: not loadable: "), "{why}");
    assert!(why.contains("invalid ELF header"), "{why}");
}

#[test]
fn a_library_without_what_it_needs_is_not_loadable() {
    let Some((r390, ..)) = branches().into_iter().find(|(_, branch, ..)| *branch == "390") else {
        println!("skipped: no libraries of branch 390");
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let alone = directory.path().join("libcuda.so.1");
    std::fs::copy(r390.join("libcuda.so.1"), alone).unwrap();
    let (driver, _) = probe_cuda(&ask(directory.path()));
    let why = driver.library.why_not();
    assert!(why.starts_with("dlopen libcuda.so.1: not loadable: libnvidia-fatbinaryloader.so.390."), "{why}");
}

#[test]
fn a_garbled_question_is_a_usage_error() {
    for args in [vec!["__probe", "nvml", "{"], vec!["__probe", "cuda"], vec!["__probe", "other", "{}"]] {
        let finished = child::run::<Nvml>(Job {
            program: env!("CARGO_BIN_EXE_gpucheck").into(),
            args: args.iter().map(Into::into).collect(),
            base: None,
            env: Vec::new(),
            folder: None,
            deadline: nvml::DEADLINE,
            memory: 1 << 30,
            files: Vec::new(),
            identity: None,
            may_make_nodes: false,
            stack_at_deadline: false,
        });
        let exited = ProbeFailure::Exited { code: 2, step: "start-up".to_owned() };
        assert_eq!(finished.observed.failure(), Some(&exited), "{args:?}");
    }
}
