//! The image is for the target's processor.
//!
//! # Meaning
//! An image for one kind of processor does not boot on another: one for x86-64 not on Azure's Grace machines, one for
//! aarch64 on none of the others.
//!
//! # Detection
//! The machine that the dynamic loader or the shell of the image is for, in its ELF header, beside the processor of the
//! size that `--target` names. A GPU's name alone says nothing of a processor.
//!
//! # Fix
//! Build the image from a base for the target's processor.
//!
//! # Source
//! <https://man7.org/linux/man-pages/man5/elf.5.html>, MicrosoftDocs/azure-compute-docs nd-gb200-v6-series-specs.md

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Who,
    fact::Facts,
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
    targets::each(facts, knowledge, |target| vec![judge_target(facts, target)])
}

fn judge_target(facts: &Facts, target: &Target<'_>) -> Finding {
    let name = target.name;
    let Some(processor) = target.machine.processor.as_deref() else {
        return Finding::not_applicable(Subject::Host, format!("{name} names a GPU, and no processor"));
    };
    let Some(image) = facts.targets.seen().map(|targets| &targets.image) else {
        return Finding::unknown(Subject::Host, facts.targets.why_not());
    };
    match image.architecture.seen() {
        None => {
            let why = image.architecture.why_not();
            Finding::unknown(Subject::Host, format!("the processor that the image is for: {why}"))
        }
        Some(built) if built == processor => {
            Finding::pass(Subject::Host, format!("{built}, as {name} has it"))
        }
        Some(built) => {
            Finding::fail(Subject::Host, format!("the image is for {built}, and {name} has {processor}"))
                .with("target", name)
                .with("image", built.clone())
                .with("processor", processor)
        }
    }
}
