//! The cuDNN beside TensorFlow is too old for it.
//!
//! # Meaning
//! TensorFlow lists the GPU and multiplies matrices; the first convolution ends in `DNN library initialization failed`.
//! It loaded a cuDNN that is older than the one it was built with: PyTorch's, or one that `LD_LIBRARY_PATH` leads to.
//!
//! # Detection
//! TensorFlow's own words (`Loaded runtime CuDNN library: 9.1.0 but source was compiled with: 9.3.0`), or the version of
//! the cuDNN that the loader finds first; beside it, what PyTorch's METADATA asks for.
//!
//! # Fix
//! Install the wanted cuDNN in this environment, and PyTorch in one of its own; take an older one out of
//! `LD_LIBRARY_PATH`.
//!
//! # Source
//! tensorflow/tensorflow#60913, #39842, Kaggle/docker-python#1435, googlecolab/colabtools#2626

use crate::{
    Cause, Finding, Knowledge, Outcome, Severity, Verdict, Who,
    fact::{Facts, LibraryPlace, Python, TensorFlow},
    judge,
    tensorflow::{
        self,
        cudnn::{self, Pinned},
    },
};

pub(crate) static CAUSE: Cause = Cause {
    explains: &[
        "frameworks.cudnn_fits_all",
        "frameworks.tensorflow_computes",
        "frameworks.tensorflow_fits_cudnn",
    ],
    severity: Severity::Unusable,
    who: Who::Student,
    recognize,
};

fn recognize(facts: &Facts, knowledge: &Knowledge, outcomes: &[Outcome]) -> Vec<Finding> {
    tensorflow::outcomes(outcomes, "frameworks.tensorflow_fits_cudnn", Verdict::Fail)
        .filter_map(|outcome| {
            let (python, found) = tensorflow::python_of(facts, &outcome.subject)?;
            Some(advise(knowledge, python, found, crate::judge::retold(outcome)))
        })
        .collect()
}

fn advise(knowledge: &Knowledge, python: &Python, found: &TensorFlow, finding: Finding) -> Finding {
    let path = judge::quoted(&python.path);
    let finding = finding.with("distribution", found.label());
    let Some(wanted) = cudnn::wanted(knowledge, found) else { return finding.variant("unknown") };
    let name = format!("libcudnn.so.{}", wanted.0);
    let first = tensorflow::parts(python).and_then(|parts| parts.folders_with(&name).next());
    if let Some(folder) = first.filter(|folder| folder.place == LibraryPlace::LibraryPath) {
        return finding
            .variant("library_path")
            .with("folder", folder.path.clone())
            .because(format!("LD_LIBRARY_PATH leads to {}", folder.path))
            .run("unset LD_LIBRARY_PATH");
    }
    if let Some(pinned) = cudnn::pinned(knowledge, python) {
        return separate(python, finding, pinned);
    }
    let cuda = tensorflow::cuda(knowledge, found).map_or(12, |cuda| cuda.0);
    let (major, minor) = wanted;
    finding.run(format!("{path} -m pip install -U \"nvidia-cudnn-cu{cuda}>={major}.{minor},<{}\"", major + 1))
}

/// PyTorch goes to an environment of its own, with a notebook kernel; then TensorFlow's cuDNN can be what it wants.
fn separate(python: &Python, finding: Finding, pinned: Pinned) -> Finding {
    let path = judge::quoted(&python.path);
    let Pinned { by, wanted, cuda, .. } = pinned;
    let torch = python.packages.seen().and_then(|packages| packages.torch.as_ref());
    let version = torch.and_then(|torch| torch.version()).unwrap_or_default();
    let index = torch.and_then(|torch| torch.cuda()).map(|cuda| cuda.replace('.', ""));
    let index = index.map(|tag| format!(" --index-url https://download.pytorch.org/whl/cu{tag}"));
    let release = version.split('+').next().filter(|release| !release.is_empty());
    let torch = release.map_or("torch".to_owned(), |release| format!("\"torch=={release}\""));
    let major = wanted.split('.').next().and_then(|major| major.parse::<i32>().ok()).unwrap_or(9);
    finding
        .variant("pinned")
        .with("pin", by)
        .run(format!("{path} -m venv ~/torch && ~/torch/bin/python -m pip install {torch}{}", index.unwrap_or_default()))
        .run("~/torch/bin/python -m pip install ipykernel && ~/torch/bin/python -m ipykernel install --user --name torch")
        .run(format!("{path} -m pip uninstall -y torch"))
        .run(format!("{path} -m pip install -U \"nvidia-cudnn-cu{cuda}>={wanted},<{}\"", major + 1))
}
