//! PyTorch, JAX, CuPy and cuDF in an environment, told by the names and the short texts of its files.
//!
//! Invariants: nothing is imported or started; a folder of packages costs one listing, PyTorch one section of one of its
//! libraries.

use super::{
    assignment::{Value, value_of},
    brought, build_info,
    distributions::{Installed, of_name},
    metadata::on_linux,
};
use crate::root::Root;
use gpucheck_checks::fact::{
    ArrayLibrary, Distribution, ExtraRequirement, Jax, Observed, Packages, ProbeFailure, Torch, TorchBuild,
};
/// Longest `sys.path` that is walked; an honest one has about ten entries.
const LONGEST_PATH: usize = 256;
/// Most requirements that are told; PyTorch 2.9 has 15 of NVIDIA's.
const MOST_REQUIREMENTS: usize = 64;
/// Why no operation was tried.
const UNTRIED: &str = "its files were read, it was not run";

/// What is on a `sys.path`; `prefix` is the environment's folder, where conda keeps what it installed.
pub(crate) fn on(root: &Root, sys_path: &[String], prefix: Option<&str>) -> Packages {
    among(root, sys_path, &Installed::on(root, sys_path), prefix)
}

/// The same, where it is known what is installed there.
pub(super) fn among(
    root: &Root,
    sys_path: &[String],
    installed: &Installed,
    prefix: Option<&str>,
) -> Packages {
    let folders: Vec<&str> = sys_path
        .iter()
        .map(String::as_str)
        .filter(|folder| folder.starts_with('/'))
        .take(LONGEST_PATH)
        .collect();
    let conda = prefix.map(|prefix| root.names(&format!("{prefix}/conda-meta"))).unwrap_or_default();
    Packages {
        torch: torch(root, &folders, installed, &conda),
        jax: jax(root, installed, &conda),
        cupy: library(installed, &conda, "cupy", is_cupy),
        cudf: library(installed, &conda, "cudf", is_cudf),
        ipykernel: installed.version("ipykernel").map(str::to_owned),
    }
}

fn torch(root: &Root, folders: &[&str], installed: &Installed, conda: &[String]) -> Option<Torch> {
    // Python takes the first folder that has a package of this name.
    let is_package = |package: &String| root.exists(&format!("{package}/__init__.py"));
    let package = folders.iter().map(|folder| format!("{folder}/torch")).find(is_package)?;
    let names = ["pytorch", "pytorch-gpu", "libtorch"];
    Some(Torch {
        distribution: installed.version("torch").map(str::to_owned),
        conda_build: names.iter().find_map(|name| conda_build(conda, name)),
        build: torch_build(root, &package),
        architectures: super::architectures::of(root, &format!("{package}/lib/libtorch_python.so")),
        devices: Observed::not_probed(UNTRIED),
        requirements: requirements(root, &package, installed),
        libraries: Observed::not_probed("it was not asked what its loader finds"),
        operations: Observed::not_probed(UNTRIED),
        log: String::new(),
        elapsed_ms: 0,
        package,
    })
}

/// What the distribution beside this package asks for of NVIDIA's.
fn requirements(root: &Root, package: &str, installed: &Installed) -> Vec<ExtraRequirement> {
    let folder = package.rsplit_once('/').map_or("/", |(folder, _)| folder);
    let is_its = |entry: &String| {
        entry.ends_with(".dist-info") && of_name(entry).is_some_and(|(name, _)| name == "torch")
    };
    let metadata = root.names(folder).into_iter().find(is_its);
    let metadata = metadata.and_then(|entry| root.text_of(&format!("{folder}/{entry}/METADATA")));
    let wanted = on_linux(metadata.as_deref().unwrap_or_default());
    let wanted = wanted.into_iter().filter(|wanted| wanted.name.starts_with("nvidia-"));
    wanted
        .take(MOST_REQUIREMENTS)
        .map(|wanted| ExtraRequirement {
            versions: wanted.versions(),
            installed: installed.version(&wanted.name).map(str::to_owned),
            name: wanted.name,
        })
        .collect()
}

/// TensorFlow in folders of packages, and whether it was built with CUDA.
pub(crate) fn tensorflow_in(root: &Root, folders: &[String]) -> (Option<Distribution>, Option<bool>) {
    let found = Installed::on(root, folders).tensorflows().into_iter().next();
    let file = "tensorflow/python/platform/build_info.py";
    let text = folders.iter().find_map(|folder| root.text_of(&format!("{folder}/{file}")));
    (found, text.and_then(|text| build_info::parse(&text)?.is_cuda_build))
}

