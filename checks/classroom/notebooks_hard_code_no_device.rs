//! The class's notebooks fit every clone: no device, path or installation is written into them.
//!
//! # Meaning
//! A notebook that asks for a second GPU, for the GPU of one UUID, or hides all GPUs runs on no clone as it ran where it was
//! made. A path of somebody's home is nobody else's, and an installation in a cell changes the environment of whoever
//! runs it, frameworks included.
//!
//! # Detection
//! `gpucheck publish --notebooks DIR`: lines of code, not comments and not texts: `CUDA_VISIBLE_DEVICES` set to what is not
//! the first GPU, `cuda:1`, `/gpu:1`, `set_device(1)`, `.cuda(1)`, `device_map={"": 1}`, `set_visible_devices([], "GPU")`,
//! UUIDs of GPUs; paths below `/home`, `/Users`, `/content` and `/kaggle` that are not here, `C:\`; `pip`, `conda` and `apt`
//! that install a framework or a system's package. The first GPU, 0, is everybody's.
//!
//! # Fix
//! Take the number out: a program gets the first GPU by itself. Take files from beside the notebook, and install what it
//! needs into the template.
//!
//! # Source
//! <https://docs.nvidia.com/cuda/cuda-c-programming-guide/index.html#env-vars>,
//! <https://pytorch.org/docs/stable/notes/cuda.html#best-practices>, <https://www.tensorflow.org/guide/gpu>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    fact::{Baked, BakedWhat, ClassNotebook, Facts, NotebookContent},
    in_class,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Nvml, Source::Driver, Source::Classroom],
    needs: &[],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

/// How bad a line is, the worst last.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Harm {
    None,
    /// Whether the machine has that many GPUs is not known.
    Untold,
    /// It costs somebody time.
    Costs,
    /// It keeps the notebook from the GPU.
    Breaks,
}

type Lines<'a> = Vec<(Harm, &'a ClassNotebook, &'a Baked)>;

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    in_class::judge_notebooks(facts, |_, notebooks| {
        let gpus = facts.gpu_addresses().len();
        let lines = lines(notebooks, gpus);
        let of = |harm: Harm| lines.iter().filter(|(found, ..)| *found == harm).collect::<Vec<_>>();
        let (breaks, costs, untold) = (of(Harm::Breaks), of(Harm::Costs), of(Harm::Untold));
        let told = breaks.iter().chain(&costs).map(|(_, notebook, baked)| told(notebook, baked));
        let told: Vec<String> = told.collect();
        match (breaks.first(), costs.first()) {
            (Some((_, notebook, _)), _) => {
                let seen = format!("{} keep notebooks from the GPU", count(breaks.len()));
                let finding = Finding::fail(Subject::Host, seen).with("notebook", notebook.path.clone());
                in_class::listed(finding, &told)
            }
            (None, Some((_, notebook, _))) => {
                let seen = format!("{} fit one machine or change its environment", count(costs.len()));
                let finding = Finding::new(Subject::Host, Verdict::Warn, seen).variant("elsewhere");
                in_class::listed(finding.with("notebook", notebook.path.clone()), &told)
            }
            (None, None) if !untold.is_empty() => {
                let seen = "notebooks name a GPU by its number, and how many there are is not known";
                Finding::unknown(Subject::Host, seen)
            }
            (None, None) => Finding::pass(Subject::Host, in_class::notebooks(notebooks.len())),
        }
    })
}

fn lines<'a>(notebooks: &[(&'a ClassNotebook, &'a NotebookContent)], gpus: usize) -> Lines<'a> {
    let of = |(notebook, content): &(&'a ClassNotebook, &'a NotebookContent)| {
        let notebook = *notebook;
        content.baked.iter().map(move |baked| (harm(&baked.what, gpus), notebook, baked)).collect::<Vec<_>>()
    };
    notebooks.iter().flat_map(of).collect()
}

fn harm(what: &BakedWhat, gpus: usize) -> Harm {
    match what {
        BakedWhat::Index(_) if gpus == 0 => Harm::Untold,
        BakedWhat::Index(index) if usize::try_from(*index).is_ok_and(|index| index < gpus) => Harm::None,
        BakedWhat::Index(_) | BakedWhat::Uuid(_) | BakedWhat::Hidden => Harm::Breaks,
        BakedWhat::Path(_) | BakedWhat::Install(_) => Harm::Costs,
    }
}

fn told(notebook: &ClassNotebook, baked: &Baked) -> String {
    format!("{}, cell {}, line {}: {}", notebook.path, baked.cell, baked.line, baked.text)
}

fn count(lines: usize) -> String {
    if lines == 1 { "1 line of code would".to_owned() } else { format!("{lines} lines of code would") }
}
