//! Each framework in the image has code for the target's GPU.
//!
//! # Meaning
//! A wheel carries machine code for some compute capabilities. A card that is older than all of them cannot be used,
//! whatever the driver. For one that is newer the driver translates PTX, where the wheel has any, at the first run, which
//! takes up to half an hour.
//!
//! # Detection
//! What TensorFlow, PyTorch and JAX say in their files that they were built for, or the table of their releases, beside the
//! compute capability of the target. Machine code runs on the same major version and the same or a higher minor one, PTX on
//! whatever is the same or newer. CuPy and cuDF compile what they need.
//!
//! # Fix
//! Install a version that has code for the card; where there are several targets, for all of them.
//!
//! # Source
//! <https://docs.nvidia.com/cuda/cuda-compiler-driver-nvcc/#gpu-compilation>, pytorch/pytorch#52736,
//! tensorflow/tensorflow#41990

use crate::{
    Check, Finding, Fit, Judged, Knowledge, Severity, Source, Verdict, Who,
    fact::{Facts, Python},
    targets::{
        self, Card,
        driver::{self, ImageDriver},
        frameworks::{self, Framework},
    },
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Targets, Source::Module, Source::Installation, Source::Frameworks],
    needs: &[],
    severity: Severity::Unusable,
    who: Who::ImageBaker,
    judge: judge_all,
};

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    targets::each_card(facts, knowledge, |card| {
        facts.pythons().flat_map(|python| judge_python(facts, knowledge, card, python)).collect()
    })
}

fn judge_python(facts: &Facts, knowledge: &Knowledge, card: Card<'_>, python: &Python) -> Vec<Finding> {
    let found = match frameworks::frameworks(python) {
        Ok(found) => found,
        Err(why) => return vec![Finding::unknown(python.subject(), why)],
    };
    let own = found
        .into_iter()
        .filter(|framework| !framework.is_for_cpus() && !matches!(framework, Framework::Arrays(_)));
    own.map(|framework| judge_framework(facts, knowledge, (card, python), framework)).collect()
}

fn judge_framework(
    facts: &Facts,
    knowledge: &Knowledge,
    (card, python): (Card<'_>, &Python),
    framework: Framework<'_>,
) -> Finding {
    let (subject, label) = (python.subject(), framework.label());
    let Some(fitting) = framework.fitting(knowledge, card.capability) else {
        return Finding::unknown(subject, format!("{label} does not tell for which GPUs it has code"));
    };
    let about = |finding: Finding| {
        finding
            .because(fitting.from.clone())
            .with("target", card.target.name)
            .with("framework", label.clone())
    };
    let has = format!("{label} has {}", fitting.has);
    match fitting.fit {
        Fit::MachineCode => Finding::pass(subject, format!("{}: {has}", card.target.name)),
        Fit::Ptx => {
            let summary =
                format!("{has}: no machine code for {}, PTX that its driver translates", card.described());
            about(Finding::new(subject, Verdict::Warn, summary).variant("ptx"))
        }
        Fit::No => {
            let finding = about(Finding::fail(subject, format!("{has}: nothing for {}", card.described())));
            let version = match driver::of_image(facts) {
                ImageDriver::Is(installed) => installed.version,
                ImageDriver::Untold(_) | ImageDriver::Hosts | ImageDriver::Missing => None,
            };
            framework.replace(facts, knowledge, python, (card, version), finding)
        }
    }
}
