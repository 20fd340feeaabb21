//! Notebook kernels find the CUDA libraries that the shell finds.
//!
//! # Meaning
//! A Jupyter server has the variables of the place that started it, a service or a login long ago, and hands them to its
//! kernels. Where TensorFlow finds CUDA's libraries by the `LD_LIBRARY_PATH` of the shell alone, it computes on the GPU
//! there and on the CPU in every notebook.
//!
//! # Detection
//! A folder of the shell's `LD_LIBRARY_PATH` that alone has the `libcudart` which TensorFlow was built with: no wheel, no
//! conda package, no folder of the loader's. The variable in `/proc/PID/environ` of the Jupyter servers of the asking
//! user lacks it, and no `kernel.json` of this Python sets it.
//!
//! # Fix
//! Set the variable in the `env` of `kernel.json`, then restart the kernel. Set in a notebook it comes too late for the
//! loader.
//!
//! # Source
//! jupyterhub/the-littlest-jupyterhub#208, jupyter/notebook#1290, tensorflow/tensorflow#60790

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Who,
    fact::{Facts, Notebooks, Python, Server},
    jupyter,
};
use std::collections::BTreeMap;

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Frameworks, Source::Notebooks],
    needs: &[],
    severity: Severity::Degraded,
    who: Who::Student,
    judge: judge_all,
};

fn judge_all(facts: &Facts, _: &Knowledge) -> Judged {
    jupyter::each_python(facts, |python, notebooks| {
        let of_kernels = |other: &Python| other.path == python.path && !other.kernels.is_empty();
        if facts.pythons().any(of_kernels) {
            return Finding::not_applicable(
                python.subject(),
                "its kernels were looked at as they are started",
            );
        }
        judge_python(python, notebooks)
    })
}

fn judge_python(python: &Python, notebooks: &Notebooks) -> Finding {
    let subject = python.subject();
    let kernels = jupyter::of(python, notebooks);
    if notebooks.servers.is_empty() || kernels.is_empty() {
        return Finding::not_applicable(subject, "no Jupyter server runs that offers it");
    }
    let Some((library, folders)) = jupyter::only_by_variable(python) else {
        return Finding::pass(subject, "no library is found by LD_LIBRARY_PATH alone");
    };
    let sets_it =
        kernels.iter().any(|kernel| kernel.spec.seen().is_some_and(|spec| names_one(&spec.env, &folders)));
    let lacks = |server: &&Server| !names_one(&server.environment, &folders);
    let Some(server) = notebooks.servers.iter().find(lacks).filter(|_| !sets_it) else {
        return Finding::pass(subject, "its kernels get LD_LIBRARY_PATH as well");
    };
    let now = server.environment.get("LD_LIBRARY_PATH");
    let now = now.map_or("no LD_LIBRARY_PATH".to_owned(), |now| format!("LD_LIBRARY_PATH={now}"));
    Finding::fail(subject, format!("{library} is found by LD_LIBRARY_PATH alone, in {}", folders.join(", ")))
        .because(format!("the Jupyter server {} ({}) has {now}", server.pid, server.program))
        .with("library", library)
}

fn names_one(environment: &BTreeMap<String, String>, folders: &[&str]) -> bool {
    let Some(value) = environment.get("LD_LIBRARY_PATH") else { return false };
    let mut entries = value.split(':').map(|entry| entry.trim_end_matches('/'));
    entries.any(|entry| folders.iter().any(|folder| folder.trim_end_matches('/') == entry))
}
