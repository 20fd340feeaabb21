//! The class's notebooks that import a framework for GPUs run on one.
//!
//! # Meaning
//! The notebook ran, and its framework stayed on the CPU although a GPU of this machine computes. Each student waits for it.
//!
//! # Detection
//! `gpucheck publish --notebooks DIR --run-notebooks`: while a notebook runs that imports tensorflow, torch, jax, cupy or
//! cudf, the driver's list of processes (`nvmlDeviceGetComputeRunningProcesses`, five times a second) never names one of
//! its own. Nothing is put into the notebook.
//!
//! # Fix
//! See which kernel it names, and whether that one can use a GPU; in code, move model and data there.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html>, <https://www.tensorflow.org/guide/gpu>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{BakedWhat, ClassNotebook, Facts, NotebookContent, Observed, RunEnd, RunOnGpu},
    in_class,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Compute, Source::Classroom],
    needs: &["compute.adds_vectors"],
    severity: Severity::Degraded,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    in_class::judge_notebooks(facts, |_, notebooks| judge_runs(facts, notebooks))
}

fn judge_runs(facts: &Facts, notebooks: &[(&ClassNotebook, &NotebookContent)]) -> Finding {
    let host = Subject::Host;
    let ran = notebooks.iter().filter_map(|(notebook, content)| {
        let run = notebook.run.seen().filter(|run| run.end == RunEnd::Ran)?;
        (!content.imports.is_empty()).then_some((notebook, content, &run.gpu))
    });
    let ran: Vec<_> = ran.collect();
    if ran.is_empty() {
        return Finding::not_applicable(host, "no notebook with a framework for GPUs ran");
    }
    if !is_usable(facts) {
        return Finding::not_applicable(host, "no GPU of this machine is known to compute");
    }
    let stayed = |gpu: &Observed<RunOnGpu>| gpu.seen().is_some_and(|gpu| !gpu.used);
    let hides = |content: &NotebookContent| content.baked.iter().any(|baked| baked.what == BakedWhat::Hidden);
    let on_cpu: Vec<_> = ran.iter().filter(|(_, content, gpu)| stayed(gpu) && !hides(content)).collect();
    if let Some((first, ..)) = on_cpu.first() {
        let seen = format!("{} with a framework for GPUs ran without one", in_class::notebooks(on_cpu.len()));
        let line = |(notebook, content, _): &&(&&ClassNotebook, &&NotebookContent, _)| {
            format!("{} imports {}", notebook.path, content.imports.join(", "))
        };
        let lines: Vec<String> = on_cpu.iter().map(line).collect();
        let finding = Finding::new(host, Verdict::Warn, seen).with("notebook", first.path.clone());
        return in_class::listed(finding, &lines).run("gpucheck");
    }
    match ran.iter().find(|(.., gpu)| gpu.seen().is_none()) {
        Some((notebook, _, gpu)) => {
            Finding::unknown(host, format!("of {} it is not told: {}", notebook.path, gpu.why_not()))
        }
        None => Finding::pass(host, format!("{} used a GPU", in_class::notebooks(ran.len()))),
    }
}

/// Whether some GPU computes.
fn is_usable(facts: &Facts) -> bool {
    let devices = facts.compute.seen().into_iter().flat_map(|compute| &compute.devices);
    let mut sums = devices.filter_map(|device| device.vector_add.seen());
    sums.any(|sum| sum.elements > 0 && sum.wrong == 0)
}
