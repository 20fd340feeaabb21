//! What follows from environments, kernels and variables.

use super::{Rule, What};

pub(super) const RULES: &[Rule] = &[
    Rule {
        what: &[What::Environment],
        named: &[],
        in_environment: None,
        explains: &[
            "frameworks.python_starts",
            "notebooks.interpreter_exists",
            "kernelspec-wrong-env",
            "tf-python-unsupported",
        ],
        perhaps: &["notebooks.*", "frameworks.*"],
    },
    Rule {
        what: &[What::Kernelspec],
        named: &[],
        in_environment: None,
        explains: &["kernelspec-wrong-env", "cvd-hides-gpu", "jupyter-env-not-inherited", "notebooks.*"],
        perhaps: &[
            "ldpath-overrides-wheel-libs",
            "libraries.*",
            "frameworks.*_computes",
            "frameworks.python_starts",
        ],
    },
    Rule {
        what: &[What::Variable],
        named: &["CUDA_VISIBLE_DEVICES"],
        in_environment: None,
        explains: &["cvd-hides-gpu"],
        perhaps: &["driver.sees_gpu", "notebooks.gpu_visible"],
    },
    Rule {
        what: &[What::Variable],
        named: &["LD_LIBRARY_PATH", "LD_PRELOAD"],
        in_environment: None,
        explains: &[
            "ldpath-overrides-wheel-libs",
            "stub-libcuda",
            "compat-lib-unsupported-hw",
            "frameworks.torch_loads_own_libraries",
            "libraries.real_libcuda",
        ],
        perhaps: &[
            "libcuda-kernel-mismatch",
            "wsl2-libcuda",
            "tf-cuda-libs-missing",
            "tf-216-wheel-libs-not-found",
            "jupyter-env-not-inherited",
            "cuda-library-missing",
            "cudnn-too-old",
            "libraries.*",
            "frameworks.*_computes",
            "driver.loads",
            "driver.initializes",
        ],
    },
    Rule {
        what: &[What::Variable],
        named: &["PYTHONPATH", "PYTHONHOME", "PYTHONUSERBASE", "PYTHONNOUSERSITE"],
        in_environment: None,
        explains: &["frameworks.own_packages"],
        perhaps: &["frameworks.*", "tf-import-protobuf-numpy"],
    },
    Rule {
        what: &[What::Variable],
        named: &["XLA_*"],
        in_environment: None,
        explains: &["xla-libdevice-ptxas-missing"],
        perhaps: &["frameworks.tensorflow_computes", "frameworks.jax_computes"],
    },
    Rule {
        what: &[What::Variable],
        named: &["CUDA_CACHE_*"],
        in_environment: None,
        explains: &["ptx-jit-first-launch", "performance.keeps_compiled_code"],
        perhaps: &[],
    },
    Rule {
        what: &[What::Variable],
        named: &["NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"],
        in_environment: None,
        explains: &["container-gpu-not-injected"],
        perhaps: &["driver.loads", "nvml.loads"],
    },
    Rule {
        what: &[What::Variable],
        named: &["JAX_*"],
        in_environment: None,
        explains: &[],
        perhaps: &["frameworks.jax_computes"],
    },
    Rule {
        what: &[What::Variable],
        named: &["CUDA_*", "TF_*", "PYTORCH_*", "TORCH_*"],
        in_environment: None,
        explains: &[],
        perhaps: &[
            "frameworks.tensorflow_computes",
            "frameworks.torch_computes",
            "performance.starts_quickly",
        ],
    },
];
