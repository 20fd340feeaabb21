//! What a class needs lies in no single user's home.
//!
//! # Meaning
//! Jupyter offers a person the kernels of that person's home and those of everybody. What `ipykernel install --user`,
//! `pip install --user` and an environment in a home add is there for its owner alone: students who log in as another
//! account, such as the one without administrator rights that Azure Lab Services can make, find none of it.
//!
//! # Detection
//! Kernels in `~/.local/share/jupyter/kernels` whose names the system's folders and environments outside of homes do not
//! have, environments with ipykernel or a framework, and packages of `pip install --user` with a framework, in the home of
//! one account (root's too) and not, by the same name or at the same place, of another that may log in: a warning. With `--student NAME` that account alone counts; it
//! fails where that lacks a kernel, or is offered none at all. Where one account may log in, students are taken to log in as that. Notebooks and downloaded weights
//! are told with it and alone are no trouble: solutions belong to one home. Unknown where there are more homes than were
//! searched.
//!
//! # Fix
//! Make the environment below /opt, and install its kernel with `--prefix=/usr/local`; or let students log in as the account
//! that has it.
//!
//! # Source
//! <https://techcommunity.microsoft.com/blog/azurelabservicesblog/using-student-accounts-without-admin-privileges/3941048>,
//! <https://ipython.readthedocs.io/en/stable/install/kernel_install.html>

use crate::{
    Check, Finding, Judged, Knowledge, Severity, Source, Subject, Verdict, Who,
    cloned::{self, is_below},
    fact::{Cached, Clones, Facts, Homes, OwnEnvironment, OwnKernel, PersonsHome},
    judge::quoted,
    readings::size,
    users,
};
use std::collections::BTreeSet;

pub(crate) static CHECK: Check = Check {
    reads: &[Source::Clones],
    needs: &[],
    severity: Severity::BreaksLater,
    who: Who::Instructor,
    judge,
};

fn judge(facts: &Facts, _: &Knowledge) -> Judged {
    cloned::homes(facts, |homes| match facts.clones.seen() {
        Some(clones) => judge_homes(clones, homes),
        None => Finding::unknown(Subject::Host, facts.clones.why_not()),
    })
}

/// What of a home its owner alone has.
struct Alone<'a> {
    home: &'a PersonsHome,
    /// Those who lack something of it.
    others: Vec<&'a str>,
    /// They lack all of it.
    none_of_it: bool,
    kernels: Vec<&'a OwnKernel>,
    environments: Vec<&'a OwnEnvironment>,
    packages: Vec<&'a String>,
}

impl<'a> Alone<'a> {
    fn of(home: &'a PersonsHome, homes: &'a Homes) -> Self {
        let everybody = cloned::others(homes, &home.user);
        let there: Vec<(&str, BTreeSet<&str>)> =
            everybody.iter().map(|user| (*user, names(homes, user))).collect();
        let is_missed = |name: &str| there.is_empty() || there.iter().any(|(_, known)| !known.contains(name));
        // What everybody's kernel starts reaches them, or is told as closed.
        let is_shared = |prefix: &str| homes.ways_in.iter().any(|way| is_below(&way.to, prefix));
        let is_offered = |kernel: &OwnKernel| homes.shared_kernels.contains(&kernel.name);
        let kernels = home.kernels.iter().filter(|kernel| !is_offered(kernel) && is_missed(&kernel.name));
        let environments = home
            .environments
            .iter()
            .filter(|found| !is_shared(&found.prefix) && is_missed(within(home, &found.prefix)));
        let packages = home.packages.iter().filter(|folder| is_missed(within(home, folder)));
        let (kernels, environments) = (kernels.collect::<Vec<_>>(), environments.collect::<Vec<_>>());
        let packages: Vec<&String> = packages.collect();
        let folders = environments.iter().map(|found| &found.prefix).chain(packages.iter().copied());
        let missed: Vec<&str> = kernels
            .iter()
            .map(|kernel| kernel.name.as_str())
            .chain(folders.map(|path| within(home, path)))
            .collect();
        let lacks_any =
            |known: &BTreeSet<&str>| missed.is_empty() || missed.iter().any(|name| !known.contains(name));
        let lacking: Vec<_> = there.iter().filter(|(_, known)| lacks_any(known)).collect();
        Self {
            home,
            none_of_it: lacking.iter().all(|(_, known)| missed.iter().all(|name| !known.contains(name))),
            others: lacking.iter().map(|(user, _)| *user).collect(),
            kernels,
            environments,
            packages,
        }
    }

    /// Names of kernels, and folders.
    fn things(&self) -> Vec<String> {
        let kernels = self.kernels.iter().map(|kernel| format!("kernel {}", kernel.name));
        // An environment that one of these kernels starts is told with it.
        let is_told = |prefix: &str| self.kernels.iter().any(|kernel| starts(kernel, prefix));
        let environments = self.environments.iter().map(|found| found.prefix.clone());
        let environments = environments.filter(|prefix| !is_told(prefix));
        kernels.chain(environments).chain(self.packages.iter().map(|folder| (*folder).clone())).collect()
    }

    fn said(&self) -> String {
        let things = self.things();
        let things = users::list(things.iter().map(String::as_str));
        format!("{things}: only in {}", self.home.path)
    }
}

/// What a user's home has: names of kernels, and of the others the paths within the home.
fn names<'a>(homes: &'a Homes, user: &str) -> BTreeSet<&'a str> {
    let own = homes.homes.iter().filter(|home| home.user == user);
    own.flat_map(|home| {
        let folders = home.environments.iter().map(|found| &found.prefix).chain(&home.packages);
        let kernels = home.kernels.iter().map(|kernel| kernel.name.as_str());
        kernels.chain(folders.map(|path| within(home, path)))
    })
    .collect()
}

