//! The real TensorFlow on simulated GPUs: what it lists, and why it lists none.
//!
//! TensorFlow opens libcuda, NVML and CUDA's runtime libraries itself; only these are made up.

use super::{Simulated, judge, k80, t4};
use crate::pythons::{ask, devices, look, part, tensorflow};
use gpucheck_checks::{
    MachineVerdict,
    fact::{Frameworks, Look, Observed, Python},
};
use gpucheck_sim::{Toolkit, cuda_runtime};
use serde_json::{Value, json};
use std::{
    ffi::{OsStr, OsString},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

/// The environments with the toolkit that each was built with.
const BUILDS: [(&str, Toolkit); 2] = [("tensorflow", Toolkit::Cuda12), ("tensorflow-2.12", Toolkit::Cuda11)];

/// What gpucheck's probe sees of an environment, with these libraries before all others.
fn look_with(environment: &str, simulated: &Simulated, folders: &[&Path]) -> Python {
    let mut ask = ask(part(environment));
    let path: Vec<&OsStr> = folders.iter().map(|folder| folder.as_os_str()).collect();
    ask.environment.changes = vec![("LD_LIBRARY_PATH".into(), Some(path.join(OsStr::new(":"))))];
    let variables = simulated.environment().map(|(name, value)| (name.into(), Some(OsString::from(value))));
    ask.environment.changes.extend(variables);
    look(&ask)
}

/// The look that a verdict goes by.
fn last(python: &Python) -> &Look {
    tensorflow(python).looks.last().unwrap()
}

fn descriptions(look: &Look) -> Vec<&str> {
    let gpus = devices(look).iter().filter(|device| device.device_type == "GPU");
    gpus.map(|device| device.physical_device_desc.as_str()).collect()
}

/// The first look at a T4 where this happens at a call.
fn with_fault(environment: &str, toolkit: Toolkit, call: &str, action: &Value) -> Python {
    let simulated = Simulated::with(&t4(), call, action);
    let libraries = simulated.libraries.clone();
    look_with(environment, &simulated, &[&libraries, &cuda_runtime(toolkit).unwrap()])
}

#[test]
fn both_tensorflows_list_the_gpu_by_its_description() {
    for (environment, toolkit) in BUILDS {
        let simulated = Simulated::new(&t4());
        let folders = [simulated.libraries.clone(), cuda_runtime(toolkit).unwrap()];
        let python = look_with(environment, &simulated, &[&folders[0], &folders[1]]);
        let expected = "device: 0, name: Tesla T4, pci bus id: 0001:00:00.0, compute capability: 7.5";
        let [bare, full] = tensorflow(&python).looks.as_slice() else { panic!("{python:#?}") };
        assert_eq!(descriptions(bare), [expected], "{environment}: {bare:#?}");
        let gpu = devices(bare).iter().find(|device| device.device_type == "GPU").unwrap();
        assert!(gpu.memory_limit > 13 << 30 && gpu.memory_limit < 15 << 30, "{}", gpu.memory_limit);
        assert!(simulated.trace().iter().any(|call| call == "cuDevicePrimaryCtxRetain = 0"));
        // No library behind it computes, which the full look finds out: what is listed is not usable.
        let listing = full.listing.seen().unwrap();
        let listed: Vec<_> = listing.gpus().map(|device| device.physical_device_desc.as_str()).collect();
        assert_eq!(listed, [expected], "{environment}: {full:#?}");
        let refused = listing.operations.iter().any(|operation| operation.correct.failure().is_some());
        let crashed = full.listing.failure().is_some_and(|by| by.step() == "tf.matmul on /device:GPU:0");
        assert!(refused || crashed, "{environment}: {full:#?}");
        let mut facts = simulated.facts();
        facts.frameworks =
            Observed::Seen(Frameworks { pythons: vec![python.clone()], ..Frameworks::default() });
        let report = judge(&facts);
        assert_eq!(report.verdict, MachineVerdict::Unusable, "{environment}: {:#?}", report.roots);
        assert!(report.roots[0].id.starts_with("frameworks."), "{environment}: {:#?}", report.roots);
    }
}

#[test]
fn two_gpus_are_two_devices() {
    // TensorFlow 2.12 has kernels for a K80; 2.21 compiles its own from PTX for it, and lists it too.
    for (environment, toolkit) in BUILDS {
        let simulated = Simulated::new(&k80());
        let folders = [simulated.libraries.clone(), cuda_runtime(toolkit).unwrap()];
        let python = look_with(environment, &simulated, &[&folders[0], &folders[1]]);
        let first = &tensorflow(&python).looks[0];
        if toolkit == Toolkit::Cuda12 {
            // The driver brings CUDA 11.4, the runtime is 12.5.
            assert_eq!(descriptions_or_none(first), [""; 0], "{first:#?}");
            continue;
        }
        let expected: Vec<_> = ["0001", "0002"]
            .iter()
            .enumerate()
            .map(|(i, domain)| {
                format!("device: {i}, name: Tesla K80, pci bus id: {domain}:00:00.0, compute capability: 3.7")
            })
            .collect();
        assert_eq!(descriptions(first), expected, "{first:#?}");
    }
}

/// No descriptions either where the listing failed.
fn descriptions_or_none(look: &Look) -> Vec<&str> {
    if look.listing.seen().is_some() { descriptions(look) } else { Vec::new() }
}

#[test]
fn a_driver_that_refuses_is_named_in_the_log() {
    for (environment, toolkit) in BUILDS {
        for (code, name) in [
            (100, "CUDA_ERROR_NO_DEVICE"),
            (803, "CUDA_ERROR_SYSTEM_DRIVER_MISMATCH"),
            (999, "CUDA_ERROR_UNKNOWN"),
        ] {
            let python = with_fault(environment, toolkit, "cuInit", &json!({"return": code}));
            let first = &tensorflow(&python).looks[0];
            assert_eq!(descriptions_or_none(first), [""; 0]);
            let line = format!("failed call to cuInit: {name}");
            let said = first.log.contains(&line)
                || first.log.contains(&format!(
                    "failed call to cuInit: INTERNAL: CUDA error: Failed call to cuInit: {name}"
                ));
            assert!(said, "{environment}, {code}: {}", first.log);
        }
    }
}

#[test]
fn without_libcuda_there_is_the_cpu_alone() {
    for (environment, toolkit) in BUILDS {
        let simulated = Simulated::new(&t4());
        let python = look_with(environment, &simulated, &[&cuda_runtime(toolkit).unwrap()]);
        let first = &tensorflow(&python).looks[0];
        assert_eq!(descriptions_or_none(first), [""; 0]);
        assert!(first.log.contains("Could not load dynamic library 'libcuda.so.1'"), "{}", first.log);
        assert_eq!(simulated.trace(), [""; 0]);
    }
}

/// A toolkit's folder without one library.
fn without(toolkit: Toolkit, missing: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let whole = cuda_runtime(toolkit).unwrap();
    for library in toolkit.libraries().into_iter().filter(|library| *library != missing) {
        symlink(whole.join(library), folder.path().join(library)).unwrap();
    }
    let path = folder.path().to_owned();
    (folder, path)
}

#[test]
fn a_library_that_is_missing_is_the_cause() {
    for (environment, toolkit) in BUILDS {
        for missing in
            toolkit.libraries().into_iter().skip(1).filter(|library| !library.starts_with("libcurand"))
        {
            let simulated = Simulated::new(&t4());
            let (_folder, path) = without(toolkit, missing);
            let python = look_with(environment, &simulated, &[&simulated.libraries, &path]);
            assert_eq!(descriptions_or_none(last(&python)), [""; 0]);
            let mut facts = simulated.facts();
            facts.frameworks = Observed::Seen(Frameworks { pythons: vec![python], ..Frameworks::default() });
            let report = judge(&facts);
            let causes: Vec<_> = report.roots.iter().map(|root| root.cause.as_deref()).collect();
            assert_eq!(causes, [Some("tf-cuda-libs-missing")], "{environment} without {missing}");
            assert_eq!(report.roots[0].summary, format!("not loaded: {missing}"), "{environment}");
        }
    }
}

#[test]
fn without_the_runtime_no_gpu_is_listed_and_the_log_names_it() {
    // TensorFlow 2.12 lists the CPU alone, 2.21 raises.
    for (environment, toolkit) in BUILDS {
        let [runtime, ..] = toolkit.libraries();
        let simulated = Simulated::new(&t4());
        let (_folder, path) = without(toolkit, runtime);
        let python = look_with(environment, &simulated, &[&simulated.libraries, &path]);
        let look = last(&python);
        assert_eq!(descriptions_or_none(look), [""; 0]);
        assert_eq!(look.listing.seen().is_some(), toolkit == Toolkit::Cuda11, "{environment}: {look:#?}");
        let line = format!("Could not load dynamic library '{runtime}'");
        assert!(look.log.contains(&line), "{environment}: {}", look.log);
    }
}
