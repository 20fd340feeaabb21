//! Jupyter's kernels: what each starts, and with which variables.

use super::{
    What,
    compare::{Found, Thing},
};
use crate::fact::{Facts, Kernelspec, Notebooks, Program, ProgramState};

pub(super) fn compare(before: &Facts, now: &Facts, found: &mut Found) {
    let Some((was, is)) = before.notebooks.seen().zip(now.notebooks.seen()) else {
        found.unseen(What::Kernelspec, &before.notebooks, &now.notebooks);
        return;
    };
    for kernel in &was.kernelspecs {
        kernelspec(&was.name_of(kernel), Some(kernel), same(is, kernel), found);
    }
    for kernel in is.kernelspecs.iter().filter(|kernel| same(was, kernel).is_none()) {
        kernelspec(&is.name_of(kernel), None, Some(kernel), found);
    }
}

fn same<'a>(notebooks: &'a Notebooks, kernel: &Kernelspec) -> Option<&'a Kernelspec> {
    notebooks.kernelspecs.iter().find(|other| other.name == kernel.name && other.folder == kernel.folder)
}

fn kernelspec(name: &str, was: Option<&Kernelspec>, is: Option<&Kernelspec>, found: &mut Found) {
    let folder = was.or(is).map(|kernel| kernel.folder.clone());
    let [from, to] = [was, is].map(|kernel| kernel.map(described));
    let thing = Thing { what: What::Kernelspec, subject: name, place: folder.as_deref() };
    found.value(thing, from.as_deref(), to.as_deref());
}

/// Its variables and its command, and whether that can be started.
fn described(kernel: &Kernelspec) -> String {
    let Some(spec) = kernel.spec.seen() else { return "unreadable".to_owned() };
    let variables = spec.env.iter().map(|(name, value)| format!("{name}={value:?}"));
    let others = spec.sets.iter().filter(|name| !spec.env.contains_key(*name));
    let others = others.map(|name| format!("{name}=..."));
    let words = variables.chain(others).chain(spec.argv.iter().cloned());
    let command = words.collect::<Vec<_>>().join(" ");
    match &kernel.program {
        Program::File { state: ProgramState::Missing, path } => format!("{command} ({path} is gone)"),
        Program::File { state: ProgramState::NotExecutable, path } => {
            format!("{command} ({path} may not be executed)")
        }
        Program::File { state: ProgramState::Executable | ProgramState::Hidden, .. }
        | Program::OfServer
        | Program::Untold { .. } => command,
    }
}
