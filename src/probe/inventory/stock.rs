//! What an environment holds: the names of its folders of metadata, and of conda's records.

use crate::{
    probe::{
        environments::{self, Surroundings},
        frameworks::{self, Located},
    },
    root::Root,
};
use gpucheck_checks::fact::{Environment, EnvironmentKind, Observed, Stock};
use std::io;

/// Most packages of a kind that are told; a full Anaconda has about five hundred.
const MOST: usize = 4096;
/// Longest name or version that is kept, in bytes.
const LONGEST: usize = 200;

/// What an environment is called: by its folder; Pythons of the system's share one and are called by their files, to which
/// several names lead.
pub(super) fn name(root: &Root, environment: &Environment) -> String {
    if environment.kinds.contains(&EnvironmentKind::System) {
        root.target(&environment.python).unwrap_or_else(|_| environment.python.clone())
    } else {
        environment.prefix.clone()
    }
}

/// What it holds.
pub(super) fn of(root: &Root, environment: &Environment) -> Stock {
    let mut stock = Stock {
        python: environment.python.clone(),
        version: environment.version.clone(),
        ..Stock::default()
    };
    for Located { name, version, site, .. } in frameworks::distributions_on(root, &environment.folders) {
        if stock.distributions.len() >= MOST {
            stock.more = true;
            break;
        }
        if name.len() + version.len() > LONGEST {
            continue;
        }
        if !is_below(&site, &environment.prefix) {
            stock.elsewhere.insert(name.clone(), site);
        }
        stock.distributions.insert(name, version);
    }
    for (name, version) in frameworks::conda_packages(root, &environment.prefix) {
        if stock.conda.len() >= MOST {
            stock.more = true;
            break;
        }
        if name.len() + version.len() <= LONGEST {
            stock.conda.insert(name, version);
        }
    }
    stock
}

/// One that was there before and that nothing leads to now.
pub(super) fn of_known(root: &Root, known: &str) -> Observed<Stock> {
    if let Err(error) = there(root, known) {
        let code = error.raw_os_error().unwrap_or_default();
        return Observed::refused(&format!("open {known}"), code.into(), error.kind().to_string(), "");
    }
    let program = if root.is_folder(known) { python_in(root, known) } else { Some(known.to_owned()) };
    let found =
        program.and_then(|program| environments::of_program(root, &Surroundings::default(), &program));
    match found {
        Some(environment) => Observed::Seen(of(root, &environment)),
        None => {
            Observed::refused(&format!("open {known}"), libc::ENOENT.into(), "no Python is left in it", "")
        }
    }
}

fn there(root: &Root, path: &str) -> io::Result<()> {
    root.target(path).map(drop)
}

fn python_in(root: &Root, prefix: &str) -> Option<String> {
    let names = ["python", "python3"].map(|name| format!("{prefix}/bin/{name}"));
    names.into_iter().find(|path| root.exists(path) || root.link(path).is_some())
}

fn is_below(site: &str, prefix: &str) -> bool {
    site.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
}
