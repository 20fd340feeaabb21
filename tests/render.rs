//! The report as JUnit XML, HTML and Markdown: what stands in it, and that no machine's text can break it.

mod browser;
mod goldens;
mod hostile;
mod html;
mod junit;
mod markdown;

use crate::machine::Machine;
use gpucheck_checks::{Knowledge, Language, Profile, Report, Selection};
use std::{path::PathBuf, sync::LazyLock};

static KNOWLEDGE: LazyLock<Knowledge> = LazyLock::new(|| Knowledge::built_in().unwrap());

/// What is said of a machine where this is asked.
fn asked(profile: Profile, machine: &str) -> Report {
    profile.judge(&Machine::load(machine).facts, &KNOWLEDGE, &Selection::default())
}

/// What is said of every machine, by the machine's name.
fn all() -> Vec<(String, Report)> {
    let judge = |machine: Machine| {
        let report = Profile::of(&machine.facts).judge(&machine.facts, &KNOWLEDGE, &Selection::default());
        (machine.name, report)
    };
    Machine::all().into_iter().map(judge).collect()
}

/// A report of each kind, by a name of its own.
fn samples() -> Vec<(&'static str, Report)> {
    vec![
        ("usable", asked(Profile::Check, "t4-535")),
        ("unusable", asked(Profile::Check, "two-diseases")),
        ("not-ready", asked(Profile::Publish, "module-missing-new-kernel")),
        ("warnings", asked(Profile::Publish, "persistence-mode-off")),
        ("slow", asked(Profile::Slow, "slow-on-cpu")),
        ("incomplete", asked(Profile::Bake, "no-python")),
    ]
}

/// The name of a language, as files have it.
fn code(language: Language) -> &'static str {
    match language {
        Language::English => "en",
        Language::Korean => "ko",
    }
}

/// Where the real parts lie that tests/parts makes.
fn part(name: &str) -> PathBuf {
    let target = || PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("../test-parts");
    std::env::var_os("GPUCHECK_TEST_PARTS").map_or_else(target, PathBuf::from).join(name)
}
