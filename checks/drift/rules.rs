//! What can follow from which change: the physics of it, a row each.
//!
//! A row names changes (a kind, and of packages, variables and settings which ones) and what follows: causes and checks by
//! their ids, `*` at the end for all that begin so. What is under `perhaps` may have to do with it. Whether it is about the
//! same place is judged in `explain.rs`.

use super::{Change, What};

/// A row.
#[derive(Debug)]
pub(super) struct Rule {
    what: &'static [What],
    /// Names, `*` at their end for all that begin so; empty for all.
    named: &'static [&'static str],
    /// In an environment, or on the whole machine; none for either.
    in_environment: Option<bool>,
    pub(super) explains: &'static [&'static str],
    pub(super) perhaps: &'static [&'static str],
}

/// The rows that are about a change.
pub(super) fn about(change: &Change) -> impl Iterator<Item = &'static Rule> {
    let (what, subject, is_inside) = (change.what, change.subject.clone(), change.place.is_some());
    RULES.iter().filter(move |rule| {
        rule.what.contains(&what)
            && rule.in_environment.is_none_or(|inside| inside == is_inside)
            && (rule.named.is_empty() || is_one_of(rule.named, &subject))
    })
}

/// Whether a name is one of these, or begins like one with a `*`.
pub(super) fn is_one_of(names: &[&str], name: &str) -> bool {
    names.iter().any(|known| match known.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => *known == name,
    })
}

/// The ids that rows name, for the test that they exist.
#[cfg(test)]
pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    RULES.iter().flat_map(|rule| rule.explains.iter().chain(rule.perhaps)).copied()
}

