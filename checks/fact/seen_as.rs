//! What several users see of one machine, put together.
//!
//! Invariants: what a user sees as everybody does stands once; what only this user has, or meets otherwise, stands beside
//! it with the user's name, so that no user's answer can pass for another's.

use super::{Facts, Frameworks, Kernelspec, Notebooks, Observed, Packages, Python, behaviour::behaviour};
use std::collections::{BTreeMap, BTreeSet};

#[cfg(test)]
mod tests;

impl Facts {
    /// Takes in what one user sees. Nothing where what everybody sees is not known: there is nothing to put it beside.
    pub fn take_in(&mut self, user: &str, uid: u32, notebooks: &Notebooks, frameworks: &Frameworks) {
        let (Observed::Seen(all), Observed::Seen(pythons)) = (&mut self.notebooks, &mut self.frameworks)
        else {
            return;
        };
        let own = Own::of(notebooks, frameworks, all, pythons);
        forget(all, pythons, &own);
        let is_own = |kernel: &Kernelspec| own.kernels.contains(kernel.folder.as_str());
        let kernels = notebooks.kernelspecs.iter().filter(|kernel| is_own(kernel));
        all.kernelspecs.extend(kernels.clone().map(|kernel| of_user(kernel, user)));
        for kernel in kernels {
            if let Some(why) = frameworks.notebooks_not_started.get(&notebooks.name_of(kernel)) {
                let name = all.name_of(&of_user(kernel, user));
                pythons.notebooks_not_started.insert(name, why.clone());
            }
        }
        for (python, started) in &own.pythons {
            let started = started.iter().filter(|kernel| is_own(kernel));
            pythons.pythons.push(Python {
                ran_as: Some(uid),
                user: Some(user.to_owned()),
                kernels: started.map(|kernel| all.name_of(&of_user(kernel, user))).collect(),
                ..(*python).clone()
            });
        }
        add_rest(all, pythons, notebooks, frameworks);
    }
}

fn of_user(kernel: &Kernelspec, user: &str) -> Kernelspec {
    Kernelspec { user: Some(user.to_owned()), ..kernel.clone() }
}

/// What a user has alone, or meets otherwise than everybody.
#[derive(Default)]
struct Own<'a> {
    /// Folders of kernels.
    kernels: BTreeSet<&'a str>,
    /// Pythons, and the user's kernels that each starts.
    pythons: Vec<(&'a Python, Vec<&'a Kernelspec>)>,
    /// Names of Pythons that root may not look at, and the user did.
    replaced: BTreeSet<String>,
    /// Folders of kernels whose Python was looked at as the user.
    looked_at: BTreeSet<&'a str>,
}

impl<'a> Own<'a> {
    fn of(
        notebooks: &'a Notebooks,
        frameworks: &'a Frameworks,
        all: &Notebooks,
        pythons: &Frameworks,
    ) -> Self {
        let mut own = Self::default();
        let untold = |of: &Frameworks, name: &str| of.notebooks_not_started.contains_key(name);
        for kernel in &notebooks.kernelspecs {
            let known = all.kernelspecs.iter().find(|known| is_same_place(known, kernel));
            let is_same = known.is_some_and(|known| {
                starts_alike(known, kernel)
                    && untold(pythons, &all.name_of(known)) == untold(frameworks, &notebooks.name_of(kernel))
            });
            if !is_same {
                own.kernels.insert(&kernel.folder);
            }
        }
        for python in &frameworks.pythons {
            own.add(python, started_by(python, notebooks), all, pythons);
        }
        own
    }

    fn add(
        &mut self,
        python: &'a Python,
        started: Vec<&'a Kernelspec>,
        all: &Notebooks,
        pythons: &Frameworks,
    ) {
        let folders = || started.iter().map(|kernel| kernel.folder.as_str());
        let known = counterpart(python, &started, all, pythons);
        if let Some(known) = known.filter(|known| is_unlooked(known) && !is_unlooked(python)) {
            self.replaced.insert(known.name());
        }
        if !is_unlooked(python) {
            self.looked_at.extend(folders());
        }
        if started.is_empty() && has_nothing(python) {
            return;
        }
        if known.is_none_or(|known| behaviour(known) != behaviour(python)) {
            self.kernels.extend(folders());
            self.pythons.push((python, started));
        } else if folders().any(|folder| self.kernels.contains(folder)) {
            self.pythons.push((python, started));
        }
    }
}

