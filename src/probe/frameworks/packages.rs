//! PyTorch and JAX in an environment, told by the names and the short texts of its files.
//!
//! Invariants: nothing is imported or started; a folder of packages costs one listing, PyTorch one section of one of its
//! libraries.

use super::{
    assignment::{Value, value_of},
    brought, build_info,
    distributions::{TENSORFLOWS, of_name},
    metadata::on_linux,
};
use crate::root::Root;
use gpucheck_checks::fact::{
    Distribution, ExtraRequirement, Jax, Observed, Packages, ProbeFailure, Torch, TorchBuild,
};
use std::collections::BTreeMap;

/// Longest `sys.path` that is walked; an honest one has about ten entries.
const LONGEST_PATH: usize = 256;
/// Most requirements that are told; PyTorch 2.9 has 15 of NVIDIA's.
const MOST_REQUIREMENTS: usize = 64;
/// Why no operation was tried.
const UNTRIED: &str = "its files were read, it was not run";

/// What is on a `sys.path`; `prefix` is the environment's folder, where conda keeps what it installed.
pub(crate) fn on(root: &Root, sys_path: &[String], prefix: Option<&str>) -> Packages {
    let folders: Vec<&str> = sys_path
        .iter()
        .map(String::as_str)
        .filter(|folder| folder.starts_with('/'))
        .take(LONGEST_PATH)
        .collect();
    let distributions = distributions(root, &folders);
    let conda = prefix.map(|prefix| root.names(&format!("{prefix}/conda-meta"))).unwrap_or_default();
    Packages {
        torch: torch(root, &folders, &distributions, &conda),
        jax: jax(root, &folders, &distributions, &conda),
        ipykernel: distributions.get("ipykernel").cloned(),
    }
}

/// Names and versions, of two with one name the first on the path.
fn distributions(root: &Root, folders: &[&str]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for entry in folders.iter().flat_map(|folder| root.names(folder)) {
        if let Some((name, version)) = of_name(&entry) {
            found.entry(name).or_insert(version);
        }
    }
    found
}

fn distribution((name, version): (&String, &String)) -> Distribution {
    Distribution { name: name.clone(), version: version.clone() }
}

fn torch(
    root: &Root,
    folders: &[&str],
    distributions: &BTreeMap<String, String>,
    conda: &[String],
) -> Option<Torch> {
    // Python takes the first folder that has a package of this name.
    let is_package = |package: &String| root.exists(&format!("{package}/__init__.py"));
    let package = folders.iter().map(|folder| format!("{folder}/torch")).find(is_package)?;
    let names = ["pytorch", "pytorch-gpu", "libtorch"];
    Some(Torch {
        distribution: distributions.get("torch").cloned(),
        conda_build: names.iter().find_map(|name| conda_build(conda, name)),
        build: torch_build(root, &package),
        architectures: super::architectures::of(root, &format!("{package}/lib/libtorch_python.so")),
        requirements: requirements(root, &package, distributions),
        libraries: Observed::not_probed("it was not asked what its loader finds"),
        operations: Observed::not_probed(UNTRIED),
        package,
    })
}

/// What the distribution beside this package asks for of NVIDIA's.
fn requirements(
    root: &Root,
    package: &str,
    distributions: &BTreeMap<String, String>,
) -> Vec<ExtraRequirement> {
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
            installed: distributions.get(&wanted.name).cloned(),
            name: wanted.name,
        })
        .collect()
}

/// TensorFlow in folders of packages, and whether it was built with CUDA.
pub(crate) fn tensorflow_in(root: &Root, folders: &[String]) -> (Option<Distribution>, Option<bool>) {
    let folders: Vec<&str> = folders.iter().map(String::as_str).collect();
    let distributions = distributions(root, &folders);
    let found = TENSORFLOWS.iter().find_map(|name| {
        let (name, version) = distributions.get_key_value(*name)?;
        Some(distribution((name, version)))
    });
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

fn jax(
    root: &Root,
    folders: &[&str],
    distributions: &BTreeMap<String, String>,
    conda: &[String],
) -> Option<Jax> {
    let is_jax = |name: &String| name == "jax" || name == "jaxlib" || name.starts_with("jax-");
    let found: Vec<Distribution> =
        distributions.iter().filter(|(name, _)| is_jax(name)).map(distribution).collect();
    // jaxlib alone is of use to nobody, and jax without jaxlib is no JAX either; both are told apart later.
    let is_there = found.iter().any(|found| found.name == "jax" || found.name == "jaxlib");
    is_there.then(|| Jax {
        brought_by: brought::by(root, folders),
        distributions: found,
        conda_build: conda_build(conda, "jaxlib"),
        operations: Observed::not_probed(UNTRIED),
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
