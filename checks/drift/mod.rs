//! What changed since a machine was recorded, when and by whom, and whether that explains what fails now.
//!
//! Invariants: pure, total and without noise: what differs between two clones of one image (names, addresses, numbers of
//! processes, times, free memory) is no change; a change explains a failure only where one physically follows from the
//! other and both are about the same place; what is not known on one side is never a change.

mod compare;
mod explain;
mod history;
mod machine;
mod notebooks;
mod packages;
mod rules;
#[cfg(test)]
mod tests;

use crate::{
    Knowledge, MachineVerdict, Report, Root, RootReference, Selection, diagnose,
    fact::{Facts, Installer},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What changed on a machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Drift {
    /// With what it was compared.
    pub baseline: Baseline,
    /// What changed; what explains a failure comes first.
    pub changes: Vec<Change>,
    /// Each root of the report, in its order, and what the comparison says of it.
    pub roots: Vec<Compared>,
    /// What could not be compared.
    pub untold: Vec<Untold>,
}

/// With what a machine is compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Baseline {
    /// When it was recorded, RFC 3339 in UTC.
    pub taken_at: String,
    /// Version of the gpucheck that recorded it.
    pub gpucheck: String,
    /// Whether its GPU was usable, judged as today.
    pub verdict: MachineVerdict,
}

/// Something that is not as it was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Change {
    /// What kind of thing.
    pub what: What,
    /// Which one: a package, a variable, a kernel, a setting; of the others what they are.
    pub subject: String,
    /// The environment that it is in: its folder, of the system's Pythons the interpreter; none for the whole machine.
    pub place: Option<String>,
    /// What it was; none where it was not there.
    pub from: Option<String>,
    /// What it is; none where it is gone.
    pub to: Option<String>,
    /// When it was done, where a log or a file tells: with `Z` in UTC, without it the machine's local time.
    pub when: Option<String>,
    /// By whom, where that is told.
    pub by: Option<By>,
    /// It is about the GPU or about what computes on it.
    pub matters: bool,
    /// The roots that follow from it.
    pub explains: Vec<RootReference>,
    /// The roots that it may have to do with.
    pub may_explain: Vec<RootReference>,
}

/// Kinds of things that change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The module of NVIDIA's driver that is loaded.
    Driver,
    /// The driver's libraries.
    DriverLibraries,
    /// The Linux that runs.
    Linux,
    /// The release of the operating system.
    Os,
    /// The GPUs.
    Gpu,
    /// The size of the virtual machine.
    Size,
    /// A setting of the machine, its firmware or its GPUs.
    Setting,
    /// An environment of Python, or its Python.
    Environment,
    /// A notebook kernel.
    Kernelspec,
    /// A variable of the asking shell.
    Variable,
    /// A package, of the system or of an environment.
    Package,
}

/// Who made a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct By {
    /// The program.
    pub installer: Installer,
    /// Its command line, where the log has it.
    pub command: Option<String>,
    /// What was asked for by name, where that is told and no command is.
    pub asked_for: Vec<String>,
    /// Whether an ordinary user asked for it; none where that is not told.
    pub by_user: Option<bool>,
    /// The log or the folder that tells.
    pub log: String,
}

/// A root of the report beside what was before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Compared {
    /// The root.
    pub root: RootReference,
    /// What the comparison says of it.
    pub since: Since,
}

/// What a comparison says of a root.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Since {
    /// It was so already.
    Already,
    /// It is new, and a change explains it.
    Explained,
    /// It is new, and a change may have to do with it.
    PerhapsExplained,
    /// It is new, and no change explains it.
    Unexplained,
    /// Whether it was so is not known.
    Unknown,
}

/// Something that could not be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Untold {
    /// What kind of thing.
    pub what: What,
    /// Which one; empty for all of them.
    pub subject: String,
    /// Why not.
    pub why: String,
}

impl Drift {
    /// Whether something changed that is about the GPU or what computes on it.
    pub fn matters(&self) -> bool {
        self.changes.iter().any(|change| change.matters || !change.explains.is_empty())
    }

    /// What the comparison says of a root.
    pub fn of(&self, root: &Root) -> Option<Since> {
        self.roots.iter().find(|compared| compared.root.is(root)).map(|compared| compared.since)
    }
}

impl RootReference {
    /// The reference to a root.
    pub(crate) fn to(root: &Root) -> Self {
        Self { id: root.id.clone(), cause: root.cause.clone(), subject: root.subject.clone() }
    }

    /// Whether it refers to this root.
    pub fn is(&self, root: &Root) -> bool {
        self.id == root.id && self.cause == root.cause && self.subject == root.subject
    }
}

/// Compares a machine with what it was. Any two machines can be compared.
pub fn drift(before: &Facts, now: &Facts, knowledge: &Knowledge) -> Drift {
    let all = Selection::default();
    let (was, is) = (diagnose(before, knowledge, &all), diagnose(now, knowledge, &all));
    let mut found = compare::Found::default();
    machine::compare(before, now, knowledge, &mut found);
    packages::compare(before, now, &mut found);
    notebooks::compare(before, now, &mut found);
    let compare::Found { mut changes, mut untold } = found;
    history::attach(&mut changes, now);
    let roots = explain::explain(&mut changes, &was, &is, now);
    // Another person's shell is no change of the machine's.
    if !same_user(before, now) {
        changes.retain(|change| !is_personal(change) || explain::explains_something(change));
        // Root looks into its own home; nobody else may, and nobody else has to.
        untold.retain(|untold| !is_home(&untold.subject));
    }
    explain::sort(&mut changes, &roots);
    Drift { baseline: baseline(&was), changes, roots, untold }
}

fn baseline(was: &Report) -> Baseline {
    Baseline { taken_at: was.taken_at.clone(), gpucheck: was.gpucheck.clone(), verdict: was.verdict }
}

/// Whether one person asked both times, as far as is known.
fn same_user(before: &Facts, now: &Facts) -> bool {
    let user = |facts: &Facts| facts.platform.seen().map(|platform| platform.user.uid);
    user(before).zip(user(now)).is_none_or(|(before, now)| before == now)
}

fn is_home(path: &str) -> bool {
    path.starts_with("/home/") || path == "/root" || path.starts_with("/root/")
}

/// What each person has of their own: variables, and what lies in a home.
fn is_personal(change: &Change) -> bool {
    match change.what {
        What::Variable => true,
        What::Kernelspec | What::Environment => change.place.as_deref().is_some_and(is_home),
        What::Driver
        | What::DriverLibraries
        | What::Linux
        | What::Os
        | What::Gpu
        | What::Size
        | What::Setting
        | What::Package => false,
    }
}
