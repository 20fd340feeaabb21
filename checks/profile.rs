//! What a report is for: the question that was asked, by which checks are chosen and the verdict is given.

use crate::{
    Knowledge, Report, Selection, Source, bake::bake, bottleneck, diagnose::diagnose, fact::Facts,
    fact::Observed, publish::publish, slow::slow, slow::slow_sources,
};
use std::collections::BTreeSet;

/// The question that a machine was looked at for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// Is the GPU usable now?
    Check,
    /// What makes it slow?
    Slow,
    /// Is this template ready to be published?
    Publish,
    /// Is this image good for the machines that it is meant for?
    Bake,
    /// Is the GPU usable now, and what changed since the template was saved?
    Drift,
}

impl Profile {
    /// The question that these facts were taken for: by what was looked at that no other question asks for.
    pub fn of(facts: &Facts) -> Self {
        if bottleneck::is_watched(facts) {
            Self::Slow
        } else if was_asked_for(&facts.targets) {
            Self::Bake
        } else if was_asked_for(&facts.classroom) {
            Self::Publish
        } else {
            Self::Check
        }
    }

    /// The sources that it reads.
    pub fn sources(self, selection: &Selection) -> BTreeSet<Source> {
        let mut sources = selection.sources();
        match self {
            Self::Slow => return slow_sources(),
            Self::Check => {}
            Self::Drift => {
                sources.extend([Source::Inventory, Source::Notebooks, Source::Installation, Source::Nvml]);
            }
            Self::Publish => sources.extend([
                Source::NextBoot,
                Source::Updates,
                Source::Clones,
                Source::Classroom,
                Source::Users,
                Source::Inventory,
            ]),
            Self::Bake => sources.extend([
                Source::NextBoot,
                Source::Updates,
                Source::Clones,
                Source::Targets,
                Source::Inventory,
            ]),
        }
        sources
    }

    /// Judges facts. Any facts give a report.
    pub fn judge(self, facts: &Facts, knowledge: &Knowledge, selection: &Selection) -> Report {
        match self {
            Self::Check => diagnose(facts, knowledge, selection),
            Self::Slow => slow(facts, knowledge),
            Self::Publish => publish(facts, knowledge, selection),
            Self::Bake => bake(facts, knowledge, selection),
            Self::Drift => Report { profile: "drift".to_owned(), ..diagnose(facts, knowledge, selection) },
        }
    }
}

fn was_asked_for<T>(source: &Observed<T>) -> bool {
    !matches!(source, Observed::NotProbed { .. })
}
