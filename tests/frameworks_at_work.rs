//! PyTorch, JAX, CuPy and cuDF put to work: packages of a few lines that behave as the real ones do, with GPUs that are
//! lists in memory, so that every way in which a GPU can fail them is there.
//!
//! The names and the behaviour are those of the documentation of each: docs.pytorch.org/docs/stable/cuda.html,
//! docs.jax.dev, docs.cupy.dev, docs.rapids.ai. Both carriers, the extension and the plain script, must say the same.

mod arrays;
pub(crate) mod fakes;
mod isolated;

use crate::pythons::{ask, look, part};
use fakes::{JAX, TORCH};
use gpucheck::probe::frameworks::Ask;
use gpucheck_checks::fact::{
    Carrier, FrameworkDevice, Observed, Operation, Packages, PciAddress, ProbeFailure, Torch,
};
use std::{
    fs,
    process::Command,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// A framework of this name and these lines, with the metadata that tells of it.
fn with(framework: &str, lines: &str) -> (TempDir, Ask) {
    let folder = tempfile::tempdir().unwrap();
    add(&folder, framework, lines);
    let mut ask = ask(part("empty"));
    ask.environment.changes = vec![("PYTHONPATH".into(), Some(folder.path().into()))];
    ask.put_to_work = true;
    (ask.bare_deadline, ask.full_deadline) = (Duration::from_secs(20), Duration::from_secs(20));
    (folder, ask)
}

fn add(folder: &TempDir, framework: &str, lines: &str) {
    let package = folder.path().join(framework);
    fs::create_dir_all(&package).unwrap();
    fs::write(package.join("__init__.py"), lines).unwrap();
    let names: &[&str] = match framework {
        "torch" => {
            let version = "__version__ = '2.6.0+cu126'\ncuda = '12.6'\nhip = None\n";
            fs::write(package.join("version.py"), version).unwrap();
            &["torch-2.6.0+cu126"]
        }
        "jax" => &["jax-0.4.35", "jaxlib-0.4.34", "jax_cuda12_plugin-0.4.34"],
        "cupy" => &["cupy_cuda12x-13.3.0"],
        "cudf" => &["cudf_cu12-24.12.0"],
        _ => &[],
    };
    for name in names {
        fs::create_dir(folder.path().join(format!("{name}.dist-info"))).unwrap();
    }
}

/// What each carrier makes of it: the same, but for the log and the time.
fn packages(ask: &Ask) -> Packages {
    let by = |carrier| {
        let mut ask = ask.clone();
        ask.carriers = vec![carrier];
        let python = look(&ask);
        let Observed::Seen(packages) = python.packages else { panic!("{python:#?}") };
        packages
    };
    let (extension, plain) = (by(Carrier::Memory), by(Carrier::PlainPython));
    assert_eq!(comparable(extension.clone()), comparable(plain));
    extension
}

fn comparable(mut packages: Packages) -> Packages {
    let clear = |log: &mut String, elapsed_ms: &mut u64| (log.clear(), *elapsed_ms = 0);
    if let Some(torch) = &mut packages.torch {
        clear(&mut torch.log, &mut torch.elapsed_ms);
        forget_time(&mut torch.devices);
        forget_time(&mut torch.operations);
    }
    if let Some(jax) = &mut packages.jax {
        clear(&mut jax.log, &mut jax.elapsed_ms);
    }
    for library in [&mut packages.cupy, &mut packages.cudf].into_iter().flatten() {
        clear(&mut library.log, &mut library.elapsed_ms);
    }
    packages
}

/// How long was left until a deadline is another time in every run.
fn forget_time<T>(observed: &mut Observed<T>) {
    if let Observed::Failed(ProbeFailure::TimedOut { after_ms, .. })
    | Observed::Interrupted { by: ProbeFailure::TimedOut { after_ms, .. }, .. } = observed
    {
        *after_ms = 0;
    }
}

fn torch(ask: &Ask) -> Torch {
    packages(ask).torch.expect("a torch")
}

/// A PyTorch with these lines behind it, which change what it is.
fn torch_with(change: &str) -> Torch {
    let (_folder, ask) = with("torch", &format!("{TORCH}\n{change}\n"));
    torch(&ask)
}

fn device(name: &str, model: &str, pci: Option<&str>, capability: (i32, i32)) -> FrameworkDevice {
    FrameworkDevice {
        name: name.to_owned(),
        model: Some(model.to_owned()),
        pci: pci.map(PciAddress::new),
        compute_capability: Some(capability),
    }
}

fn operation(device: &str, name: &str, correct: Observed<bool>) -> Operation {
    Operation { device: device.to_owned(), name: name.to_owned(), correct }
}

fn right(device: &str, name: &str) -> Operation {
    operation(device, name, Observed::Seen(true))
}

/// Both operations of PyTorch, right on each of its two GPUs.
fn all_right() -> Vec<Operation> {
    let operations = ["matmul", "nn.functional.conv2d"];
    ["cuda:0", "cuda:1"].iter().flat_map(|gpu| operations.map(|name| right(gpu, name))).collect()
}

#[test]
fn torch_computes() {
    let torch = torch_with("");
    let first = device("cuda:0", "Tesla T4", Some("0001:00:00.0"), (7, 5));
    let second = device("cuda:1", "Tesla V100", Some("0002:00:00.0"), (7, 0));
    assert_eq!(torch.devices, Observed::Seen(vec![first, second]));
    assert_eq!(torch.operations, Observed::Seen(all_right()));
    // It has no libtorch_python.so that would tell without being run.
    assert_eq!(torch.architectures, Observed::Seen(vec!["sm_70".to_owned(), "sm_75".to_owned()]));
    assert!(torch.elapsed_ms > 0);
}

#[test]
fn a_torch_of_before_says_less() {
    // PyTorch 1.4: no list of architectures, no addresses.
    let torch = torch_with("del cuda.get_arch_list\nfor gpu in GPUS: del gpu.pci_bus_id");
    assert!(matches!(torch.architectures, Observed::Failed(_)), "{torch:#?}");
    assert_eq!(torch.devices.seen().unwrap()[0], device("cuda:0", "Tesla T4", None, (7, 5)));
    assert_eq!(torch.operations, Observed::Seen(all_right()));
}

#[test]
fn a_torch_that_sees_no_gpu_says_why() {
    let torch = torch_with(
        "def init(): raise RuntimeError('Found no NVIDIA driver on your system.')\n\
         cuda.init = init\ncuda.is_available = lambda: False\ncuda.get_arch_list = lambda: []",
    );
    assert_eq!(torch.architectures.seen(), None);
    let refused: ProbeFailure = ProbeFailure::Refused {
        step: "torch.cuda.init()".to_owned(),
        code: 0,
        name: "RuntimeError".to_owned(),
        message: "Found no NVIDIA driver on your system.".to_owned(),
    };
    assert_eq!(torch.devices, Observed::Failed(refused.clone()));
    assert_eq!(torch.operations, Observed::Failed(refused));
    // Nothing raised, and no GPU all the same.
    let torch = torch_with("cuda.is_available = lambda: False");
    assert_eq!((torch.devices, torch.operations), (Observed::Seen(vec![]), Observed::Seen(vec![])));
}

#[test]
fn a_torch_that_cannot_be_imported() {
    let (_folder, ask) = with(
        "torch",
        "raise ImportError('libcudnn.so.9: cannot open shared object file: No such file or directory')\n",
    );
    let torch = torch(&ask);
    let Some(ProbeFailure::Refused { step, name, message, .. }) = torch.operations.failure() else {
        panic!("{torch:#?}")
    };
    assert_eq!((step.as_str(), name.as_str()), ("import torch", "ImportError"));
    assert!(message.starts_with("libcudnn.so.9: cannot open"), "{message}");
    assert!(torch.log.contains("Traceback (most recent call last)"), "{}", torch.log);
}

#[test]
fn a_wrong_result_is_told_and_the_next_gpu_is_tried() {
    // One bit in one element of one GPU.
    let torch = torch_with("WRONG.add('cuda:0')");
    let expected = [
        operation("cuda:0", "matmul", Observed::Seen(false)),
        right("cuda:1", "matmul"),
        right("cuda:1", "nn.functional.conv2d"),
    ];
    assert_eq!(torch.operations, Observed::Seen(expected.to_vec()));
}

#[test]
fn a_wrong_convolution_is_told() {
    let torch = torch_with("nn.functional.conv2d = lambda image, filter: correlated(image, filter, 1)");
    let wrong = |gpu| operation(gpu, "nn.functional.conv2d", Observed::Seen(false));
    let expected = [right("cuda:0", "matmul"), wrong("cuda:0"), right("cuda:1", "matmul"), wrong("cuda:1")];
    assert_eq!(torch.operations, Observed::Seen(expected.to_vec()));
}

#[test]
fn a_convolution_is_rounded_and_a_product_is_not() {
    let nearly = "def nearly(tensor):\n    return Tensor(shaken(tensor.values), tensor.device)\n";
    let torch = torch_with(&format!(
        "{nearly}exact = nn.functional.conv2d\nnn.functional.conv2d = lambda *both: nearly(exact(*both))"
    ));
    assert_eq!(torch.operations, Observed::Seen(all_right()));
    let torch = torch_with(&format!("{nearly}exact = matmul\nmatmul = lambda *both: nearly(exact(*both))"));
    assert_eq!(torch.operations.seen().unwrap()[0], operation("cuda:0", "matmul", Observed::Seen(false)));
}

#[test]
fn an_exception_of_an_operation_is_an_answer() {
    let torch = torch_with(
        "def matmul(a, b): raise RuntimeError('CUDA error: no kernel image is available for execution on the device')",
    );
    let failed = |gpu: &str| {
        let message = "CUDA error: no kernel image is available for execution on the device";
        operation(
            gpu,
            "matmul",
            Observed::refused(&format!("torch.matmul on {gpu}"), 0, "RuntimeError", message),
        )
    };
    assert_eq!(torch.operations, Observed::Seen(vec![failed("cuda:0"), failed("cuda:1")]));
}

#[test]
fn a_result_from_the_cpu_is_no_proof() {
    let torch = torch_with("exact = matmul\nmatmul = lambda a, b: Tensor(exact(a, b).values, 'cpu')");
    let first = &torch.operations.seen().unwrap()[0];
    assert!(
        first.correct.why_not().ends_with("the result asked of cuda:0 came from cpu"),
        "{:?}",
        first.correct
    );
}

#[test]
fn a_crash_leaves_what_was_seen() {
    let torch = torch_with(
        "exact = matmul\ndef matmul(a, b):\n    import os\n    return os.abort() if a.device == 'cuda:1' else exact(a, b)",
    );
    assert_eq!(torch.devices.seen().unwrap().len(), 2);
    let step = "torch.matmul on cuda:1".to_owned();
    let by = ProbeFailure::Crashed { signal: 6, step };
    assert_eq!(torch.operations, Observed::Interrupted { seen: all_right()[..2].to_vec(), by });
}

#[test]
fn a_hang_ends_at_the_deadline() {
    let (_folder, mut ask) =
        with("torch", &format!("{TORCH}\nimport time\ncuda.is_available = lambda: time.sleep(600)\n"));
    ask.full_deadline = Duration::from_secs(2);
    let start = Instant::now();
    let torch = torch(&ask);
    assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    let Some(ProbeFailure::TimedOut { step, .. }) = torch.operations.failure() else { panic!("{torch:#?}") };
    assert_eq!(step, "torch.cuda.is_available()");
}

#[test]
fn rubbish_and_floods_on_the_standard_streams() {
    let flood = "import sys, os\n\
                 os.write(1, b'\\xff\\x00 {\"answer\": {\"asked\": {}}}\\n')\n\
                 for _ in range(10): sys.stderr.write('x' * (1 << 20))\n";
    let torch = torch_with(flood);
    assert_eq!(torch.operations, Observed::Seen(all_right()));
    assert!(torch.log.len() < 64 << 10, "{}", torch.log.len());
}

#[test]
fn rubbish_on_the_probe_s_own_pipe() {
    for rubbish in [
        "b'\\xff garbage\\n'",
        "b'{\"answer\": {\"asked\": {\"devices\": 1}}}\\n'",
        "b'{\"answer\": {\"not_loaded\": \"forged\"}}\\n'",
    ] {
        let (_folder, mut ask) = with("torch", &format!("import os\nos.write(60, {rubbish})\n{TORCH}"));
        ask.carriers = vec![Carrier::Memory];
        let Observed::Seen(packages) = look(&ask).packages else { panic!("{rubbish}") };
        let torch = packages.torch.unwrap();
        assert!(torch.operations.failure().is_some(), "{rubbish}: {torch:#?}");
        assert_eq!(torch.devices.seen(), None);
    }
}

#[test]
fn a_framework_that_counts_without_end() {
    let (_folder, ask) =
        with("torch", &format!("{TORCH}\ncuda.device_count = lambda: 10 ** 9\nGPUS = GPUS * 50\n"));
    let torch = torch(&ask);
    assert_eq!(torch.devices.seen().map(Vec::len), Some(64), "{:?}", torch.devices.failure());
}

#[test]
fn a_torch_without_cuda_is_not_started() {
    for (version, why) in [
        ("cuda = None\nhip = None\n", "it was not run, it was built without CUDA"),
        ("cuda = None\nhip = '6.2'\n", "it was not run, it was built for ROCm"),
    ] {
        let (folder, ask) = with("torch", "import os; os.abort()\n");
        fs::write(folder.path().join("torch/version.py"), version).unwrap();
        let torch = torch(&ask);
        assert_eq!(torch.operations, Observed::not_probed(why));
        assert_eq!(torch.elapsed_ms, 0);
    }
}

#[test]
fn nothing_is_started_unasked() {
    let (_folder, mut ask) = with("torch", "import os; os.abort()\n");
    ask.put_to_work = false;
    let torch = torch(&ask);
    assert_eq!(torch.operations, Observed::not_probed("its files were read, it was not run"));
    ask.full = true;
    let Observed::Seen(packages) = look(&ask).packages else { panic!("no packages") };
    assert!(matches!(packages.torch.unwrap().operations.failure(), Some(ProbeFailure::Crashed { .. })));
}

#[test]
fn without_exercise_gpus_are_listed_alone() {
    let (folder, mut ask) =
        with("torch", &format!("{TORCH}\ndef tensor(*_, **__):\n    import os; os.abort()"));
    add(&folder, "jax", &format!("{JAX}\ndef device_put(*_):\n    import os; os.abort()\n"));
    ask.exercise = false;
    let Packages { torch, jax, .. } = packages(&ask);
    let (torch, jax) = (torch.unwrap(), jax.unwrap());
    assert_eq!((torch.devices.seen().unwrap().len(), jax.devices.seen().unwrap().len()), (2, 2));
    for operations in [torch.operations, jax.operations] {
        assert_eq!(operations, Observed::not_probed("--no-exercise: nothing was computed"));
    }
}

#[test]
fn the_switches_of_the_command_line() {
    let (folder, _) = with("torch", TORCH);
    let operations = |switches: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_gpucheck"));
        command.args(["record", "--only", "frameworks"]).args(switches);
        command.env_remove("CONDA_PREFIX").env("VIRTUAL_ENV", part("empty"));
        let output = command.env("PYTHONPATH", folder.path()).output().unwrap();
        let facts: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        facts.pointer("/frameworks/seen/pythons/0/packages/seen/torch/operations").unwrap().clone()
    };
    let done = operations(&["--full"]);
    assert_eq!(done.pointer("/seen/3/correct/seen"), Some(&true.into()), "{done}");
    let idle = operations(&["--full", "--no-exercise"]);
    let why = "--no-exercise: nothing was computed";
    assert_eq!(idle.pointer("/not_probed/why"), Some(&why.into()), "{idle}");
}

#[test]
fn what_the_frameworks_are_told_by_their_environment() {
    let home = tempfile::tempdir().unwrap();
    let told = "import os\n\
                NAMES = 'XLA_PYTHON_CLIENT_PREALLOCATE CUPY_CACHE_IN_MEMORY CUPY_CACHE_DIR CUDA_MODULE_LOADING'\n\
                raise ImportError(' '.join(os.environ.get(name, '-') for name in NAMES.split()))\n";
    let (_folder, mut ask) = with("cupy", told);
    ask.environment.changes.push(("HOME".into(), Some(home.path().into())));
    ask.environment.changes.push(("CUDA_MODULE_LOADING".into(), None));
    let message = |ask: &Ask| packages(ask).cupy.unwrap().operations.why_not();
    assert_eq!(message(&ask), "import cupy: ImportError: false 1 /proc/self LAZY");
    // A cache that is there is used.
    fs::create_dir_all(home.path().join(".cupy/kernel_cache")).unwrap();
    ask.environment.changes.push(("CUDA_MODULE_LOADING".into(), Some("EAGER".into())));
    assert_eq!(message(&ask), "import cupy: ImportError: false - - EAGER");
}
