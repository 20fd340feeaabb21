//! What the checks and causes of TensorFlow have in common.

pub(crate) mod cudnn;
pub(crate) mod driver;
pub(crate) mod packages;

use crate::{
    Finding, Knowledge, Outcome, Subject, Verdict,
    fact::{CudaParts, Facts, Listing, Look, Observed, Operation, PciAddress, Python, TensorFlow},
    judge,
    knowledge::{Fit, TensorFlowRelease, fits},
};

/// The words by which TensorFlow's log tells a library that it could not load.
const MISSING: &str = "Could not load dynamic library '";
/// NVIDIA's own builds, with code for GPUs that no release on PyPI has.
const NGC: &str = "https://catalog.ngc.nvidia.com/orgs/nvidia/containers/tensorflow";

/// `2.15.1` as `(2, 15)`; of a version with more parts the first two.
pub(crate) fn pair(version: &str) -> Option<(i32, i32)> {
    let mut parts = version.split('.').map(|part| part.parse().ok());
    let major = parts.next()??;
    Some((major, parts.next().unwrap_or(Some(0))?))
}

/// The version of the first distribution.
pub(crate) fn version(tensorflow: &TensorFlow) -> Option<&str> {
    tensorflow.distribution().map(|found| found.version.as_str())
}

/// Whether it was built with CUDA; none where it does not say so.
pub(crate) fn is_cuda_build(tensorflow: &TensorFlow) -> Option<bool> {
    tensorflow.build.seen()?.is_cuda_build
}

/// The release that it is of, as far as PyPI's releases go.
pub(crate) fn release<'a>(
    knowledge: &'a Knowledge,
    tensorflow: &TensorFlow,
) -> Option<&'a TensorFlowRelease> {
    let first = tensorflow.distribution()?;
    let is_google_s = ["tensorflow", "tensorflow-gpu"].contains(&first.name.as_str());
    knowledge.tensorflow(&first.version).filter(|_| is_google_s)
}

/// CUDA that it was built with.
pub(crate) fn cuda(knowledge: &Knowledge, tensorflow: &TensorFlow) -> Option<(i32, i32)> {
    let told = tensorflow.build.seen().and_then(|build| pair(build.cuda_version.as_deref()?));
    told.or_else(|| release(knowledge, tensorflow).map(|release| release.cuda))
}

/// What it carries code for; none where neither its files nor the table tell.
pub(crate) fn capabilities<'a>(knowledge: &'a Knowledge, tensorflow: &'a TensorFlow) -> Option<&'a [String]> {
    let told = tensorflow.build.seen().map(|build| build.compute_capabilities.as_slice());
    told.filter(|told| !told.is_empty()).or_else(|| release(knowledge, tensorflow)?.capabilities.as_deref())
}

/// A GPU that a framework would be given.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Gpu {
    pub(crate) address: Option<PciAddress>,
    pub(crate) name: String,
    pub(crate) capability: (i32, i32),
}

/// The GPUs by what CUDA lists; where it lists none, by what is on the bus.
pub(crate) fn gpus(facts: &Facts, knowledge: &Knowledge) -> Vec<Gpu> {
    let listed: Vec<Gpu> = facts
        .cuda_devices()
        .filter_map(|device| {
            let capability = *device.compute_capability.seen()?;
            let name = device.name.seen().cloned().unwrap_or_else(|| "the GPU".to_owned());
            Some(Gpu { address: device.pci.seen().cloned(), name, capability })
        })
        .collect();
    if !listed.is_empty() {
        return listed;
    }
    let on_bus = facts.gpus().filter_map(|gpu| {
        let model = knowledge.gpu(gpu.device)?;
        let (name, capability) = (model.name.clone(), model.compute_capability);
        Some(Gpu { address: Some(gpu.address.clone()), name, capability })
    });
    on_bus.collect()
}

/// How the code in a TensorFlow fits a GPU.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Fitting {
    pub(crate) gpu: Gpu,
    pub(crate) fit: Fit,
    /// The GPU is older than everything that the code is for.
    pub(crate) older: bool,
    /// The GPU is newer than everything that the code is for.
    pub(crate) newer: bool,
    /// What the code is for, as one text.
    pub(crate) built_for: String,
}