/// `/tf` for `/home/kim/tf`; no kernel's name has a slash.
fn within<'a>(home: &PersonsHome, path: &'a str) -> &'a str {
    path.strip_prefix(home.path.as_str()).unwrap_or(path)
}

fn starts(kernel: &OwnKernel, prefix: &str) -> bool {
    kernel.program.as_deref().is_some_and(|program| is_below(program, prefix))
}

fn judge_homes(clones: &Clones, homes: &Homes) -> Finding {
    let host = Subject::Host;
    let all = homes.homes.iter().map(|home| Alone::of(home, homes));
    let (missed, own): (Vec<Alone<'_>>, Vec<Alone<'_>>) =
        all.filter(|alone| !alone.things().is_empty()).partition(|alone| !alone.others.is_empty());
    let Some(first) = missed.first() else {
        return told(clones, homes, &own);
    };
    let verdict = if lacks_kernels(homes, &missed) { Verdict::Fail } else { Verdict::Warn };
    let others = users::list(first.others.iter().copied());
    let has = if first.none_of_it { "has none of it" } else { "does not have all of it" };
    let finding = Finding::new(host, verdict, format!("{}; {others} {has}", first.said()))
        .with("owner", first.home.user.clone())
        .with("home", first.home.path.clone())
        .with("others", others)
        .with("things", users::list(first.things().iter().map(String::as_str)));
    let finding = cloned::and_more(finding, missed.iter().skip(1).map(Alone::said));
    let finding = missed.iter().fold(finding, |finding, alone| beside(finding, clones, alone));
    let finding = missed.iter().fold(finding, |finding, alone| mended(finding, homes, alone));
    if first.home.user == "root" { finding.variant("root") } else { finding }
}

/// Whether the students, who are known, lack a kernel: one of another account's, or any.
fn lacks_kernels(homes: &Homes, missed: &[Alone<'_>]) -> bool {
    let Some(student) = &homes.student else { return false };
    let own = homes.homes.iter().filter(|home| home.user == student.user);
    let is_offered_none =
        homes.shared_kernels.is_empty() && own.flat_map(|home| &home.kernels).next().is_none();
    is_offered_none || missed.iter().any(|alone| !alone.kernels.is_empty())
}

/// Nobody lacks anything, as far as could be seen.
fn told(clones: &Clones, homes: &Homes, own: &[Alone<'_>]) -> Finding {
    let host = Subject::Host;
    if let Some(closed) = clones.closed_homes.first().filter(|_| own.is_empty()) {
        return Finding::unknown(host, format!("{closed} could not be looked into; run gpucheck with sudo"));
    }
    let people: Vec<&str> =
        homes.homes.iter().map(|home| home.user.as_str()).filter(|user| *user != "root").collect();
    if homes.not_searched > 0 {
        let count = homes.not_searched;
        return Finding::unknown(host, format!("environments were not looked for in {count} of the homes"));
    }
    let Some(alone) = own.first() else {
        return match (&homes.student, people.as_slice()) {
            (Some(student), _) => {
                Finding::pass(host, format!("{} is offered whatever others are", student.user))
            }
            (None, []) => Finding::not_applicable(host, "no account of a person is here"),
            (None, _) => Finding::pass(host, "no kernel, environment or framework is one account's alone"),
        };
    };
    let user = &alone.home.user;
    let why = match &homes.student {
        Some(_) => format!("students log in as {user}"),
        None if user == "root" => return Finding::not_applicable(host, "no account of a person is here"),
        None => format!("nobody but {user} may log in; --student NAME asks for another account"),
    };
    Finding::pass(host, why).because(alone.said())
}

/// What else lies beside it and would save students minutes.
fn beside(finding: Finding, clones: &Clones, alone: &Alone<'_>) -> Finding {
    let PersonsHome { path, mode, notebooks, .. } = alone.home;
    let is_here = |path: &str| is_below(path, &alone.home.path);
    let finding = if mode & 0o001 == 0 {
        finding.because(format!("{path} has mode {mode:04o}: no other user may look into it"))
    } else {
        finding
    };
    let finding = match notebooks {
        0 => finding,
        1 => finding.because(format!("a notebook lies in {path}, too")),
        count => finding.because(format!("{count} notebooks lie in {path}, too")),
    };
    let downloads =
        clones.caches.iter().filter(|cache| cache.of == Cached::Downloads && is_here(&cache.path));
    let downloads = downloads.map(|cache| {
        let at_least = if cache.at_least { "at least " } else { "" };
        format!(
            "{} of downloads in {} are downloaded anew",
            at_least.to_owned() + &size(cache.bytes),
            cache.path
        )
    });
    cloned::and_more(finding, downloads)
}

/// Adds the commands: environments anew, with their kernels; kernels of environments that everybody may start as they are.
fn mended(finding: Finding, homes: &Homes, alone: &Alone<'_>) -> Finding {
    const MOST: usize = 3;
    let finding = alone.environments.iter().take(MOST).fold(finding, |finding, environment| {
        let kernel = alone.kernels.iter().find(|kernel| starts(kernel, &environment.prefix));
        let name = kernel.map(|kernel| kernel.name.as_str());
        cloned::make_for_everybody(finding, homes, &alone.home.user, environment, name)
    });
    let elsewhere = alone.kernels.iter().filter(|kernel| {
        kernel.program.as_deref().is_none_or(|program| !is_below(program, &alone.home.path))
    });
    elsewhere.take(MOST).fold(finding, |finding, kernel| {
        let folder = quoted(&kernel.folder);
        finding.run(format!("sudo \"$(command -v jupyter)\" kernelspec install --prefix=/usr/local {folder}"))
    })
}
