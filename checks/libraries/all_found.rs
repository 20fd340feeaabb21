//! The CUDA libraries that TensorFlow, JAX and CuPy want are found.
//!
//! # Meaning
//! These frameworks bring no CUDA of their own: they open cuBLAS, cuDNN and others by name, and what is found nowhere
//! leaves them without a GPU, or fails when it is first needed. PyTorch's are judged by `frameworks.torch_finds_libraries`.
//!
//! # Detection
//! What their libraries want (`DT_NEEDED`), and what they open by name, is gone through as the dynamic loader does, without
//! loading anything: `DT_RPATH`, `LD_LIBRARY_PATH`, `DT_RUNPATH`, `/etc/ld.so.cache`, the loader's own folders, NVIDIA's
//! wheels where the framework loads from there by itself. The version to open is read from TensorFlow's build information
//! and from JAX's plugin. A framework that lists or uses a GPU has found what it needs; of TensorFlow its own log counts
//! before our search.
//!
//! # Fix
//! Install the distribution that brings it, of the major version that is wanted.
//!
//! # Source
//! <https://man7.org/linux/man-pages/man8/ld.so.8.html>, <https://www.tensorflow.org/install/pip>,
//! <https://docs.jax.dev/en/latest/installation.html>, <https://docs.cupy.dev/en/stable/install.html>

use crate::{
    Check, Judged, Knowledge, Severity, Source, Who,
    cuda_libraries::{each, merged},
    fact::{Facts, Framework},
    libraries_missing::judge_framework,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks, Source::Pci],
    needs: &["pci.gpu_present"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    // Where there is no GPU nobody misses them.
    if facts.gpu_addresses().is_empty() {
        return Vec::new();
    }
    each(facts, |python, libraries| {
        let others = libraries.frameworks.iter().filter(|of| of.framework != Framework::Torch);
        merged(others.filter_map(|of| judge_framework(python, of)).collect())
    })
}
