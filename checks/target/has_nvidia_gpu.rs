//! The target has an NVIDIA GPU.
//!
//! # Meaning
//! Some sizes of a cloud have no GPU, and some have one of AMD's. No image makes CUDA work there.
//!
//! # Detection
//! The table of Azure's sizes, by the name that `--target` gives. For a GPU of NVIDIA's it tells the compute capability and
//! the memory, of a part of a GPU that part's: a sixth of an A10 has 4 GiB.
//!
//! # Fix
//! Take another size, and bake for that.
//!
//! # Source
//! MicrosoftDocs/azure-compute-docs articles/virtual-machines/sizes, MicrosoftDocs/azure-docs nva10v5-series.md

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::Facts,
    knowledge::TargetGpu,
    targets::{self, Target},
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Targets],
    needs: &[],
    severity: Severity::Unusable,
    who: Who::ImageBaker,
    judge: judge_all,
};

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    targets::each(facts, knowledge, |target| vec![judge_target(target)])
}

fn judge_target(target: &Target<'_>) -> Finding {
    let name = target.name;
    let series = target.machine.series.as_deref().unwrap_or_default();
    let finding = match &target.machine.gpu {
        TargetGpu::Nvidia { memory_gib, .. } => {
            let described = target.card().map_or_else(String::new, |card| card.described());
            return Finding::pass(Subject::Host, format!("{described}, {memory_gib} GiB"));
        }
        TargetGpu::Amd(gpu) => Finding::fail(
            Subject::Host,
            format!("{name} is of the {series} series, whose GPU is AMD's {gpu}"),
        )
        .variant("amd"),
        TargetGpu::None => {
            Finding::fail(Subject::Host, format!("{name} is of the {series} series, which has no GPU"))
        }
    };
    finding
        .with("target", name)
        .see("https://learn.microsoft.com/azure/virtual-machines/sizes/overview#gpu-accelerated")
}
