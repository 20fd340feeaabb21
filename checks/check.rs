//! What a check and a cause are made of: data and one function pointer.

use crate::{Finding, Judged, Knowledge, Outcome, Severity, Who, fact::Facts};

/// A source of facts: what has to be probed for a check to be judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// [`Facts::platform`].
    Platform,
    /// [`Facts::pci`].
    Pci,
    /// [`Facts::module`].
    Module,
    /// [`Facts::log`].
    Log,
    /// [`Facts::installation`].
    Installation,
    /// [`Facts::nvml`].
    Nvml,
    /// [`Facts::driver`].
    Driver,
    /// [`Facts::compute`].
    Compute,
    /// [`Facts::frameworks`].
    Frameworks,
    /// [`Facts::processes`].
    Processes,
    /// [`Facts::notebooks`].
    Notebooks,
    /// [`Facts::work`].
    Work,
    /// [`Facts::load`].
    Load,
    /// [`Facts::next_boot`].
    NextBoot,
    /// [`Facts::updates`].
    Updates,
    /// [`Facts::clones`].
    Clones,
    /// [`Facts::classroom`].
    Classroom,
    /// [`Facts::targets`].
    Targets,
    /// [`Facts::inventory`].
    Inventory,
    /// [`Facts::users`].
    Users,
}

impl Source {
    /// What takes its time or tells of tomorrow is looked at only where a command asks for it.
    pub(crate) const ASKED_FOR: [Self; 8] = [
        Self::Load,
        Self::NextBoot,
        Self::Updates,
        Self::Clones,
        Self::Classroom,
        Self::Targets,
        Self::Inventory,
        Self::Users,
    ];
}

/// One statement about a machine that holds when it is healthy. Its id is its path, its manual the doc comment
/// of its file.
pub struct Check {
    /// What it reads.
    pub reads: &'static [Source],
    /// Ids of the checks without which this one cannot pass, for physical reasons.
    pub needs: &'static [&'static str],
    /// How bad it is where it fails for no named cause.
    pub severity: Severity,
    /// Whose problem it is then.
    pub who: Who,
    /// Judges facts. Total: any facts give findings.
    pub judge: fn(&Facts, &Knowledge) -> Judged,
}

/// A named disease: the pattern across facts and outcomes that makes it the root of failed checks.
pub struct Cause {
    /// Ids of the checks whose failure it accounts for.
    pub explains: &'static [&'static str],
    /// How bad it is.
    pub severity: Severity,
    /// Whose problem it is.
    pub who: Who,
    /// Recognizes it, once for each subject that has it.
    pub recognize: fn(&Facts, &Knowledge, &[Outcome]) -> Vec<Finding>,
}
