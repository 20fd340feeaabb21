//! A notebook kernel reaches a framework with CUDA.
//!
//! # Meaning
//! A notebook runs in the Python that its kernel names, not in the one that is active in the shell. Where no kernel leads
//! to the active environment, nor to any other with TensorFlow, PyTorch or JAX for CUDA, `import tensorflow` works in the
//! shell and fails in every notebook.
//!
//! # Detection
//! The environments of all kernels for Python, by their files. Where one of them cannot be told, neither can this. An
//! environment with ipykernel counts as reached: a server in it offers it by itself.
//!
//! # Fix
//! Install a kernel from the environment that has the framework.
//!
//! # Source
//! <https://ipython.readthedocs.io/en/stable/install/kernel_install.html>, jupyter/notebook#3146, jupyter/jupyter#270

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Who,
    fact::{Facts, KernelEnvironment, Kernelspec, Notebooks, Packages, Program, ProgramState, Python},
    jupyter, wheels,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks, Source::Notebooks],
    needs: &[],
    severity: Severity::Degraded,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    jupyter::each_python(facts, judge_python)
}

fn judge_python(python: &Python, notebooks: &Notebooks) -> Finding {
    let subject = python.subject();
    let Some(framework) = framework(python) else {
        return Finding::not_applicable(subject, "it has no framework with CUDA");
    };
    let kernels = jupyter::for_python(notebooks);
    if kernels.is_empty() {
        return Finding::not_applicable(subject, "no Jupyter kernel for Python is installed");
    }
    if let Some(version) = python.packages.seen().and_then(|packages| packages.ipykernel.as_deref()) {
        return Finding::pass(subject, format!("ipykernel {version} is in it"));
    }
    let prefix = jupyter::prefix(python);
    let reaches = |kernel: &&&Kernelspec| {
        let environment = kernel.environment.as_ref();
        environment
            .is_some_and(|there| Some(there.prefix.as_str()) == prefix || kernel_framework(there).is_some())
    };
    if let Some(kernel) = kernels.iter().find(reaches) {
        return Finding::pass(subject, format!("the kernel {} does", notebooks.name_of(kernel)));
    }
    if let Some(kernel) = kernels.iter().find(|kernel| is_untold(kernel)) {
        return Finding::unknown(
            subject,
            format!("what the kernel {} runs in is not told", notebooks.name_of(kernel)),
        );
    }
    let summary = format!("none of {} kernels for Python leads to {framework}", kernels.len());
    let finding = kernels.iter().fold(Finding::fail(subject, summary), |finding, kernel| {
        let prefix = kernel.environment.as_ref().map_or("an environment that is gone", |there| &there.prefix);
        finding.because(format!("{} runs in {prefix}", notebooks.name_of(kernel)))
    });
    let name = jupyter::name_after(prefix.unwrap_or_default());
    jupyter::install(finding.with("framework", framework), python, &name, "")
}

/// The framework with CUDA that a Python has.
fn framework(python: &Python) -> Option<String> {
    let tensorflow = python.tensorflow.seen().and_then(Option::as_ref);
    let tensorflow =
        tensorflow.filter(|found| found.build.seen().is_some_and(|build| build.is_cuda_build == Some(true)));
    let other = || wheel(python.packages.seen()?);
    tensorflow.map(crate::fact::TensorFlow::label).or_else(other)
}

fn kernel_framework(environment: &KernelEnvironment) -> Option<String> {
    let tensorflow =
        environment.tensorflow.as_ref().filter(|_| environment.tensorflow_has_cuda == Some(true));
    tensorflow
        .map(|found| format!("{} {}", found.name, found.version))
        .or_else(|| wheel(&environment.packages))
}

fn wheel(packages: &Packages) -> Option<String> {
    let torch = packages.torch.as_ref().filter(|torch| torch.cuda().is_some());
    let jax = packages.jax.as_ref().filter(|jax| wheels::jax_cuda(jax).is_some());
    torch.map(crate::fact::Torch::label).or_else(|| jax.map(crate::fact::Jax::label))
}

/// Whether a kernel may have what its files do not show. One whose program is gone has nothing.
fn is_untold(kernel: &Kernelspec) -> bool {
    match &kernel.program {
        Program::File { state: ProgramState::Missing | ProgramState::NotExecutable, .. } => false,
        Program::File { .. } | Program::OfServer | Program::Untold { .. } => {
            kernel.environment.as_ref().is_none_or(|there| {
                there.untold.is_some() || (there.tensorflow.is_some() && there.tensorflow_has_cuda.is_none())
            })
        }
    }
}
