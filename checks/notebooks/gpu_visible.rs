//! Notebook kernels are shown the GPU.
//!
//! # Meaning
//! `CUDA_VISIBLE_DEVICES` tells CUDA which GPUs to show. A kernel whose `kernel.json` sets it to nothing or to -1 has no
//! GPU, and so has every kernel of a Jupyter server that was started so, whatever the shell says. Where nothing in the
//! kernel's environment could use a GPU, none is lost.
//!
//! # Detection
//! `env` in each `kernel.json`, and the environment of each Jupyter server that runs as the asking user.
//!
//! # Fix
//! Take the variable out of `kernel.json`; restart a server without it.
//!
//! # Source
//! <https://jupyter-client.readthedocs.io/en/stable/kernels.html#kernel-specs>,
//! <https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#env-vars>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::{Facts, Kernelspec, Notebooks, Server},
    jupyter,
};
use std::collections::BTreeMap;

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Notebooks],
    needs: &[],
    severity: Severity::Degraded,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    jupyter::judge(facts, judge_notebooks)
}

fn judge_notebooks(notebooks: &Notebooks) -> Judged {
    let kernels = notebooks.kernelspecs.iter().filter_map(|kernel| judge_kernel(notebooks, kernel));
    [judge_servers(&notebooks.servers)].into_iter().chain(kernels).collect()
}

fn judge_servers(servers: &[Server]) -> Finding {
    if servers.is_empty() {
        return Finding::not_applicable(Subject::Host, "no Jupyter server of this user runs");
    }
    match servers.iter().find_map(|server| Some((server, hiding(&server.environment)?))) {
        Some((server, value)) => {
            let summary = format!("the Jupyter server {} has CUDA_VISIBLE_DEVICES={value:?}", server.pid);
            Finding::fail(Subject::Host, summary).because(server.program.clone()).with("value", value)
        }
        None => Finding::pass(Subject::Host, "no Jupyter server that runs hides it"),
    }
}

fn judge_kernel(notebooks: &Notebooks, kernel: &Kernelspec) -> Option<Finding> {
    let spec = kernel.spec.seen().filter(|spec| spec.is_python())?;
    let value = hiding(&spec.env)?;
    let subject = Subject::Notebook(notebooks.name_of(kernel));
    if kernel.lacks_framework() {
        return Some(Finding::not_applicable(subject, jupyter::NO_FRAMEWORK));
    }
    let file = format!("{}/kernel.json", kernel.folder);
    let summary = format!("it sets CUDA_VISIBLE_DEVICES={value:?}");
    let finding = Finding::fail(subject, summary);
    Some(finding.because(file.clone()).variant("kernel").with("file", file).with("value", value))
}

/// The value, where it surely hides every GPU.
fn hiding(environment: &BTreeMap<String, String>) -> Option<&str> {
    environment.get("CUDA_VISIBLE_DEVICES").map(String::as_str).filter(|value| crate::judge::hides_all(value))
}
