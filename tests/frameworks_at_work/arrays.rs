//! JAX, CuPy and cuDF, and what one framework does to another.

use super::{
    add, device,
    fakes::{CUDF, CUPY, JAX},
    operation, packages, right, with,
};
use gpucheck_checks::fact::{Observed, Packages, ProbeFailure};
use std::fs;

#[test]
fn a_crash_of_one_takes_nothing_from_the_others() {
    let (folder, ask) = with("torch", "import os; os.abort()\n");
    add(&folder, "cupy", CUPY);
    add(&folder, "cudf", CUDF);
    let Packages { torch, cupy, cudf, .. } = packages(&ask);
    let by = ProbeFailure::Crashed { signal: 6, step: "import torch".to_owned() };
    assert_eq!(torch.unwrap().operations, Observed::Failed(by));
    let names = ["matmul", "ElementwiseKernel"];
    let expected: Vec<_> =
        ["cuda:0", "cuda:1"].iter().flat_map(|gpu| names.map(|name| right(gpu, name))).collect();
    let cupy = cupy.unwrap();
    assert_eq!(cupy.operations, Observed::Seen(expected));
    let second = device("cuda:1", "Tesla V100", Some("0002:00:00.0"), (7, 0));
    assert_eq!(cupy.devices.seen().unwrap()[1], second);
    assert_eq!(cudf.unwrap().operations, Observed::Seen(vec![right("cuda:0", "Series.sum")]));
}

#[test]
fn cupy_that_cannot_compile_and_cudf_that_adds_wrong() {
    let no_nvrtc = "def ElementwiseKernel(*code): raise RuntimeError('CuPy failed to load libnvrtc.so.12')\n";
    let (folder, ask) = with("cupy", &format!("{CUPY}\n{no_nvrtc}"));
    add(&folder, "cudf", &format!("{CUDF}\nSeries.sum = lambda self: sum(self.values) + 1\n"));
    let Packages { cupy, cudf, .. } = packages(&ask);
    let message = "CuPy failed to load libnvrtc.so.12";
    let failed = Observed::refused("cupy.ElementwiseKernel on cuda:0", 0, "RuntimeError", message);
    assert_eq!(cupy.unwrap().operations.seen().unwrap()[1], operation("cuda:0", "ElementwiseKernel", failed));
    let wrong = operation("cuda:0", "Series.sum", Observed::Seen(false));
    assert_eq!(cudf.unwrap().operations, Observed::Seen(vec![wrong]));
}

#[test]
fn cupy_for_amd_is_not_started() {
    let (folder, ask) = with("cupy", "import os; os.abort()\n");
    let metadata = folder.path().join("cupy_cuda12x-13.3.0.dist-info");
    fs::rename(metadata, folder.path().join("cupy_rocm_5_0-13.3.0.dist-info")).unwrap();
    let cupy = packages(&ask).cupy.unwrap();
    let why = "it was not run, cupy-rocm-5-0 13.3.0 is for AMD's GPUs";
    assert_eq!(cupy.operations, Observed::not_probed(why));
}

#[test]
fn cupy_that_would_leave_files_is_not_started() {
    let (folder, ask) = with("cupy", "import os; os.abort()\n");
    let metadata = folder.path().join("cupy_cuda12x-13.3.0.dist-info");
    fs::rename(metadata, folder.path().join("cupy_cuda101-7.8.0.dist-info")).unwrap();
    let cupy = packages(&ask).cupy.unwrap();
    let why = "it was not run, a CuPy before 8 leaves what it compiles in the home";
    assert_eq!(cupy.operations, Observed::not_probed(why));
}

#[test]
fn jax_computes_by_every_name_of_its_places() {
    // `devices()` since 0.4.8, `device()` before, `device_buffer` before that.
    for places in [
        "Array.devices = lambda self: {self.place}",
        "Array.device = lambda self: self.place",
        "Array.device_buffer = property(lambda self: Buffer(self.place))",
    ] {
        let (_folder, ask) = with("jax", &format!("{JAX}\n{places}\n"));
        let jax = packages(&ask).jax.unwrap();
        let expected = [right("gpu:0", "numpy.matmul"), right("gpu:1", "numpy.matmul")];
        assert_eq!(jax.operations, Observed::Seen(expected.to_vec()), "{places}");
        assert_eq!(jax.devices.seen().unwrap()[0], device("gpu:0", "Tesla T4", None, (7, 5)));
    }
}

#[test]
fn jax_that_puts_the_cpu_before_its_gpus() {
    // docs.jax.dev/en/latest/config_options.html: the first of `jax_platforms` is where everything runs by default.
    let cpu = "CPU = Device(0, 'cpu', None)\nCPU.platform = 'cpu'\n\
               def devices(kind=None): return GPUS if kind else [CPU]\n";
    let (_folder, mut ask) = with("jax", &format!("{JAX}\n{cpu}config = Fields(jax_platforms='cpu,cuda')\n"));
    for (variables, message) in [
        (vec![("JAX_PLATFORM_NAME", "cpu")], "JAX_PLATFORM_NAME=cpu"),
        (vec![("JAX_PLATFORMS", "cpu,cuda"), ("JAX_PLATFORM_NAME", "")], "JAX_PLATFORMS=cpu,cuda"),
        (vec![], "jax_platforms=cpu,cuda"),
    ] {
        for name in ["JAX_PLATFORMS", "JAX_PLATFORM_NAME"] {
            let value = variables.iter().find(|(of, _)| *of == name).map(|(_, value)| (*value).into());
            ask.environment.changes.push((name.into(), value));
        }
        let jax = packages(&ask).jax.unwrap();
        let refused = ProbeFailure::Refused {
            step: "jax.devices()".to_owned(),
            code: 0,
            name: "DefaultIsCpu".to_owned(),
            message: message.to_owned(),
        };
        assert_eq!(jax.operations, Observed::Failed(refused.clone()));
        assert_eq!(jax.devices, Observed::Failed(refused));
    }
}

#[test]
fn jax_without_a_gpu_says_why() {
    let unknown = "def devices(kind=None):\n    if kind: raise RuntimeError(\"Unknown backend: 'gpu' requested\")\n    return []\n";
    let (_folder, ask) = with("jax", &format!("{JAX}\n{unknown}"));
    let jax = packages(&ask).jax.unwrap();
    let refused =
        Observed::refused("jax.devices('gpu')", 0, "RuntimeError", "Unknown backend: 'gpu' requested");
    assert_eq!(jax.devices, refused);
}

#[test]
fn jax_without_a_part_for_cuda_is_not_started() {
    let (folder, ask) = with("jax", "import os; os.abort()\n");
    fs::remove_dir(folder.path().join("jax_cuda12_plugin-0.4.34.dist-info")).unwrap();
    let jax = packages(&ask).jax.unwrap();
    assert_eq!(jax.operations, Observed::not_probed("it was not run, it has no part for CUDA"));
}
