//! Real JAX, PyTorch, CuPy and old TensorFlow: what the probe tells by their files is what they say themselves.
//!
//! Each test says first what plain Python does in the environment; that is asked again here wherever it can be.

use crate::pythons::{ask, devices, look, output, part, part_where_it_can_be, tensorflow};
use gpucheck_checks::fact::{Carrier, Observed, Packages, ProbeFailure, Way};
use std::{
    path::Path,
    process::{Command, Stdio},
};

fn packages(environment: &Path) -> Packages {
    look(&ask(environment)).packages.seen().expect("packages").clone()
}

/// The last line that a script writes to standard error where it fails.
fn complaint(environment: &Path, script: &str) -> String {
    let output = Command::new(environment.join("bin/python"))
        .args(["-c", script])
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdout(Stdio::null())
        .output()
        .unwrap();
    assert!(!output.status.success(), "{script}");
    String::from_utf8(output.stderr).unwrap().lines().last().unwrap().to_owned()
}

/// `import jax; jax.devices()` gives `[CpuDevice(id=0)]`.
#[test]
fn jax_without_plugins_is_told_by_its_distributions() {
    let environment = part("jax");
    let found = packages(&environment).jax.unwrap();
    let script = "import jax, jaxlib; print(f'jax {jax.__version__} jaxlib {jaxlib.__version__}')";
    let told = found.distributions.iter().map(|found| format!("{} {}", found.name, found.version));
    assert_eq!(told.collect::<Vec<_>>().join(" "), output(&environment, script, &[]).trim());
    assert_eq!((&found.brought_by, &found.conda_build), (&None, &None));
    assert!(found.counts(), "somebody asked for it");
    assert_eq!(packages(&environment).torch, None);
}

/// `import torch` gives `OSError: libcudart.so.13: cannot open shared object file`, and while that is handled
/// `ValueError: libcublasLt.so.*[0-9] not found in the system path [...]`.
#[test]
fn torch_without_its_cuda_libraries_is_told_by_its_files() {
    let environment = part("torch-cuda-absent");
    let said = complaint(&environment, "import torch");
    assert!(said.starts_with("ValueError: libcublasLt.so.*[0-9] not found in the system path"), "{said}");
    let found = packages(&environment).torch.unwrap();
    assert_eq!(found.label(), "PyTorch 2.13.0+cu130");
    assert_eq!((found.cuda(), found.distribution.as_deref()), (Some("13.0"), Some("2.13.0")));
    // `strings libtorch_python.so` of the wheel shows this one text.
    let architectures = found.architectures.seen().unwrap().join(" ");
    assert_eq!(architectures, "sm_75 sm_80 sm_86 sm_90 sm_100 sm_120");
}

/// With the kernelspec's `LD_LIBRARY_PATH`, `torch.ones(2) @ torch.ones(2)` gives `tensor(2.)`; without it,
/// `ImportError: libtorch_python.so.1.13: cannot open shared object file: No such file or directory`.
#[test]
fn torch_of_debian_was_built_without_cuda() {
    let Some(environment) = part_where_it_can_be("torch-cpu") else { return };
    let said = complaint(&environment, "import torch");
    assert!(said.starts_with("ImportError: libtorch_python.so.1.13: cannot open shared object"), "{said}");
    let spec = environment.join("share/jupyter/kernels/torch-cpu/kernel.json");
    let spec: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(spec).unwrap()).unwrap();
    let script = "import torch; print(torch.ones(2) @ torch.ones(2), torch.version.cuda, torch.__version__)";
    let product = Command::new(environment.join("bin/python"))
        .args(["-c", script])
        .env("LD_LIBRARY_PATH", spec["env"]["LD_LIBRARY_PATH"].as_str().unwrap())
        .output()
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&product.stdout).trim(), "tensor(2.) None 1.13.0a0", "{product:?}");
    let found = packages(&environment).torch.unwrap();
    assert_eq!((found.label().as_str(), found.cuda()), ("PyTorch 1.13.0a0", None));
    assert!(found.build.seen().is_some());
    assert!(found.architectures.failure().is_some(), "{:?}", found.architectures);
}

/// `import cupy` works without a driver; `cupy.ones(2)` gives
/// `CUDARuntimeError: cudaErrorInsufficientDriver: CUDA driver version is insufficient for CUDA runtime version`
/// where there is none.
#[test]
fn cupy_alone_is_neither_torch_nor_jax() {
    let environment = part("cupy");
    assert_eq!(output(&environment, "import cupy; print(cupy.__version__)", &[]).trim(), "13.6.0");
    let found = packages(&environment);
    assert_eq!((found.torch, found.jax, found.ipykernel), (None, None, None));
}

#[test]
fn ipykernel_is_told_where_a_server_has_it_and_not_where_it_is_missing() {
    let server = part("jupyter");
    let version = output(&server, "import ipykernel; print(ipykernel.__version__)", &[]);
    assert_eq!(packages(&server).ipykernel.as_deref(), Some(version.trim()));
    let missing = part("ipykernel-missing");
    let said = complaint(&missing, "import ipykernel_launcher");
    assert_eq!(said, "ModuleNotFoundError: No module named 'ipykernel_launcher'");
    assert_eq!(packages(&missing).ipykernel, None);
}

/// `import tensorflow` and `device_lib` alone give
/// `ImportError: cannot import name 'builder' from 'google.protobuf.internal' (...)`.
#[test]
fn a_protobuf_that_is_too_old_fails_the_import() {
    let environment = part("protobuf3");
    let said = complaint(&environment, "import tensorflow");
    assert!(said.starts_with("ImportError: cannot import name 'builder' from 'google.protobuf"), "{said}");
    let python = look(&ask(&environment));
    let found = tensorflow(&python);
    assert!(found.unmet.iter().any(|unmet| unmet.starts_with("protobuf")), "{:?}", found.unmet);
    for look in &found.looks {
        let Some(ProbeFailure::Refused { name, message, .. }) = look.listing.failure() else {
            panic!("{look:#?}")
        };
        assert_eq!(name, "ImportError");
        assert!(message.starts_with("cannot import name 'builder'"), "{message}");
    }
    assert!(found.full_look().is_some(), "the unmet requirement raises a doubt");
}

/// TensorFlow 1.15.0 in CPython 3.7 lists `/device:CPU:0` and `/device:XLA_CPU:0`, 2.13.1 in 3.8 the first alone.
#[test]
fn an_old_tensorflow_answers_through_the_extension() {
    let Some(environment) = part_where_it_can_be("tensorflow-old") else { return };
    let script = "import sys; print('%d.%d.%d' % sys.version_info[:3])";
    let version = output(&environment, script, &[]);
    let names: &[&str] =
        if version.starts_with("3.7") { &["/device:CPU:0", "/device:XLA_CPU:0"] } else { &["/device:CPU:0"] };
    let mut ask = ask(&environment);
    for (full, way) in [(false, Way::Bare), (true, Way::Full)] {
        ask.full = full;
        let python = look(&ask);
        assert_eq!(python.interpreter.seen().unwrap().version, version.trim());
        let found = tensorflow(&python);
        assert_eq!(found.build.seen().unwrap().is_cuda_build, Some(false));
        let look = found.looks.iter().find(|look| look.way == way).unwrap();
        assert_eq!(look.carrier, Observed::Seen(Carrier::Memory));
        assert_eq!(devices(look).iter().map(|device| &device.name).collect::<Vec<_>>(), names);
    }
}
