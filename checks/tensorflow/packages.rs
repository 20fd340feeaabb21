//! What pip installs for a TensorFlow that uses a GPU.
//!
//! The extra `and-cuda` exists from 2.14 on. In 2.14 and in 2.15.0 it asks for packages of TensorRT that PyPI does not
//! have, so pip refuses it; there CUDA's own packages are named one by one.
//! Source: Requires-Dist in the METADATA of tensorflow 2.14.1, 2.15.0, 2.15.1 and 2.16.2, beside `pip install --dry-run`.

use super::pair;
use crate::{
    Finding, Knowledge,
    fact::{Distribution, Facts, Python},
    judge,
    knowledge::TensorFlowRelease,
};

/// The first release that looks for CUDA's libraries where pip puts them.
pub(crate) const FIRST: (i32, i32) = (2, 14);
/// CUDA's packages, up to the end that names its major version.
const CUDA: [&str; 9] = [
    "nvidia-cublas",
    "nvidia-cuda-cupti",
    "nvidia-cuda-nvcc",
    "nvidia-cuda-runtime",
    "nvidia-cufft",
    "nvidia-curand",
    "nvidia-cusolver",
    "nvidia-cusparse",
    "nvidia-nccl",
];

/// The last patch of a release, as arguments of `pip install`.
pub(crate) fn of_release(release: &TensorFlowRelease) -> String {
    arguments(&format!("{release}.*"), Some(release))
}

/// This very version, as arguments of `pip install`.
pub(crate) fn of_version(knowledge: &Knowledge, version: &str) -> String {
    arguments(version, knowledge.tensorflow(version))
}

/// Adds what puts the GPU build of this distribution in the place of these; of the newest release for the oldest GPU,
/// with the texts for that, where this one is newer.
pub(crate) fn replace(
    facts: &Facts,
    knowledge: &Knowledge,
    python: &Python,
    names: &[&str],
    by: &Distribution,
    finding: Finding,
) -> Finding {
    let path = judge::quoted(&python.path);
    let finding = finding.run(format!("{path} -m pip uninstall -y {}", names.join(" ")));
    let is_release = by.version.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let last = last_for_gpu(facts, knowledge, python, &by.version);
    let wanted = match last {
        Some(release) => of_release(release),
        None if is_release => of_version(knowledge, &by.version),
        None if by.name.starts_with("tf-nightly") => "\"tf-nightly[and-cuda]\"".to_owned(),
        None => "\"tensorflow[and-cuda]\"".to_owned(),
    };
    let finding = finding.run(format!("{path} -m pip install {wanted}"));
    match last {
        Some(release) => finding.variant("older_gpu").with("release", release.to_string()),
        None => finding,
    }
}

/// The last release for the oldest GPU, where this version is a later one.
fn last_for_gpu<'a>(
    facts: &Facts,
    knowledge: &'a Knowledge,
    python: &Python,
    version: &str,
) -> Option<&'a TensorFlowRelease> {
    let installed = knowledge.tensorflow(version)?;
    let gpus = super::gpus(facts, knowledge);
    let capability = gpus.iter().map(|gpu| gpu.capability).min()?;
    let architecture = knowledge.architecture_of_capability(capability)?;
    let last = knowledge.newest_tensorflow(capability, architecture, super::python_version(python))?;
    (last.version < installed.version && last.version >= FIRST).then_some(last)
}

fn arguments(version: &str, release: Option<&TensorFlowRelease>) -> String {
    let refuses_extra = version.starts_with("2.14.") || version == "2.15.0";
    match release {
        Some(release) if refuses_extra => {
            let (cuda, cudnn) = (release.cuda.0, release.cudnn);
            let packages: Vec<String> = CUDA.iter().map(|name| format!("{name}-cu{cuda}")).collect();
            let cudnn = format!("\"nvidia-cudnn-cu{cuda}=={}.{}.*\"", cudnn.0, cudnn.1);
            format!("\"tensorflow=={version}\" {cudnn} {}", packages.join(" "))
        }
        Some(_) | None if judge::has_cuda_extra(version) => format!("\"tensorflow[and-cuda]=={version}\""),
        Some(_) | None if pair(version).is_some_and(|version| version < (2, 0)) => {
            format!("\"tensorflow-gpu=={version}\"")
        }
        Some(_) | None => format!("\"tensorflow=={version}\""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_brings_its_cuda() {
        let knowledge = Knowledge::built_in().unwrap();
        for (version, expected) in [
            ("2.21.0", "\"tensorflow[and-cuda]==2.21.0\""),
            ("2.15.1", "\"tensorflow[and-cuda]==2.15.1\""),
            ("2.12.1", "\"tensorflow==2.12.1\""),
            ("1.15.5", "\"tensorflow-gpu==1.15.5\""),
        ] {
            assert_eq!(of_version(&knowledge, version), expected);
        }
        let named = of_version(&knowledge, "2.14.1");
        assert!(
            named.starts_with("\"tensorflow==2.14.1\" \"nvidia-cudnn-cu11==8.7.*\" nvidia-cublas-cu11 "),
            "{named}"
        );
        assert!(of_version(&knowledge, "2.15.0").contains("nvidia-cudnn-cu12==8.9.*"));
    }

    #[test]
    fn a_release_is_its_last_patch() {
        let knowledge = Knowledge::built_in().unwrap();
        let release = |version| of_release(knowledge.tensorflow(version).unwrap());
        assert_eq!(release("2.15.0"), "\"tensorflow[and-cuda]==2.15.*\"");
        assert!(release("2.14.0").starts_with("\"tensorflow==2.14.*\" \"nvidia-cudnn-cu11==8.7.*\""));
    }
}
