//! The target's GPU has the memory that the class needs.
//!
//! # Meaning
//! A notebook that wants more memory than the GPU has ends with "out of memory", on every machine that is made from the
//! image. Nothing in an image says how much a class needs: `--needs-memory` does.
//!
//! # Detection
//! The table of GPUs and of Azure's sizes, by the name that `--target` gives; of a part of a GPU that part's memory. It is
//! held against what programs get: a T4 of 16 GiB has 14.6 GiB for them, since ECC takes a sixteenth and the driver keeps
//! some. Where nobody has told how much that is, four fifths are taken for sure, and what lies between is not told.
//!
//! # Fix
//! A size with more memory, smaller batches or a smaller model. How much each notebook takes is told by
//! `gpucheck publish --notebooks DIR --run-notebooks`.
//!
//! # Source
//! MicrosoftDocs/azure-docs nva10v5-series.md, NVIDIA's data sheets, captures of nvidia-smi (named in the table of GPUs)

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::Facts,
    readings::mib,
    targets::{self, Card},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Targets],
    needs: &[],
    severity: Severity::Unusable,
    who: Who::ImageBaker,
    judge: judge_all,
};

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    let needed = facts.targets.seen().and_then(|targets| targets.needs_memory);
    targets::each_card(facts, knowledge, |card| vec![judge_card(needed, card)])
}

fn judge_card(needed: Option<u64>, card: Card<'_>) -> Finding {
    let host = Subject::Host;
    let Some(needed) = needed else {
        return Finding::not_applicable(host, "how much the class needs was not said (--needs-memory)");
    };
    let sold = u64::from(card.memory_gib) << 30;
    let usable = card.usable_mib.map(|mib| u64::from(mib) << 20);
    let has = match usable {
        Some(usable) => format!("{}, {} of them for programs", mib(sold), mib(usable)),
        None => mib(sold),
    };
    let told = format!("{} has {has}; the class needs {}", card.described(), mib(needed));
    if needed > usable.unwrap_or(sold) {
        Finding::fail(host, told)
            .with("target", card.target.name)
            .with("gpu", card.name)
            .with("needed", mib(needed))
            .with("has", mib(usable.unwrap_or(sold)))
    } else if needed <= usable.unwrap_or(sold / 5 * 4) {
        Finding::pass(host, told)
    } else {
        Finding::unknown(host, format!("{told}, and how much of it programs get is not known"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Verdict, targets::Target};

    #[test]
    fn memory_that_nobody_told_of_is_not_promised() {
        let knowledge = Knowledge::built_in().unwrap();
        let judge = |name: &str, gib: u64| {
            let target = Target { name, machine: knowledge.target(name).unwrap() };
            judge_card(Some(gib << 30), target.card().unwrap()).verdict
        };
        // A V100 of 32 GiB: no capture in the table tells what of it programs get.
        for (gib, verdict) in [(25, Verdict::Pass), (30, Verdict::Unknown), (33, Verdict::Fail)] {
            assert_eq!(judge("V100 32GB", gib), verdict, "{gib}");
        }
        // NVIDIA/nvidia-docker#1226: 11441 MiB of a K80's 12 GiB with ECC.
        assert_eq!((judge("K80", 11), judge("K80", 12)), (Verdict::Pass, Verdict::Fail));
        // A third of an A10, and all of it.
        assert_eq!(judge("Standard_NV12ads_A10_v5", 6), Verdict::Pass);
        assert_eq!(judge("Standard_NV12ads_A10_v5", 9), Verdict::Fail);
        assert_eq!(judge("Standard_NV36ads_A10_v5", 22), Verdict::Pass);
    }
}
