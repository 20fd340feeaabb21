//! The driver in the image runs the CUDA of each framework, for the target.
//!
//! # Meaning
//! A driver runs programs of its own CUDA version, of older ones, and of newer ones with the same major number. What the
//! newest driver for an old card cannot run, no driver can there.
//!
//! # Detection
//! The CUDA that a framework in the image was built with, by its files, beside the CUDA of the driver's branch, by the
//! table. An image of a container runs on its host's driver: then the newest branch for the card counts.
//!
//! # Fix
//! A framework for the CUDA that the driver runs, or a newer driver, if there is one for the card.
//!
//! # Source
//! <https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Verdict, Who,
    fact::{Facts, Python},
    knowledge::branch,
    targets::{
        self, Card,
        driver::{self, ImageDriver, Installed},
        frameworks::{self, Framework},
    },
    wheels,
};

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Targets, Source::Module, Source::Installation, Source::NextBoot, Source::Frameworks],
    needs: &[],
    severity: Severity::Unusable,
    who: Who::ImageBaker,
    judge: judge_all,
};

/// Why there is no driver to judge by, and what that is for a framework.
type Why = (Verdict, String);

/// A driver that is to run something.
struct Runner<'a> {
    label: String,
    cuda: (i32, i32),
    version: Option<&'a str>,
}

fn judge_all(facts: &Facts, knowledge: &Knowledge) -> Judged {
    targets::each_card(facts, knowledge, |card| {
        let runner = runner(facts, knowledge, card);
        let judge = |python| judge_python(facts, knowledge, card, python, runner.as_ref());
        facts.pythons().flat_map(judge).collect()
    })
}

/// The driver that will run there; why none is to be judged by.
fn runner<'a>(facts: &'a Facts, knowledge: &Knowledge, card: Card<'_>) -> Result<Runner<'a>, Why> {
    let untold = |what: String| (Verdict::Unknown, what);
    let installed = match driver::of_image(facts) {
        ImageDriver::Untold(why) => {
            return Err(untold(format!("the driver in the image: {why}")));
        }
        ImageDriver::Missing => {
            return Err((Verdict::NotApplicable, "no driver is installed in the image".to_owned()));
        }
        ImageDriver::Hosts => {
            let newest = knowledge.newest_driver(card.architecture);
            let why = || untold(format!("the tables know no driver for {}", card.architecture));
            return newest
                .map(|row| Runner {
                    label: format!("branch {}, the newest that a host can have", row.branch),
                    cuda: row.cuda,
                    version: None,
                })
                .ok_or_else(why);
        }
        ImageDriver::Is(installed) => installed,
    };
    let branch = installed
        .version
        .and_then(branch)
        .ok_or_else(|| untold("the version of the driver in the image is not told".to_owned()))?;
    let row = knowledge
        .driver(branch)
        .ok_or_else(|| untold(format!("the tables do not know driver branch {branch}")))?;
    Ok(Runner { label: Installed::label(&installed), cuda: row.cuda, version: installed.version })
}

fn judge_python(
    facts: &Facts,
    knowledge: &Knowledge,
    card: Card<'_>,
    python: &Python,
    runner: Result<&Runner<'_>, &Why>,
) -> Vec<Finding> {
    let subject = python.subject();
    let found = match frameworks::frameworks(python) {
        Ok(found) => found,
        Err(why) => return vec![Finding::unknown(subject, why)],
    };
    let judge = |framework: &Framework<'_>| match runner {
        Err((verdict, why)) => Finding::new(subject.clone(), *verdict, why.clone()),
        Ok(runner) => judge_framework(facts, knowledge, (card, python), *framework, runner),
    };
    found.iter().filter(|framework| !framework.is_for_cpus()).map(judge).collect()
}

fn judge_framework(
    facts: &Facts,
    knowledge: &Knowledge,
    (card, python): (Card<'_>, &Python),
    framework: Framework<'_>,
    runner: &Runner<'_>,
) -> Finding {
    let (subject, label, target) = (python.subject(), framework.label(), card.target.name);
    let Some(wanted) = framework.cuda(knowledge) else {
        return Finding::unknown(subject, format!("{label} does not tell its CUDA"));
    };
    let said = format!(
        "{target}: {label} is for CUDA {}.{}, {} runs {}.{}",
        wanted.0, wanted.1, runner.label, runner.cuda.0, runner.cuda.1
    );
    if runner.cuda >= wanted || wheels::runs(runner.cuda, wanted) {
        return Finding::pass(subject, said);
    }
    let least = knowledge.driver_for_cuda(wanted);
    let wants = least.map(|least| format!("CUDA {}.{} wants driver {least} or newer", wanted.0, wanted.1));
    let finding = Finding::fail(subject, said)
        .because(wants.unwrap_or_default())
        .with("target", target)
        .with("framework", label)
        .with("driver", runner.label.clone());
    framework.replace(facts, knowledge, python, (card, runner.version), finding)
}
