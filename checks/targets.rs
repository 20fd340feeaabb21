//! What the checks of targets have in common: the machines that an image is meant for, and the driver in the image.

pub(crate) mod driver;
pub(crate) mod frameworks;

use crate::{
    Architecture, ArchitectureRow, Finding, Judged, Knowledge, Modules, Subject,
    fact::{Facts, Observed},
    knowledge::{DriverKind, TargetGpu, TargetMachine},
};

/// A machine that an image is meant for.
pub(crate) struct Target<'a> {
    /// As whoever bakes it calls it.
    pub(crate) name: &'a str,
    /// As the tables know it.
    pub(crate) machine: TargetMachine,
}

/// A target's GPU of NVIDIA's.
#[derive(Clone, Copy)]
pub(crate) struct Card<'a> {
    pub(crate) target: &'a Target<'a>,
    pub(crate) name: &'a str,
    pub(crate) architecture: Architecture,
    pub(crate) capability: (i32, i32),
    /// As sold, in GiB.
    pub(crate) memory_gib: u32,
    /// What programs get of it, in MiB; none where that is not known.
    pub(crate) usable_mib: Option<u32>,
}

impl Target<'_> {
    /// Its GPU, where that is one of NVIDIA's.
    pub(crate) fn card(&self) -> Option<Card<'_>> {
        match &self.machine.gpu {
            TargetGpu::Nvidia { name, architecture, capability, memory_gib, usable_mib } => Some(Card {
                target: self,
                name,
                architecture: *architecture,
                capability: *capability,
                memory_gib: *memory_gib,
                usable_mib: *usable_mib,
            }),
            TargetGpu::Amd(_) | TargetGpu::None => None,
        }
    }

    /// Only Microsoft's GRID driver works there.
    pub(crate) fn wants_grid(&self) -> bool {
        self.machine.driver == Some(DriverKind::Grid)
    }
}

impl Card<'_> {
    /// `Standard_NC4as_T4_v3 (Tesla T4, compute capability 7.5)`.
    pub(crate) fn described(&self) -> String {
        let (major, minor) = self.capability;
        let name =
            if self.target.machine.series.is_some() { format!("{}, ", self.name) } else { String::new() };
        format!("{} ({name}compute capability {major}.{minor})", self.target.name)
    }
}

/// The targets that the tables know; none where nobody asked for one.
pub(crate) fn all<'a>(facts: &'a Facts, knowledge: &Knowledge) -> Vec<Target<'a>> {
    let asked = facts.targets.seen().into_iter().flat_map(|targets| &targets.machines);
    asked
        .filter_map(|asked| Some(Target { name: &asked.name, machine: knowledge.target(&asked.name)? }))
        .collect()
}

/// Judges each target; what the tables do not know is not told. Nothing where the question was another one.
pub(crate) fn each(
    facts: &Facts,
    knowledge: &Knowledge,
    judge: impl Fn(&Target<'_>) -> Vec<Finding>,
) -> Judged {
    match &facts.targets {
        Observed::NotProbed { .. } => Vec::new(),
        Observed::Failed(_) | Observed::Interrupted { .. } => {
            vec![Finding::unknown(Subject::Host, facts.targets.why_not())]
        }
        Observed::Seen(_) => all(facts, knowledge).iter().flat_map(judge).collect(),
    }
}

/// Judges the GPU of each target that has one of NVIDIA's; the others are another check's.
pub(crate) fn each_card(
    facts: &Facts,
    knowledge: &Knowledge,
    judge: impl Fn(Card<'_>) -> Vec<Finding>,
) -> Judged {
    each(facts, knowledge, |target| target.card().map(&judge).unwrap_or_default())
}

/// What holds for the architectures of all targets together, as the drivers that work on every one of them.
pub(crate) struct Together {
    /// The first branch that knows them all.
    pub(crate) first: u32,
    /// The last branch that supports them all; none while NVIDIA goes on.
    pub(crate) last: Option<u32>,
    /// Only the open module drives one of them.
    pub(crate) open: bool,
}

impl Together {
    /// One driver for all targets; none where there is no such driver.
    pub(crate) fn of_all(facts: &Facts, knowledge: &Knowledge) -> Option<Self> {
        let targets = all(facts, knowledge);
        let cards: Vec<&ArchitectureRow> =
            targets.iter().filter_map(|target| knowledge.architecture(target.card()?.architecture)).collect();
        Self::of(&cards)
    }

    pub(crate) fn of(cards: &[&ArchitectureRow]) -> Option<Self> {
        let first = cards.iter().map(|card| card.first_branch).max()?;
        let last = cards.iter().filter_map(|card| card.last_branch).min();
        let open = cards.iter().any(|card| card.modules == Modules::Open);
        let closed = cards.iter().any(|card| card.modules == Modules::Proprietary);
        let fits = !(open && closed) && last.is_none_or(|last| last >= first);
        fits.then_some(Self { first, last, open })
    }
}
