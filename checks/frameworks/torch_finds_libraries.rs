//! PyTorch's libraries find those that they want.
//!
//! # Meaning
//! PyTorch's build for CUDA is linked with CUDA's libraries, which come as distributions of their own. Where one is missing,
//! left out by `pip install --no-deps` or taken off for another framework, `import torch` ends with "libcudnn.so.9: cannot
//! open shared object file", CPU or GPU.
//!
//! # Detection
//! What PyTorch's libraries want (`DT_NEEDED`) is gone through as the dynamic loader does: `DT_RPATH`, `LD_LIBRARY_PATH`,
//! `DT_RUNPATH`, `/etc/ld.so.cache`, the loader's own folders; then the folders of NVIDIA's wheels, from which PyTorch
//! loads by itself. It fails where one of CUDA's or of PyTorch's own is in none of them. The driver's libraries are the
//! driver's business.
//!
//! # Fix
//! Install the distribution that brings it, in the version that PyTorch asks for.
//!
//! # Source
//! <https://man7.org/linux/man-pages/man8/ld.so.8.html>, pytorch/pytorch#165812, neosr-project/neosr#105

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Facts, MissingLibrary, Observed, Python, Torch},
    judge::quoted,
    wheels,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &["frameworks.torch_built_with_cuda"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

/// What brings a library: its name up to `.so`, the wheel's up to `-cu12`, conda's package.
const BROUGHT: [(&str, &str, &str); 15] = [
    ("libcublas", "nvidia-cublas", "libcublas"),
    ("libcublasLt", "nvidia-cublas", "libcublas"),
    ("libcudart", "nvidia-cuda-runtime", "cuda-cudart"),
    ("libcudnn", "nvidia-cudnn", "cudnn"),
    ("libcufft", "nvidia-cufft", "libcufft"),
    ("libcufile", "nvidia-cufile", "libcufile"),
    ("libcupti", "nvidia-cuda-cupti", "cuda-cupti"),
    ("libcurand", "nvidia-curand", "libcurand"),
    ("libcusolver", "nvidia-cusolver", "libcusolver"),
    ("libcusparse", "nvidia-cusparse", "libcusparse"),
    ("libcusparseLt", "nvidia-cusparselt", "cusparselt"),
    ("libnccl", "nvidia-nccl", "nccl"),
    ("libnvJitLink", "nvidia-nvjitlink", "libnvjitlink"),
    ("libnvToolsExt", "nvidia-nvtx", "cuda-nvtx"),
    ("libnvrtc", "nvidia-cuda-nvrtc", "cuda-nvrtc"),
];
/// What the names of PyTorch's own begin with.
const OWN: [&str; 4] = ["libc10", "libcaffe2", "libshm", "libtorch"];

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    let judge = |python: &Python| wheels::torch(python, |subject, torch| judge_torch(subject, python, torch));
    facts.pythons().map(judge).collect()
}

fn judge_torch(subject: Subject, python: &Python, torch: &Torch) -> Finding {
    if torch.build.seen().is_some_and(|build| build.cuda.is_none()) {
        return Finding::not_applicable(subject, format!("{} was built without CUDA", torch.label()));
    }
    if computes(torch) {
        return Finding::pass(subject, "it computes");
    }
    let Some(libraries) = torch.libraries.seen() else {
        return Finding::unknown(subject, torch.libraries.why_not());
    };
    let is_ours = |missing: &&MissingLibrary| brought(&missing.name).is_some() || is_own(&missing.name);
    let missing: Vec<&MissingLibrary> = libraries.missing.iter().filter(is_ours).collect();
    if missing.is_empty() {
        return match libraries.missing.first() {
            Some(other) => {
                let summary = format!("{} was not found where the loader looks", other.name);
                Finding::unknown(subject, summary).because(format!("{} wants it", other.wanted_by))
            }
            None => Finding::pass(subject, format!("{} of CUDA's are found", libraries.found.len())),
        };
    }
    let names: Vec<&str> = missing.iter().map(|missing| missing.name.as_str()).collect();
    let finding = Finding::fail(subject, format!("{} is found nowhere", names.join(", ")));
    let finding = missing
        .iter()
        .take(8)
        .fold(finding, |finding, missing| {
            finding.because(format!("{} wants {}", missing.wanted_by, missing.name))
        })
        .with("torch", torch.label())
        .with("libraries", names.join(", "));
    advise(python, torch, &names, finding)
}

/// Whether it was tried on a GPU, and nothing went wrong.
fn computes(torch: &Torch) -> bool {
    let tried = torch.operations.seen().map(Vec::as_slice).unwrap_or_default();
    !tried.is_empty() && tried.iter().all(|operation| operation.correct == Observed::Seen(true))
}

fn is_own(name: &str) -> bool {
    OWN.iter().any(|start| name.starts_with(start))
}

fn brought(name: &str) -> Option<(&'static str, &'static str)> {
    let stem = name.split(".so").next()?;
    BROUGHT.iter().find(|(library, _, _)| *library == stem).map(|(_, wheel, conda)| (*wheel, *conda))
}

fn advise(python: &Python, torch: &Torch, names: &[&str], finding: Finding) -> Finding {
    let path = quoted(&python.path);
    if names.iter().any(|name| is_own(name)) {
        let version = torch.version().unwrap_or_default().split('+').next().unwrap_or_default();
        let index = torch.cuda().unwrap_or_default().replace('.', "");
        return finding.variant("own").run(format!(
            "{path} -m pip install --force-reinstall \"torch=={version}\" --index-url https://download.pytorch.org/whl/cu{index}"
        ));
    }
    if torch.conda_build.is_some() {
        let mut packages: Vec<&str> = names.iter().filter_map(|name| Some(brought(name)?.1)).collect();
        packages.dedup();
        let prefix = python.interpreter.seen().map_or("", |interpreter| &interpreter.prefix);
        return finding.run(format!("conda install -y -p {} {}", quoted(prefix), packages.join(" ")));
    }
    let mut wheels: Vec<String> =
        names.iter().filter_map(|name| Some(wheel(torch, brought(name)?.0))).collect();
    wheels.dedup();
    finding.run(format!("{path} -m pip install {}", wheels.join(" ")))
}

/// The distribution as PyTorch asks for it; where that is not told, the one for its CUDA.
fn wheel(torch: &Torch, start: &str) -> String {
    let is_it =
        |name: &str| name == start || name.strip_prefix(start).is_some_and(|rest| rest.starts_with("-cu"));
    if let Some(wanted) = torch.requirements.iter().find(|wanted| is_it(&wanted.name)) {
        return format!("\"{}{}\"", wanted.name, wanted.versions.replace(' ', ""));
    }
    let cuda = torch.cuda().and_then(wheels::version).map_or(12, |cuda| cuda.0);
    format!("{start}-cu{cuda}")
}