const RULES: &[Rule] = &[
    Rule {
        what: &[What::Linux],
        named: &[],
        in_environment: None,
        explains: &[
            "module-missing-new-kernel",
            "module.built_for_running_kernel",
            "kernel-headers-missing",
            "dkms-build-failed-compiler",
            "driver-too-old-for-kernel",
        ],
        perhaps: &[
            "module.*",
            "secure-boot-unsigned-module",
            "nouveau-bound",
            "uvm-missing",
            "gsp-init-failed",
        ],
    },
    Rule {
        what: &[What::Driver, What::DriverLibraries],
        named: &[],
        in_environment: None,
        explains: &[
            "driver-library-mismatch",
            "driver-branch-dropped-gpu",
            "driver-too-old-for-runtime",
            "driver-not-installed",
            "nvml-library-missing",
            "ptx-newer-than-driver",
            "open-module-on-pre-turing",
            "proprietary-module-on-blackwell",
            "vgpu-guest-host-branch-mismatch",
            "frameworks.driver_runs_*",
            "module.supports_gpu",
            "driver.loads",
            "nvml.loads",
        ],
        perhaps: &[
            "module.*",
            "nvml.*",
            "driver.*",
            "compute.*",
            "uvm-missing",
            "gsp-init-failed",
            "fabric-manager-down",
            "libcuda-kernel-mismatch",
            "azure-grid-driver-on-compute-size",
            "azure-a10-needs-grid-driver",
            "vgpu-unlicensed",
        ],
    },
    Rule {
        what: &[What::Package],
        named: &["nvidia-*", "libnvidia-*", "libcuda1*", "cuda-drivers*", "xserver-xorg-video-nvidia*"],
        in_environment: Some(false),
        explains: &[
            "driver-library-mismatch",
            "driver-not-installed",
            "nvml-library-missing",
            "reboot-pending-after-driver-install",
            "driver-branch-dropped-gpu",
            "open-module-on-pre-turing",
            "proprietary-module-on-blackwell",
            "driver.loads",
            "nvml.loads",
        ],
        perhaps: &[
            "module.*",
            "module-missing-new-kernel",
            "fabric-manager-down",
            "persistence-mode-off",
            "nouveau-bound",
        ],
    },
    Rule {
        what: &[What::Package],
        named: &["nvidia-fabricmanager*"],
        in_environment: Some(false),
        explains: &["fabric-manager-down"],
        perhaps: &[],
    },
    Rule {
        what: &[What::Package],
        named: &["cuda-compat*"],
        in_environment: Some(false),
        explains: &["compat-lib-unsupported-hw", "libcuda-kernel-mismatch"],
        perhaps: &["driver.initializes"],
    },
    Rule {
        what: &[What::Package],
        named: &[
            "linux-image*",
            "linux-modules*",
            "linux-azure*",
            "linux-aws*",
            "linux-gcp*",
            "linux-generic*",
        ],
        in_environment: Some(false),
        explains: &["module-missing-new-kernel", "module.built_for_running_kernel"],
        perhaps: &[
            "module.*",
            "kernel-headers-missing",
            "dkms-build-failed-compiler",
            "secure-boot-unsigned-module",
        ],
    },
    Rule {
        what: &[What::Package],
        named: &["linux-headers*", "dkms"],
        in_environment: Some(false),
        explains: &["kernel-headers-missing", "dkms-build-failed-compiler"],
        perhaps: &["module-missing-new-kernel", "module.built_for_running_kernel"],
    },
    Rule {
        what: &[What::Gpu],
        named: &[],
        in_environment: None,
        explains: &[
            "torch-arch-mismatch",
            "tf-cc-too-old",
            "tf-cc-too-new",
            "driver-branch-dropped-gpu",
            "open-module-on-pre-turing",
            "proprietary-module-on-blackwell",
            "azure-nvv4-amd-gpu",
            "azure-a10-needs-grid-driver",
            "azure-grid-driver-on-compute-size",
            "module.supports_gpu",
            "frameworks.jax_supports_gpu",
            "frameworks.*_has_code_for_gpu",
        ],
        perhaps: &["ptx-jit-first-launch", "performance.*", "module.drives_gpu", "fabric-manager-down"],
    },
    Rule {
        what: &[What::Size],
        named: &[],
        in_environment: None,
        explains: &[
            "azure-size-without-gpu",
            "azure-nvv4-amd-gpu",
            "azure-a10-needs-grid-driver",
            "azure-grid-driver-on-compute-size",
            "pci.gpu_present",
        ],
        perhaps: &[
            "pci-device-missing",
            "performance.*",
            "torch-arch-mismatch",
            "tf-cc-too-old",
            "tf-cc-too-new",
        ],
    },
    Rule {
        what: &[What::Setting],
        named: &["Secure Boot"],
        in_environment: None,
        explains: &["secure-boot-unsigned-module"],
        perhaps: &["module.loaded"],
    },
    Rule {
        what: &[What::Setting],
        named: &["persistence mode*"],
        in_environment: None,
        explains: &["persistence-mode-off"],
        perhaps: &["performance.starts_quickly"],
    },
    Rule {
        what: &[What::Setting],
        named: &["compute mode*"],
        in_environment: None,
        explains: &["compute-mode-blocks"],
        perhaps: &["driver.opens_context"],
    },
    Rule {
        what: &[What::Setting],
        named: &["MIG mode*"],
        in_environment: None,
        explains: &["mig-no-instance", "nvml.has_mig_instances"],
        perhaps: &["driver.sees_gpu"],
    },
    Rule {
        what: &[What::Setting],
        named: &["power limit*"],
        in_environment: None,
        explains: &["clocks-or-power-locked-low", "performance.power_limit_default"],
        perhaps: &["performance.computes_at_speed"],
    },
    Rule {
        what: &[What::Setting],
        named: &["permissions of /dev/nvidia*"],
        in_environment: None,
        explains: &["devnode-permission", "module.nodes_accessible"],
        perhaps: &[],
    },
    Rule {
        what: &[What::Setting],
        named: &["/etc/modprobe.d/*", "/lib/modprobe.d/*", "/usr/lib/modprobe.d/*"],
        in_environment: None,
        explains: &["module.loaded"],
        perhaps: &["nouveau-bound", "module.*", "devnode-permission"],
    },
    Rule {
        what: &[What::Package],
        named: &["torch", "pytorch", "pytorch-cuda", "pytorch-mutex", "cpuonly", "libtorch*"],
        in_environment: Some(true),
        explains: &[
            "torch-cpu-wheel",
            "conda-cpu-variant-baked",
            "torch-arch-mismatch",
            "driver-too-old-for-runtime",
            "frameworks.torch_*",
            "frameworks.driver_runs_torch",
        ],
        perhaps: &["cuda-library-missing", "cudnn-too-old", "ldpath-overrides-wheel-libs", "libraries.*"],
    },
    Rule {
        what: &[What::Package],
        named: &[
            "tensorflow",
            "tensorflow-*",
            "tf-nightly*",
            "intel-tensorflow*",
            "nvidia-tensorflow",
            "libtensorflow*",
        ],
        in_environment: Some(true),
        explains: &[
            "tf-*",
            "conda-cpu-variant-baked",
            "cpu-lacks-avx",
            "cudnn-too-old",
            "driver-too-old-for-runtime",
            "frameworks.tensorflow_*",
            "frameworks.one_tensorflow",
            "frameworks.driver_runs_tensorflow",
        ],
        perhaps: &["cuda-library-missing", "xla-libdevice-ptxas-missing", "libraries.*"],
    },
    Rule {
        what: &[What::Package],
        named: &["jax", "jaxlib", "jax-*"],
        in_environment: Some(true),
        explains: &[
            "jax-no-cuda-plugin",
            "conda-cpu-variant-baked",
            "driver-too-old-for-runtime",
            "frameworks.jax_*",
            "frameworks.driver_runs_jax",
        ],
        perhaps: &["cuda-library-missing", "libraries.*"],
    },
    Rule {
        what: &[What::Package],
        named: &["cupy*", "cudf*"],
        in_environment: Some(true),
        explains: &["frameworks.cupy_computes", "frameworks.cudf_computes"],
        perhaps: &["cuda-library-missing", "driver-too-old-for-runtime", "libraries.*"],
    },
    Rule {
        what: &[What::Package],
        named: &["nvidia-cudnn*", "cudnn", "libcudnn*"],
        in_environment: Some(true),
        explains: &["cudnn-too-old", "frameworks.cudnn_fits_all", "frameworks.tensorflow_fits_cudnn"],
        perhaps: &["cuda-library-missing", "cuda-library-broken", "libraries.*", "frameworks.*_computes"],
    },
    Rule {
        what: &[What::Package],
        named: &["nvidia-*", "cuda-*", "cudatoolkit", "libcu*", "libnv*", "nccl"],
        in_environment: Some(true),
        explains: &[
            "cuda-library-missing",
            "tf-cuda-libs-missing",
            "tf-extra-missing",
            "xla-libdevice-ptxas-missing",
            "frameworks.torch_finds_libraries",
            "libraries.all_found",
            "libraries.one_of_each",
        ],
        perhaps: &[
            "cuda-library-broken",
            "libraries.*",
            "frameworks.*_computes",
            "frameworks.tensorflow_lists_gpu",
        ],
    },
    Rule {
        what: &[What::Package],
        named: &["numpy", "protobuf", "ml-dtypes", "keras", "typing-extensions", "h5py"],
        in_environment: Some(true),
        explains: &["tf-import-protobuf-numpy", "frameworks.own_packages"],
        perhaps: &["frameworks.tensorflow_imports", "frameworks.*_computes"],
    },
    Rule {
        what: &[What::Package],
        named: &["triton", "cuda-python", "opt-einsum"],
        in_environment: Some(true),
        explains: &[],
        perhaps: &["frameworks.torch_computes", "frameworks.jax_computes"],
    },
    Rule {
        what: &[What::Package],
        named: &["ipykernel"],
        in_environment: Some(true),
        explains: &["notebooks.has_ipykernel"],
        perhaps: &[],
    },
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