/// `torch/version.py`: assignments of a string or `None`, in newer versions with their type.
fn torch_build(root: &Root, package: &str) -> Observed<TorchBuild> {
    let step = "read torch/version.py";
    let text = match root.text(&format!("{package}/version.py")) {
        Ok(text) => text,
        Err(error) => return Observed::refused(step, 0, "unreadable", error.to_string()),
    };
    match value_of(&text, "cuda") {
        Some(cuda) => Observed::Seen(TorchBuild {
            version: value_of(&text, "__version__").and_then(Value::text),
            cuda: cuda.text(),
            hip: value_of(&text, "hip").and_then(Value::text),
        }),
        None => Observed::Failed(ProbeFailure::Garbled {
            step: step.to_owned(),
            message: "it does not say which CUDA".to_owned(),
        }),
    }
}

fn jax(root: &Root, installed: &Installed, conda: &[String]) -> Option<Jax> {
    let is_jax = |name: &str| name == "jax" || name == "jaxlib" || name.starts_with("jax-");
    let found: Vec<Distribution> =
        installed.starting_with("jax").into_iter().filter(|found| is_jax(&found.name)).collect();
    // jaxlib alone is of use to nobody, and jax without jaxlib is no JAX either; both are told apart later.
    let is_there = found.iter().any(|found| found.name == "jax" || found.name == "jaxlib");
    is_there.then(|| Jax {
        brought_by: brought::by(root, installed),
        distributions: found,
        conda_build: conda_build(conda, "jaxlib"),
        devices: Observed::not_probed(UNTRIED),
        operations: Observed::not_probed(UNTRIED),
        log: String::new(),
        elapsed_ms: 0,
    })
}

/// One of CuPy's distributions, each for one CUDA or ROCm.
fn is_cupy(name: &str) -> bool {
    name == "cupy" || name.starts_with("cupy-cuda") || name.starts_with("cupy-rocm")
}

/// One of cuDF's distributions, such as `cudf-cu12`.
fn is_cudf(name: &str) -> bool {
    name == "cudf" || name.strip_prefix("cudf-cu").is_some_and(|cuda| cuda.parse::<u32>().is_ok())
}

fn library(
    installed: &Installed,
    conda: &[String],
    conda_name: &str,
    is_its: fn(&str) -> bool,
) -> Option<ArrayLibrary> {
    let found = installed.starting_with(conda_name);
    let found: Vec<Distribution> = found.into_iter().filter(|found| is_its(&found.name)).collect();
    (!found.is_empty()).then(|| ArrayLibrary {
        distributions: found,
        conda_build: conda_build(conda, conda_name),
        devices: Observed::not_probed(UNTRIED),
        operations: Observed::not_probed(UNTRIED),
        log: String::new(),
        elapsed_ms: 0,
    })
}

/// The build string in `conda-meta/NAME-VERSION-BUILD.json`.
fn conda_build(conda: &[String], name: &str) -> Option<String> {
    conda.iter().find_map(|file| {
        let rest = file.strip_prefix(name)?.strip_prefix('-')?.strip_suffix(".json")?;
        let (version, build) = rest.split_once('-')?;
        (version.starts_with(|c: char| c.is_ascii_digit()) && !build.contains('-')).then(|| build.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distributions_of_cupy_and_cudf() {
        // Names on pypi.org; the others are parts of RAPIDS that bring no `cupy` and no `cudf`.
        assert!(["cupy", "cupy-cuda12x", "cupy-cuda110", "cupy-rocm-5-0"].into_iter().all(is_cupy));
        assert!(["cudf", "cudf-cu11", "cudf-cu12"].into_iter().all(is_cudf));
        for other in ["cupyx", "cudf-polars-cu12", "dask-cudf-cu12", "libcudf-cu12", "pylibcudf-cu12"] {
            assert!(!is_cupy(other) && !is_cudf(other), "{other}");
        }
    }

    #[test]
    fn the_build_of_a_conda_package_is_in_its_name() {
        // Names as conda writes them: conda-forge/tensorflow-feedstock#222, openmm/NNPOps#96.
        let files =
            ["pytorch-mutex-1.0-cuda.json", "pytorch-2.0.0-cpu_mkl_py311hd2ac3ed_0.json", "jaxlib.json"];
        let files = files.map(str::to_owned);
        assert_eq!(conda_build(&files, "pytorch").as_deref(), Some("cpu_mkl_py311hd2ac3ed_0"));
        assert_eq!(conda_build(&files, "jaxlib"), None);
        assert_eq!(conda_build(&files, "pytorch-mutex").as_deref(), Some("cuda"));
    }
}
