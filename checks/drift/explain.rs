//! Which change explains which failure.
//!
//! Invariant: a root that was there before is explained by nothing that happened since; what happened in another
//! environment explains nothing here.

use super::{Change, Compared, Since, What, rules};
use crate::{
    Outcome, Report, Root, RootReference, Subject, Verdict,
    fact::{Facts, Kernelspec},
};

/// How a change stands to the place that a root is about.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    Same,
    Perhaps,
    Other,
}

/// Matches changes with roots; says of each root whether it is new and what explains it.
pub(super) fn explain(changes: &mut [Change], was: &Report, is: &Report, now: &Facts) -> Vec<Compared> {
    for change in changes.iter_mut() {
        change.matters = rules::about(change).next().is_some() || change.what < What::Environment;
    }
    is.roots.iter().map(|root| compared(root, changes, was, now)).collect()
}

fn compared(root: &Root, changes: &mut [Change], was: &Report, now: &Facts) -> Compared {
    let reference = RootReference::to(root);
    let since = if was.roots.iter().any(|known| is_same(known, root)) {
        Since::Already
    } else {
        let (mut explained, mut perhaps) = (false, false);
        for change in changes.iter_mut() {
            match judge(change, root, now) {
                Reach::Same => {
                    explained = true;
                    change.explains.push(reference.clone());
                }
                Reach::Perhaps => {
                    perhaps = true;
                    change.may_explain.push(reference.clone());
                }
                Reach::Other => {}
            }
        }
        match (explained, perhaps, was_told(root, was)) {
            (true, _, _) => Since::Explained,
            (false, true, _) => Since::PerhapsExplained,
            (false, false, true) => Since::Unexplained,
            (false, false, false) => Since::Unknown,
        }
    };
    Compared { root: reference, since }
}

/// The same trouble at the same place; a clone's GPUs have other addresses.
fn is_same(known: &Root, root: &Root) -> bool {
    known.id == root.id && known.cause == root.cause && is_same_place(&known.subject, &root.subject)
}

fn is_same_place(one: &Subject, other: &Subject) -> bool {
    one == other || matches!((one, other), (Subject::Gpu(_), Subject::Gpu(_)))
}

/// Whether it was known that this did not fail.
fn was_told(root: &Root, was: &Report) -> bool {
    let of_it = |outcome: &&Outcome| outcome.id == root.id && is_same_place(&outcome.subject, &root.subject);
    was.outcomes.iter().filter(of_it).any(|outcome| outcome.verdict != Verdict::Unknown)
}

fn judge(change: &Change, root: &Root, now: &Facts) -> Reach {
    let reach = reach(change, &root.subject, now);
    if reach == Reach::Other {
        return Reach::Other;
    }
    let is_named = |ids: &[&str]| {
        let names = |id: &str| ids.iter().any(|known| matches(known, id));
        root.cause.as_deref().map_or_else(|| names(&root.id), names)
    };
    let mut perhaps = false;
    for rule in rules::about(change) {
        if is_named(rule.explains) {
            return reach;
        }
        perhaps |= is_named(rule.perhaps);
    }
    if perhaps || (change.what == What::Package && change.place.is_some() && names(root, &change.subject)) {
        return Reach::Perhaps;
    }
    Reach::Other
}

/// Whether an id is this one; of one with a `*` whether it begins and ends so.
fn matches(known: &str, id: &str) -> bool {
    match known.split_once('*') {
        Some((begin, end)) => {
            id.len() >= begin.len() + end.len() && id.starts_with(begin) && id.ends_with(end)
        }
        None => known == id,
    }
}

/// Whether what was seen of a root names this package as a word.
fn names(root: &Root, package: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || "._-".contains(c);
    let lines = std::iter::once(&root.summary).chain(&root.evidence);
    lines.flat_map(|line| line.split(|c: char| !is_word(c))).any(|word| word.eq_ignore_ascii_case(package))
}

/// Whether a change reaches what a root is about: the machine reaches all, an environment its own Pythons and kernels.
fn reach(change: &Change, subject: &Subject, now: &Facts) -> Reach {
    match change.what {
        What::Kernelspec => of_kernel(&change.subject, subject, now),
        What::Package | What::Environment => match &change.place {
            Some(place) => of_environment(place, subject, now),
            None => Reach::Same,
        },
        What::Driver
        | What::DriverLibraries
        | What::Linux
        | What::Os
        | What::Gpu
        | What::Size
        | What::Setting
        | What::Variable => Reach::Same,
    }
}

fn of_kernel(kernel: &str, subject: &Subject, now: &Facts) -> Reach {
    let is_started_by = |python: &str| {
        now.pythons().any(|known| known.name() == python && known.kernels.iter().any(|name| name == kernel))
    };
    let is_same = match subject {
        Subject::Notebook(name) => name == kernel,
        Subject::Python(name) => is_started_by(name),
        Subject::Host | Subject::Gpu(_) => false,
    };
    if is_same { Reach::Same } else { Reach::Other }
}

fn of_environment(place: &str, subject: &Subject, now: &Facts) -> Reach {
    let is_here = |path: &str| is_in(path, place);
    let stock = now.inventory.seen().and_then(|inventory| inventory.environments.get(place)?.seen());
    let python_is_here = |name: &str| {
        let known = now.pythons().find(|python| python.name() == name);
        let prefix = known.and_then(|python| python.interpreter.seen()).map(|seen| seen.prefix.as_str());
        let is_stocks = known.is_some_and(|python| stock.is_some_and(|stock| stock.python == python.path));
        is_here(name)
            || known.is_some_and(|python| is_here(&python.path))
            || prefix == Some(place)
            || is_stocks
    };
    let kernel_is_here = |kernel: &Kernelspec| {
        let runs = kernel.environment.as_ref().map(|there| there.prefix.as_str());
        let starts = kernel.spec.seen().and_then(|spec| spec.argv.first());
        runs == Some(place) || starts.is_some_and(|program| is_here(program))
    };
    let is_same = match subject {
        Subject::Python(name) => python_is_here(name),
        Subject::Notebook(_) => crate::jupyter::kernel_of(now, subject).is_some_and(kernel_is_here),
        // A framework's trouble that shows on the whole machine may be of any of them.
        Subject::Host | Subject::Gpu(_) => return Reach::Perhaps,
    };
    if is_same { Reach::Same } else { Reach::Other }
}

/// Whether a program lies in an environment: below its folder, or is itself the interpreter that it is named by.
fn is_in(path: &str, place: &str) -> bool {
    path.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ' ']))
}

/// Whether a change has to do with a failure.
pub(super) fn explains_something(change: &Change) -> bool {
    !change.explains.is_empty() || !change.may_explain.is_empty()
}

/// What explains the first root comes first, then what may have to do with it, then what matters.
pub(super) fn sort(changes: &mut [Change], roots: &[Compared]) {
    let first = |references: &[RootReference]| {
        let place = |known: &Compared| references.contains(&known.root);
        roots.iter().position(place).unwrap_or(usize::MAX)
    };
    changes.sort_by_key(|change| {
        let (explains, perhaps) = (first(&change.explains), first(&change.may_explain));
        (explains, perhaps, !change.matters, change.what, change.place.clone(), change.subject.clone())
    });
}
