//! Every index by which a file chooses GPUs is one that this machine has.
//!
//! # Meaning
//! CUDA shows the GPUs before the first index that is none, and those behind it not. A line that was written for a machine
//! with more GPUs hides some or all of those of this size.
//!
//! # Detection
//! A line that sets `CUDA_VISIBLE_DEVICES` to indexes, of which one is as high as the number of GPUs or higher; in the files that
//! `clones.devices_not_by_uuid` names.
//!
//! # Fix
//! Take the line out, or write the indexes that there are.
//!
//! # Source
//! <https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who, cloned,
    fact::{ChosenBy, ChosenGpus, Clones, Facts},
    judge,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Pci, Source::Clones],
    needs: &[],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    judge::asked(&facts.clones, |clones| judge_clones(facts.gpu_addresses().len(), clones))
}

fn judge_clones(gpus: usize, clones: &Clones) -> Finding {
    let host = Subject::Host;
    let chosen = clones.variables.iter().filter(|chosen| chosen.variable.starts_with("CUDA"));
    let by_index: Vec<(&ChosenGpus, u32)> =
        chosen.filter_map(|chosen| Some((chosen, highest(&chosen.by)?))).collect();
    if by_index.is_empty() {
        return Finding::pass(host, "no file chooses by index");
    }
    if gpus == 0 {
        return Finding::not_applicable(host, "no GPU is here that could be counted");
    }
    let beyond: Vec<&(&ChosenGpus, u32)> = by_index
        .iter()
        .filter(|(_, index)| usize::try_from(*index).is_ok_and(|index| index >= gpus))
        .collect();
    let Some((first, index)) = beyond.first().copied() else {
        return Finding::pass(host, format!("{gpus} GPUs, and all indexes below that"));
    };
    let place = cloned::place(&first.file, first.line);
    let finding = Finding::new(
        host,
        Verdict::Warn,
        format!("{place} names GPU {index}, and there are {gpus}, counted from 0"),
    )
    .with("index", index.to_string());
    let finding = beyond.iter().skip(1).take(cloned::MOST).fold(finding, |finding, (chosen, index)| {
        finding.because(format!("{} names GPU {index}", cloned::place(&chosen.file, chosen.line)))
    });
    cloned::edit(finding, beyond.iter().map(|(chosen, _)| (chosen.file.as_str(), chosen.line)))
}

fn highest(by: &ChosenBy) -> Option<u32> {
    match by {
        ChosenBy::Indexes(indexes) => indexes.iter().max().copied(),
        ChosenBy::Uuids | ChosenBy::Nothing | ChosenBy::Other => None,
    }
}
