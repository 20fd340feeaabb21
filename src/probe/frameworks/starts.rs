//! Which Pythons are looked at, and how each is started: that of the shell, those of notebook kernels, each as Jupyter
//! would start it, and those of other environments in which there is a framework.
//!
//! Invariants: nothing is started here; two kernels that start the same interpreter in the same way share one look;
//! a kernel whose Python has to be looked at and cannot be is told with the reason.

use super::{
    by_files,
    discover::{self, Candidate, Environment},
    same::{Key, interpreter},
    servers::{Servers, activation_of},
};
use crate::root::Root;
use gpucheck_checks::fact::{self, FoundBy, Notebooks, Observed, Packages, Python, Spec};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

/// Most Pythons that are looked at in one run.
const MOST: usize = 48;
/// A Python, and the surroundings to start it in.
#[derive(Clone, Debug)]
pub(super) struct Start {
    pub(super) candidate: Candidate,
    pub(super) environment: Environment,
}

/// The Pythons to look at.
#[derive(Debug, Default)]
pub(super) struct Starts {
    pub(super) wanted: Vec<Start>,
    /// Kernels whose Python cannot be looked at, by name, with the reason.
    pub(super) not_started: BTreeMap<String, String>,
    /// Environments with a framework that are not looked at, each with the reason.
    pub(super) passed_over: Vec<(Start, String)>,
}

impl Starts {
    /// That which asks or else that of the shell, those of the kernels, then those of other environments that have a
    /// framework.
    pub(super) fn of(
        environment: &Environment,
        notebooks: Option<&Notebooks>,
        environments: &[fact::Environment],
    ) -> Self {
        let mut starts = Self::default();
        let others = if let Some(asker) = &environment.asker {
            // Whoever asks from within a Python means that one.
            starts.add(asker.start(environment));
            &asker.of_others(environment)
        } else {
            for candidate in discover::candidates(environment) {
                starts.add(Start { candidate, environment: environment.clone() });
            }
            environment
        };
        if let Some(notebooks) = notebooks {
            starts.add_kernels(others, notebooks);
        }
        starts.label();
        starts.add_environments(others, environments);
        starts
    }

    fn add_kernels(&mut self, environment: &Environment, notebooks: &Notebooks) {
        let servers = Servers::new(environment, &notebooks.servers);
        for kernelspec in &notebooks.kernelspecs {
            if kernelspec.spec.seen().is_some_and(Spec::is_python) {
                let name = notebooks.name_of(kernelspec);
                match servers.start(kernelspec, &name) {
                    Ok(Some(start)) => self.add_kernel(start, name),
                    Ok(None) => {}
                    Err(why) => {
                        self.not_started.insert(name, why);
                    }
                }
            }
        }
    }

    /// Environments that nothing else leads to. Those without a framework have nothing to be asked.
    fn add_environments(&mut self, environment: &Environment, found: &[fact::Environment]) {
        let known: Vec<_> = self.wanted.iter().map(|start| interpreter(&start.candidate)).collect();
        for found in found.iter().filter(|found| !found.gone) {
            let candidate = Candidate {
                found_by: FoundBy::Environment,
                program: PathBuf::from(&found.python),
                environment: Some(PathBuf::from(&found.prefix)).filter(|prefix| prefix != Path::new("/usr")),
                ..Candidate::default()
            };
            if known.contains(&interpreter(&candidate))
                || !has_framework(&by_files(&Root::new("/"), environment, found))
            {
                continue;
            }
            let start = Start { candidate, environment: environment.clone() };
            let activation = activation_of(&found.prefix);
            if self.wanted.len() >= MOST {
                self.passed_over.push((start, format!("{MOST} other Pythons were looked at")));
            } else if let Some(script) = activation {
                let why = format!("conda activates it first, and what {script} then sets is not known");
                self.passed_over.push((start, why));
            } else {
                self.wanted.push(start);
            }
        }
    }

    fn add_kernel(&mut self, start: Start, name: String) {
        if self.wanted.len() < MOST || self.same(&start).is_some() {
            self.add(start);
        } else {
            self.not_started.insert(name, format!("{MOST} other Pythons were looked at"));
        }
    }

    fn same(&mut self, start: &Start) -> Option<&mut Start> {
        let key = Key::of(start);
        self.wanted.iter_mut().find(|known| Key::of(known) == key)
    }

    fn add(&mut self, start: Start) {
        match self.same(&start) {
            Some(known) => {
                known.candidate.kernels.extend(start.candidate.kernels);
                // Whoever writes any of these files decides what runs for all of them.
                known.candidate.said_in.extend(start.candidate.said_in);
            }
            None => self.wanted.push(start),
        }
    }

    /// Tells those at one path apart: the first has it for itself, others are named after their first kernel.
    fn label(&mut self) {
        let mut known = BTreeSet::new();
        for Start { candidate, .. } in &mut self.wanted {
            if !known.insert(candidate.interpreter().to_owned()) {
                candidate.label = candidate.kernels.first().map(|name| format!("kernel {name}"));
            }
        }
    }
}

/// Whether there is a framework by what the files tell.
fn has_framework(python: &Python) -> bool {
    matches!(python.tensorflow, Observed::Seen(Some(_)))
        || python.packages.seen().is_some_and(Packages::has_framework)
}
