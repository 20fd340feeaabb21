//! One cuDNN fits all frameworks of an environment.
//!
//! # Meaning
//! PyTorch's wheels ask for one version of NVIDIA's distribution of cuDNN and no other; TensorFlow's extra `and-cuda` asks
//! for the one that it was built with or a newer one. There is one place for it, `nvidia/cudnn/lib`. Where the two do not
//! agree, pip warns and keeps the last that was asked for. With one that is older than TensorFlow's, TensorFlow lists the
//! GPU and fails on the first convolution.
//!
//! # Detection
//! Requires-Dist in PyTorch's METADATA, TensorFlow's extra and the versions that are installed. It fails where the cuDNN
//! that PyTorch asks for is what is installed, and older than TensorFlow's. It warns where PyTorch's wish is not met, unless
//! PyTorch was seen to compute; and where distributions for two versions of CUDA hold the same file, of which the last that
//! came is left.
//!
//! # Fix
//! Give each framework an environment of its own, with a notebook kernel for it.
//!
//! # Source
//! pytorch/pytorch#97990, Kaggle/docker-python#1435, tensorflow/tensorflow#60913; Requires-Dist of torch 2.6.0 and 2.9.0

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Verdict, Who,
    fact::{CudaParts, ExtraRequirement, Facts, Observed, Python, Torch},
    tensorflow::{self, cudnn},
    wheels,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks],
    needs: &["frameworks.tensorflow_built_with_cuda"],
    severity: Severity::Unusable,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    facts.pythons().map(|python| judge_python(knowledge, python)).collect()
}

fn judge_python(knowledge: &Knowledge, python: &Python) -> Finding {
    let subject = python.subject();
    let torch = python.packages.seen().and_then(|packages| packages.torch.as_ref());
    let pin = torch.and_then(Torch::cudnn);
    let Some((torch, pin)) = torch.zip(pin) else {
        return Finding::not_applicable(subject, "no PyTorch here asks for a cuDNN of its own");
    };
    let label = torch.label();
    if let Some(pinned) = cudnn::pinned(knowledge, python) {
        let summary =
            format!("{label} keeps cuDNN at {}, {} wants {}", pinned.by, pinned.tensorflow, pinned.wanted);
        return Finding::fail(subject, summary)
            .because(told(pin))
            .with("torch", label)
            .with("pin", pinned.by)
            .with("distribution", pinned.tensorflow)
            .with("wanted", pinned.wanted);
    }
    let warn =
        |summary: String| Finding::new(subject.clone(), Verdict::Warn, summary).with("torch", label.clone());
    if let Some(two) = tensorflow::parts(python).and_then(writing_to_one_file) {
        return warn(format!("{two} hold one file")).variant("two").with("distributions", two);
    }
    let path = crate::judge::quoted(&python.path);
    match &pin.installed {
        None => Finding::not_applicable(subject, format!("{} is not installed", pin.name)),
        Some(installed) if is_met(&pin.versions, installed) => Finding::pass(subject, told(pin)),
        _ if computes(torch) => Finding::pass(subject, format!("{}; {label} computes with it", told(pin))),
        _ => warn(told(pin))
            .variant("unmet")
            .with("wish", format!("{}{}", pin.name, pin.versions))
            .run(format!("{path} -m pip check")),
    }
}

fn told(pin: &ExtraRequirement) -> String {
    let installed = pin.installed.as_deref().unwrap_or("none");
    format!("PyTorch asks for {}{}, {installed} is installed", pin.name, pin.versions)
}

/// Whether a version is the one that is pinned. Other wishes than a pin are not PyTorch's, and count as met.
fn is_met(versions: &str, installed: &str) -> bool {
    versions.strip_prefix("==").is_none_or(|pinned| pinned.trim() == installed)
}

/// Whether it was tried on a GPU, and nothing went wrong.
fn computes(torch: &Torch) -> bool {
    let tried = torch.operations.seen().map(Vec::as_slice).unwrap_or_default();
    !tried.is_empty() && tried.iter().all(|operation| operation.correct == Observed::Seen(true))
}

/// Distributions of cuDNN for different versions of CUDA with one major version: their files have the same names.
fn writing_to_one_file(parts: &CudaParts) -> Option<String> {
    let of_cudnn: Vec<_> =
        parts.distributions.iter().filter(|found| found.name.starts_with("nvidia-cudnn-cu")).collect();
    let major = |version: &str| wheels::version(version).map(|version| version.0);
    let clash = of_cudnn.iter().filter(|found| {
        of_cudnn
            .iter()
            .any(|other| other.name != found.name && major(&other.version) == major(&found.version))
    });
    let names: Vec<String> = clash.map(|found| format!("{} {}", found.name, found.version)).collect();
    (!names.is_empty()).then(|| names.join(" and "))
}
