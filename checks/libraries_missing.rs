//! Which of CUDA's libraries a framework lacks.

use crate::{
    Finding, Verdict,
    cuda_libraries::computes,
    fact::{Framework, FrameworkLibraries, MissingLibrary, Python},
    judge, tensorflow,
};

/// What a framework cannot do without, up to `.so`.
const NEEDED: [&str; 7] =
    ["libcublas", "libcublasLt", "libcudart", "libcudnn", "libcufft", "libcusolver", "libcusparse"];

/// What a framework lacks; none where its libraries could not be gone through.
pub(crate) fn judge_framework(python: &Python, of: &FrameworkLibraries) -> Option<Finding> {
    let subject = python.subject();
    let linked = of.linked.seen()?;
    let missing: Vec<&MissingLibrary> = linked.missing.iter().filter(|missing| counts(of, missing)).collect();
    if missing.is_empty() {
        let found = linked.found.len();
        return Some(Finding::pass(subject, format!("{}: {found} of CUDA's are found", of.framework)));
    }
    let names: Vec<&str> = missing.iter().map(|missing| missing.name.as_str()).collect();
    let list = names.join(", ");
    let verdict = match (has_gpu(python, of.framework), of.framework) {
        // CuPy opens each when it is first called for.
        (Some(true), Framework::Cupy) => Verdict::Warn,
        (Some(true), _) => return Some(Finding::pass(subject, format!("{} uses a GPU", of.framework))),
        (None, Framework::TensorFlow) if !says_so(python, &names) => {
            let summary = format!("TensorFlow names no library that it misses, and our search missed {list}");
            return Some(Finding::unknown(subject, summary));
        }
        (Some(false) | None, _) => Verdict::Fail,
    };
    let finding = Finding::new(subject, verdict, format!("{}: {list} is found nowhere", of.framework))
        .with("framework", of.framework.to_string())
        .with("libraries", list);
    let finding = missing.iter().take(4).fold(finding, |finding, missing| {
        finding.because(format!("{} wants {}", missing.wanted_by, missing.name))
    });
    let others = python.cuda_parts.seen().into_iter();
    let others = others.flat_map(|parts| names.iter().flat_map(|name| parts.other_versions(name)));
    let finding = others.take(4).fold(finding, |finding, path| finding.because(format!("there is {path}")));
    Some(install(python, &names, finding))
}

/// Whether a framework is worse off without this one. CuPy does without cuDNN.
fn counts(of: &FrameworkLibraries, missing: &MissingLibrary) -> bool {
    let stem = missing.name.split(".so").next().unwrap_or_default();
    let optional = of.framework == Framework::Cupy && stem == "libcudnn";
    NEEDED.contains(&stem) && !optional
}

/// Whether a framework has a GPU: none where TensorFlow was only asked for a list and has none, or nobody asked.
fn has_gpu(python: &Python, framework: Framework) -> Option<bool> {
    let listed = || {
        let tensorflow = python.tensorflow.seen()?.as_ref()?;
        let (_, listing) = judge::listing(tensorflow)?;
        listing.gpus().next().map(|_| true)
    };
    match framework {
        Framework::TensorFlow => listed(),
        Framework::Torch | Framework::Jax | Framework::Cupy => computes(python, framework),
    }
}

/// Whether TensorFlow's log names one of these among those that it could not load.
fn says_so(python: &Python, names: &[&str]) -> bool {
    let tensorflow = python.tensorflow.seen().and_then(Option::as_ref);
    let looks = tensorflow.into_iter().flat_map(|found| &found.looks);
    looks.flat_map(tensorflow::missing_libraries).any(|missing| names.contains(&missing))
}

/// Adds what installs them from PyPI, where their names tell for which CUDA they are: that of cuBLAS, cuDNN and the
/// runtime do.
fn install(python: &Python, names: &[&str], finding: Finding) -> Finding {
    let major = names.iter().find_map(|name| {
        let is_cuda_s = ["libcublas.so.", "libcublasLt.so.", "libcudart.so."];
        let version = is_cuda_s.iter().find_map(|start| name.strip_prefix(start))?;
        tensorflow::pair(version).map(|version| version.0)
    });
    let mut installed = python.cuda_parts.seen().into_iter().flat_map(|parts| &parts.distributions);
    let of_installed = installed.find_map(|found| found.name.rsplit_once("-cu")?.1.parse::<i32>().ok());
    let Some(major) = major.or(of_installed) else {
        return finding.see("https://docs.nvidia.com/cuda/cuda-installation-guide-linux/");
    };
    let mut wheels: Vec<String> = names.iter().filter_map(|name| wheel(name, major)).collect();
    wheels.dedup();
    let path = judge::quoted(&python.path);
    finding.run(format!("{path} -m pip install {}", wheels.join(" ")))
}

fn wheel(name: &str, cuda: i32) -> Option<String> {
    let (stem, version) = name.split_once(".so.")?;
    let package = match stem {
        "libcublas" | "libcublasLt" => "cublas",
        "libcudart" => "cuda-runtime",
        "libcufft" => "cufft",
        "libcusolver" => "cusolver",
        "libcusparse" => "cusparse",
        "libcudnn" => return Some(format!("\"nvidia-cudnn-cu{cuda}=={}.*\"", tensorflow::pair(version)?.0)),
        _ => return None,
    };
    // From CUDA 13 on their names no longer end with its version, and each is numbered as its library is.
    Some(if cuda < 13 {
        format!("nvidia-{package}-cu{cuda}")
    } else {
        format!("\"nvidia-{package}=={}.*\"", tensorflow::pair(version)?.0)
    })
}

#[cfg(test)]
mod tests {
    use super::wheel;

    #[test]
    fn a_wheel_has_its_librarys_major_version() {
        let of = |name, cuda| wheel(name, cuda).unwrap();
        assert_eq!(of("libcufft.so.11", 12), "nvidia-cufft-cu12");
        assert_eq!(of("libcublas.so.13", 13), "\"nvidia-cublas==13.*\"");
        // On PyPI since CUDA 13.0: nvidia-cufft 12.0.0.61, nvidia-cusolver 12.0.4.66, nvidia-cusparse 12.6.3.3.
        assert_eq!(of("libcufft.so.12", 13), "\"nvidia-cufft==12.*\"");
        assert_eq!(of("libcusolver.so.12", 13), "\"nvidia-cusolver==12.*\"");
        assert_eq!(of("libcusparse.so.12", 13), "\"nvidia-cusparse==12.*\"");
        assert_eq!(of("libcudnn.so.9", 13), "\"nvidia-cudnn-cu13==9.*\"");
    }
}
