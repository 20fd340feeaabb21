//! conda installed the framework's build for CPUs.
//!
//! # Meaning
//! conda chooses between builds for CPUs and for GPUs by the driver that it sees while it installs. On an image builder
//! without a GPU it sees none, and the image has a TensorFlow, PyTorch or JAX that never uses the GPU. The packages of Anaconda's own
//! channel named `mkl` and `eigen` are for CPUs always.
//!
//! # Detection
//! The framework says that it was built without CUDA, and the build of its package in `conda-meta` begins with `cpu_`,
//! `mkl_` or `eigen_`.
//!
//! # Fix
//! Install the build for GPUs; tell conda on the builder which CUDA the machines will have.
//!
//! # Source
//! conda-forge/tensorflow-feedstock#222, saturncloud/images#375, conda-forge/conda-forge.github.io#2416

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Who,
    fact::{CondaPackage, Facts, Python},
    judge, tensorflow, wheels,
};

/// What the builds without GPU code begin with.
const FOR_CPUS: [&str; 3] = ["cpu_", "mkl_", "eigen_"];
/// CUDA to build for where no driver tells one: every driver of CUDA 12 takes it.
const CUDA: (i32, i32) = (12, 0);

pub(crate) static CAUSE: Cause = Cause {
    explains: &[
        "frameworks.jax_has_cuda_plugin",
        "frameworks.tensorflow_built_with_cuda",
        "frameworks.tensorflow_lists_gpu",
        "frameworks.torch_built_with_cuda",
    ],
    severity: Severity::Unusable,
    who: Who::ImageBaker,
    recognize,
};

fn recognize(facts: &Facts, _: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    let tensorflow = facts.pythons().filter_map(|python| for_cpus(facts, python));
    let failed = |id, names: &'static [&'static str]| {
        let failed = wheels::failed(facts, outcomes, id);
        failed.filter_map(move |(python, _)| told(facts, python, built_for_cpus(python, names)?))
    };
    let torch = failed("frameworks.torch_built_with_cuda", &["pytorch", "libtorch"]);
    let jax = failed("frameworks.jax_has_cuda_plugin", &["jaxlib"]);
    tensorflow.chain(torch).chain(jax).collect()
}

fn for_cpus(facts: &Facts, python: &Python) -> Option<Finding> {
    let found = python.tensorflow.seen()?.as_ref()?;
    if tensorflow::is_cuda_build(found)? {
        return None;
    }
    told(facts, python, built_for_cpus(python, &["tensorflow", "tensorflow-base"])?)
}

/// What is to be said of such a package, and how to get its other build.
fn told(facts: &Facts, python: &Python, package: &CondaPackage) -> Option<Finding> {
    let prefix = judge::quoted(facts.prefix_of(python)?);
    let CondaPackage { name, version, build, channel } = package;
    let framework = match name.as_str() {
        "tensorflow-base" => "tensorflow",
        "libtorch" => "pytorch",
        name => name,
    };
    let driver = facts.driver.seen().and_then(|driver| driver.version.seen());
    let (major, minor) = driver.map_or(CUDA, |version| (version / 1000, version % 1000 / 10));
    Some(
        Finding::fail(python.subject(), format!("conda's {name} {version} is the build {build}"))
            .because(channel.clone())
            .with("package", format!("{name} {version}"))
            .with("build", build.clone())
            .run(format!(
                "CONDA_OVERRIDE_CUDA={major}.{minor} conda install -y -p {prefix} -c conda-forge \"{framework}={version}=cuda*\""
            )),
    )
}

/// The first of these packages whose build is for CPUs.
fn built_for_cpus<'a>(python: &'a Python, names: &[&str]) -> Option<&'a CondaPackage> {
    let parts = tensorflow::parts(python)?;
    let mut packages = names.iter().filter_map(|name| parts.conda_package(name));
    packages.find(|package| FOR_CPUS.iter().any(|start| package.build.starts_with(start)))
}