/// Servers, environments and files that set variables, each once.
fn add_rest(all: &mut Notebooks, pythons: &mut Frameworks, notebooks: &Notebooks, frameworks: &Frameworks) {
    let known: BTreeSet<i32> = all.servers.iter().map(|server| server.pid).collect();
    all.servers.extend(notebooks.servers.iter().filter(|server| !known.contains(&server.pid)).cloned());
    all.more = all.more.max(notebooks.more);
    let known: BTreeSet<String> = pythons.environments.iter().map(|found| found.prefix.clone()).collect();
    let more = frameworks.environments.iter().filter(|found| !known.contains(&found.prefix));
    pythons.environments.extend(more.cloned());
    for (all, seen) in [
        (&mut pythons.library_path_set_in, &frameworks.library_path_set_in),
        (&mut pythons.visible_devices_set_in, &frameworks.visible_devices_set_in),
    ] {
        let more: Vec<String> = seen.iter().filter(|line| !all.contains(line)).cloned().collect();
        all.extend(more);
    }
}

/// The kernels that a Python is started by.
fn started_by<'a>(python: &Python, notebooks: &'a Notebooks) -> Vec<&'a Kernelspec> {
    let is_started = |kernel: &&Kernelspec| python.kernels.contains(&notebooks.name_of(kernel));
    notebooks.kernelspecs.iter().filter(is_started).collect()
}

fn is_same_place(one: &Kernelspec, other: &Kernelspec) -> bool {
    one.user.is_none() && one.folder == other.folder && one.name == other.name
}

/// Whether a kernel starts the same for both: whoever may not read or execute its files meets another one.
fn starts_alike(one: &Kernelspec, other: &Kernelspec) -> bool {
    one.spec == other.spec && one.program == other.program && one.lacks_framework() == other.lacks_framework()
}

/// The same Python as everybody has it: one that starts the same kernel, else the one at the same path that starts none.
fn counterpart<'a>(
    python: &Python,
    started: &[&Kernelspec],
    all: &Notebooks,
    pythons: &'a Frameworks,
) -> Option<&'a Python> {
    let shared = all.kernelspecs.iter().filter(|known| started.iter().any(|own| is_same_place(known, own)));
    let shared: Vec<String> = shared.map(|known| all.name_of(known)).collect();
    let everybody_s = || pythons.pythons.iter().filter(|known| known.user.is_none());
    let by_kernel = everybody_s().find(|known| known.kernels.iter().any(|name| shared.contains(name)));
    by_kernel.or_else(|| everybody_s().find(|known| known.path == python.path && known.kernels.is_empty()))
}

/// Whether a Python runs and has no framework: nobody asks whether a GPU can be used from it.
fn has_nothing(python: &Python) -> bool {
    python.interpreter.failure().is_none()
        && !matches!(python.tensorflow, Observed::Seen(Some(_)) | Observed::Failed(_))
        && !python.packages.seen().is_some_and(Packages::has_framework)
}

fn is_unlooked(python: &Python) -> bool {
    matches!(python.interpreter, Observed::NotProbed { .. })
}

/// Takes away what root could not look at and a user could.
fn forget(all: &mut Notebooks, pythons: &mut Frameworks, own: &Own<'_>) {
    let named = |all: &Notebooks| -> Vec<(String, String)> {
        let everybody_s = all.kernelspecs.iter().filter(|kernel| kernel.user.is_none());
        everybody_s.map(|kernel| (kernel.folder.clone(), all.name_of(kernel))).collect()
    };
    let before = named(all);
    let is_untold = |name: &String| {
        let mut unlooked = pythons.pythons.iter().filter(|python| own.replaced.contains(&python.name()));
        pythons.notebooks_not_started.contains_key(name)
            || unlooked.any(|python| python.kernels.contains(name))
    };
    let is_own = |folder: &str| own.kernels.contains(folder) && own.looked_at.contains(folder);
    let gone: BTreeSet<&String> = before
        .iter()
        .filter(|(folder, name)| is_own(folder) && is_untold(name))
        .map(|(folder, _)| folder)
        .collect();
    all.kernelspecs.retain(|kernel| kernel.user.is_some() || !gone.contains(&kernel.folder));
    // What is left may have its plain name back.
    let after: BTreeMap<String, String> = named(all).into_iter().collect();
    let renamed: BTreeMap<&String, Option<&String>> =
        before.iter().map(|(folder, name)| (name, after.get(folder))).collect();
    let now = |name: &String| match renamed.get(name) {
        Some(name) => name.cloned(),
        None => Some(name.clone()),
    };
    for python in pythons.pythons.iter_mut().filter(|python| python.user.is_none()) {
        python.kernels = python.kernels.iter().filter_map(now).collect();
    }
    pythons.pythons.retain(|python| !own.replaced.contains(&python.name()) || !python.kernels.is_empty());
    let not_started = std::mem::take(&mut pythons.notebooks_not_started);
    pythons.notebooks_not_started =
        not_started.into_iter().filter_map(|(name, why)| Some((now(&name)?, why))).collect();
}