/// How its code fits each GPU; none where it does not tell what it has.
pub(crate) fn fittings(
    facts: &Facts,
    knowledge: &Knowledge,
    tensorflow: &TensorFlow,
) -> Option<Vec<Fitting>> {
    let capabilities = capabilities(knowledge, tensorflow)?;
    let built_for = capabilities.join(", ");
    let codes: Vec<i32> = capabilities.iter().filter_map(|name| code(name)).collect();
    let fitting = |gpu: Gpu| {
        let capability = gpu.capability.0.saturating_mul(10).saturating_add(gpu.capability.1);
        Fitting {
            fit: fits(capabilities, gpu.capability),
            older: codes.iter().all(|code| *code > capability),
            newer: codes.iter().all(|code| *code < capability),
            built_for: built_for.clone(),
            gpu,
        }
    };
    Some(gpus(facts, knowledge).into_iter().map(fitting).collect())
}

/// The number in `sm_75`, `compute_90` and `sm_90a`.
fn code(name: &str) -> Option<i32> {
    name.split_once('_')?.1.trim_end_matches(|c: char| c.is_ascii_alphabetic()).parse().ok()
}

/// The operations that were tried on a GPU.
pub(crate) fn operations_on<'a>(
    tensorflow: &'a TensorFlow,
    gpu: &Gpu,
) -> impl Iterator<Item = &'a Operation> {
    let listing = tensorflow.full_look().and_then(|look| look.listing.seen());
    let device = listing.and_then(|listing| device_name(listing, gpu));
    let operations = listing.into_iter().flat_map(|listing| &listing.operations);
    operations.filter(move |operation| Some(operation.device.as_str()) == device)
}

/// The name of the device that a GPU is listed as.
fn device_name<'a>(listing: &'a Listing, gpu: &Gpu) -> Option<&'a str> {
    let is_it = |pci: &PciAddress| gpu.address.as_ref().is_none_or(|address| address == pci);
    let mut listed = listing.gpus();
    listed
        .find(|device| device.physical_device.as_ref().is_some_and(|physical| is_it(&physical.pci)))
        .map(|device| device.name.as_str())
}

/// Whether everything that was tried on a GPU came out right, and something was.
pub(crate) fn computes_on(tensorflow: &TensorFlow, gpu: &Gpu) -> bool {
    let mut tried = operations_on(tensorflow, gpu).peekable();
    tried.peek().is_some() && tried.all(|operation| operation.correct == Observed::Seen(true))
}

/// The libraries that the log says could not be loaded. TensorRT is an extra that nothing here needs.
pub(crate) fn missing_libraries(look: &Look) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    for name in look.log.split(MISSING).skip(1).filter_map(|rest| rest.split('\'').next()) {
        let counts = name.starts_with("lib") && !name.starts_with("libnvinfer") && name.len() < 64;
        if counts && !names.contains(&name) {
            names.push(name);
        }
    }
    names
}

/// CUDA's libraries that keep a TensorFlow from registering any GPU, none where that is not the trouble.
pub(crate) fn unregistered_for(tensorflow: &TensorFlow) -> Option<Vec<&str>> {
    let (look, lists_gpu) = match judge::listing(tensorflow) {
        Some((look, listing)) => (look, listing.gpus().next().is_some()),
        None => (refused_for_libraries(tensorflow)?, false),
    };
    let names = missing_libraries(look);
    let of_driver = |name: &&str| name.starts_with("libcuda.so") || name.starts_with("libnvidia-ml.so");
    let ignored = look.log.contains("Ignoring visible gpu device");
    let its_own = !names.is_empty() && !names.iter().any(of_driver) && !ignored;
    (its_own && !lists_gpu).then_some(names)
}

/// The look in which the listing itself was refused for want of CUDA's libraries, as TensorFlow 2.21 does.
fn refused_for_libraries(tensorflow: &TensorFlow) -> Option<&Look> {
    let look = tensorflow.best_look()?;
    let refused = look.listing.failure()?.to_string().contains("Error loading CUDA libraries");
    refused.then_some(look)
}

