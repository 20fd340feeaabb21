//! No file chooses GPUs by their UUID.
//!
//! # Meaning
//! Every GPU has a UUID of its own. A clone gets another GPU, finds none with the UUID of the template's, and CUDA shows it no
//! GPU at all.
//!
//! # Detection
//! A line that sets `CUDA_VISIBLE_DEVICES` or `NVIDIA_VISIBLE_DEVICES` to `GPU-...` or `MIG-...`: in /etc/environment and the files
//! of shells of everybody and of each home, in units under /etc/systemd/system and the files that they name, in `kernel.json`
//! of every kernel, in Jupyter's configuration, in conda's variables and scripts of activation, in IPython's startup files.
//!
//! # Fix
//! Take the line out: all GPUs are visible where the variable is not set. Or write an index, `0`.
//!
//! # Source
//! <https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who, cloned,
    fact::{ChosenBy, ChosenGpus, Clones, Facts},
    judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Clones],
    needs: &[],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    judge::asked(&facts.clones, judge_clones)
}

fn judge_clones(clones: &Clones) -> Finding {
    let host = Subject::Host;
    let lines: Vec<&ChosenGpus> =
        clones.variables.iter().filter(|chosen| chosen.by == ChosenBy::Uuids).collect();
    let Some(first) = lines.first() else {
        return Finding::pass(host, "no file sets one");
    };
    let said = |chosen: &ChosenGpus| {
        format!("{} sets {} to a UUID", cloned::place(&chosen.file, chosen.line), chosen.variable)
    };
    let finding = Finding::fail(host, said(first)).with("variable", first.variable.clone());
    let finding = cloned::and_more(finding, lines.iter().skip(1).map(|chosen| said(chosen)));
    cloned::edit(finding, lines.iter().map(|chosen| (chosen.file.as_str(), chosen.line)))
}
