//! The whole program on a simulated T4, with environments whose PyTorch is linked with stand-ins for CUDA's libraries.

use super::compile;
use crate::{home::Home, kernels_on_gpus};
use gpucheck_checks::{MachineVerdict, Report, Root, Subject};
use std::path::PathBuf;

/// How PyTorch words what `cublasCreate` returns.
const REFUSED: &str = "def matmul(a, b): raise RuntimeError('CUDA error: CUBLAS_STATUS_NOT_INITIALIZED when \
                       calling `cublasCreate(handle)`')";

/// An environment whose PyTorch takes a cuBLAS with these macros from NVIDIA's wheel.
fn environment(home: &Home, name: &str, defines: &[&str], lines: &str) -> String {
    let python = kernels_on_gpus::torch(home, name, Some("12.6"), lines);
    let site = home.site(name);
    let library = site.join("nvidia/cublas/lib/libcublas.so.12");
    compile("libcublas.c", &library, defines, &[]);
    home.distribution(name, "nvidia_cublas_cu12-12.5.3.2");
    let paths = ["-Wl,-rpath,$ORIGIN/../../nvidia/cublas/lib", "-Wl,--no-as-needed"];
    let linked = [paths[0], paths[1], library.to_str().unwrap()];
    compile("libtorch_cuda.c", &site.join("torch/lib/libtorch_cuda.so"), &[], &linked);
    python
}

fn root_of<'a>(report: &'a Report, python: &str) -> Vec<&'a Root> {
    let subject = Subject::Python(python.to_owned());
    report.roots.iter().filter(|root| root.subject == subject).collect()
}

#[test]
fn a_torch_whose_cublas_refuses_is_laid_to_that_library() {
    let home = Home::new();
    let good = environment(&home, "good", &[], "");
    let broken = environment(&home, "broken", &["CREATE_CODE=1"], REFUSED);
    home.kernel("good", &[&good], "");
    home.kernel("broken", &[&broken], "");
    let report = kernels_on_gpus::report(&home, &[]);
    assert_eq!(report.verdict, MachineVerdict::Degraded, "{report:#?}");
    let [root] = root_of(&report, &broken).try_into().unwrap_or_else(|_| panic!("{:#?}", report.roots));
    assert_eq!(
        (root.id.as_str(), root.cause.as_deref()),
        ("libraries.cublas_works", Some("cuda-library-broken"))
    );
    assert_eq!(root.explains, ["frameworks.torch_computes"]);
    let command = format!("{broken} -m pip install --force-reinstall --no-deps nvidia-cublas-cu12==12.5.3.2");
    assert_eq!(root.fix.commands, [command]);
    assert_eq!(root_of(&report, &good).len(), 0, "{:#?}", report.roots);
}

#[test]
fn a_stub_that_only_a_kernel_finds_is_named() {
    let home = Home::new();
    let cannot = "def cannot(): raise RuntimeError('CUDA driver is a stub library')\n\
                  import os\n\
                  if 'stubs' in os.environ.get('LD_LIBRARY_PATH', ''):\n    \
                  cuda.init = cannot\n    cuda.is_available = lambda: False\n    GPUS.clear()\n";
    let python = environment(&home, "class", &[], cannot);
    let stubs: PathBuf = home.path().join("cuda/lib64/stubs");
    compile("libtorch_cuda.c", &stubs.join("libcuda.so.1"), &[], &[]);
    home.kernel("good", &[&python], "");
    let env = format!(r#", "env": {{"LD_LIBRARY_PATH": "{}"}}"#, stubs.display());
    home.kernel("stub", &[&python], &env);
    let report = kernels_on_gpus::report(&home, &[]);
    assert_eq!(report.verdict, MachineVerdict::Degraded, "{report:#?}");
    let [root] = report.roots.as_slice() else { panic!("{:#?}", report.roots) };
    assert_eq!((root.id.as_str(), root.cause.as_deref()), ("libraries.real_libcuda", Some("stub-libcuda")));
    assert_eq!(root.subject, Subject::Python(format!("{python} (kernel stub)")));
    assert!(root.explains.contains(&"frameworks.torch_computes".to_owned()), "{root:#?}");
}

#[test]
fn two_kernels_with_the_same_library_share_one_trial() {
    let home = Home::new();
    let log = home.path().join("handles");
    let log_to = format!("LOG=\"{}\"", log.display());
    // Words that do not speak of memory, for which all frameworks would be asked a second time.
    let refused = REFUSED.replace("NOT_INITIALIZED", "INTERNAL_ERROR");
    let python = environment(&home, "class", &["CREATE_CODE=14", &log_to], &refused);
    home.kernel("one", &[&python], "");
    home.kernel("two", &[&python], r#", "env": {"TF_CPP_MIN_LOG_LEVEL": "2"}"#);
    let report = kernels_on_gpus::report(&home, &[]);
    let of_library = report.outcomes.iter().filter(|outcome| outcome.id == "libraries.cublas_works");
    assert_eq!(of_library.count(), 2, "{:#?}", report.outcomes);
    assert_eq!(std::fs::read_to_string(log).unwrap(), "handle\n");
}