/// Whether it was installed without its extra `and-cuda`, and CUDA was not installed in another way: no runtime and none
/// of the missing files lies anywhere.
pub(crate) fn lacks_extra(python: &Python, tensorflow: &TensorFlow, names: &[&str]) -> bool {
    let Some(parts) = parts(python) else { return false };
    let is_core = |name: &str| name.starts_with("nvidia-cuda-runtime") || name.starts_with("nvidia-cudnn");
    let has_core = parts.distributions.iter().any(|installed| is_core(&installed.name));
    let is_wanted = |file: &str| file.starts_with("libcudart.so.") || names.contains(&file);
    let has_file = parts.folders.iter().any(|folder| folder.names().any(is_wanted));
    !tensorflow.cuda_extra.is_empty() && !has_core && !has_file
}

/// The outcomes of a check that came out this way.
pub(crate) fn outcomes<'a>(
    outcomes: &'a [Outcome],
    id: &'a str,
    verdict: Verdict,
) -> impl Iterator<Item = &'a Outcome> {
    outcomes.iter().filter(move |outcome| outcome.id == id && outcome.verdict == verdict)
}

/// The Python that an outcome is about, and its TensorFlow.
pub(crate) fn python_of<'a>(facts: &'a Facts, subject: &Subject) -> Option<(&'a Python, &'a TensorFlow)> {
    let Subject::Python(path) = subject else { return None };
    let python = facts.pythons().find(|python| python.name() == *path)?;
    Some((python, python.tensorflow.seen()?.as_ref()?))
}

/// What the environment has of CUDA; none where nobody looked.
pub(crate) fn parts(python: &Python) -> Option<&CudaParts> {
    python.cuda_parts.seen()
}

/// The version of this Python, major and minor.
pub(crate) fn python_version(python: &Python) -> Option<(i32, i32)> {
    pair(&python.interpreter.seen()?.version)
}

/// Adds what installs the newest TensorFlow that a GPU can ever use, in this Python or, where there is none for it, in
/// an environment of its own.
pub(crate) fn install_fitting(
    knowledge: &Knowledge,
    python: &Python,
    gpu: &Gpu,
    finding: Finding,
) -> Finding {
    let newest = |version| {
        let architecture = knowledge.architecture_of_capability(gpu.capability)?;
        // Releases of before have no packages of CUDA beside them.
        let release = knowledge.newest_tensorflow(gpu.capability, architecture, version);
        release.filter(|release| release.version >= packages::FIRST)
    };
    let finding = finding.with("gpu", gpu.name.clone());
    let path = judge::quoted(&python.path);
    if let Some(release) = python_version(python).and_then(|version| newest(Some(version))) {
        let finding = finding.with("release", release.to_string());
        return finding.run(format!("{path} -m pip install {}", packages::of_release(release)));
    }
    let Some(release) = newest(None) else {
        return finding.variant("no_release").see(NGC);
    };
    let (major, minor) = release.python.1;
    finding
        .variant("other_python")
        .with("release", release.to_string())
        .with("python", format!("{major}.{minor}"))
        .run(format!("conda create -y -n tensorflow python={major}.{minor}"))
        .run(format!("conda run -n tensorflow python -m pip install {}", packages::of_release(release)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn capabilities_are_numbers() {
        for (name, number) in [
            ("sm_75", Some(75)),
            ("compute_120", Some(120)),
            ("sm_90a", Some(90)),
            ("gfx90a", None),
            ("", None),
        ] {
            assert_eq!(code(name), number, "{name}");
        }
    }

    #[test]
    fn versions_have_two_parts() {
        for (version, expected) in [
            ("2.15.1", Some((2, 15))),
            ("12", Some((12, 0))),
            ("11.8.0", Some((11, 8))),
            ("x.1", None),
            ("", None),
        ] {
            assert_eq!(pair(version), expected, "{version}");
        }
    }
}
