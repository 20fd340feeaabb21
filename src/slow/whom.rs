//! Who was asked about: a process by its number, or the kernel of a notebook by its name.
//!
//! Invariant: only notebooks of the asking user have names here.

use super::Asked;
use crate::{
    error::Error,
    probe::{load::Whom, processes},
    root::Root,
};
use gpucheck_checks::fact::{Facts, Session};
use std::collections::BTreeMap;

/// Characters of a kernel's id that may stand for all of it.
const SHORT: usize = 8;

/// A kernel, by its id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Kernel {
    /// Its notebooks and consoles, as servers know them; else as it was told when it was started.
    paths: Vec<String>,
    pid: Option<u32>,
}

/// Whom to watch; none for the whole machine.
pub(super) fn whom(root: &Root, asked: &Asked, facts: &Facts) -> Result<Option<Whom>, Error> {
    match asked {
        Asked::Machine => Ok(None),
        Asked::Process(pid) => Ok(Some(Whom { pid: *pid, notebook: None })),
        Asked::Notebook(name) => choose(name, &kernels(root, facts)).map(Some),
    }
}

/// A process that is there.
pub(super) fn process(root: &Root, pid: u32) -> Result<(), Error> {
    // A thread's number has a folder, too, which the list does not show.
    let is_there = root.names("/proc").contains(&pid.to_string());
    if is_there { Ok(()) } else { Err(Error::NoProcess { pid }) }
}

/// The kernels that run: those that servers tell of, and those that `/proc` shows.
fn kernels(root: &Root, facts: &Facts) -> BTreeMap<String, Kernel> {
    let mut kernels: BTreeMap<String, Kernel> = BTreeMap::new();
    let servers = facts.notebooks.seen().into_iter().flat_map(|notebooks| &notebooks.servers);
    for Session { kernel, path, .. } in servers.filter_map(|server| server.sessions.seen()).flatten() {
        kernels.entry(kernel.clone()).or_default().paths.extend(path.clone());
    }
    for found in processes::kernels(root) {
        let kernel = kernels.entry(found.kernel).or_default();
        kernel.pid = Some(kernel.pid.map_or(found.pid, |pid| pid.min(found.pid)));
        if kernel.paths.is_empty() {
            kernel.paths.extend(found.path);
        }
    }
    kernels.remove("");
    kernels
}

fn choose(name: &str, kernels: &BTreeMap<String, Kernel>) -> Result<Whom, Error> {
    let open = || kernels.iter().map(|(id, kernel)| kernel.paths.first().unwrap_or(id).clone());
    let none = |what: &str, open: Vec<String>| Error::NoNotebook {
        name: name.to_owned(),
        what: what.to_owned(),
        open,
    };
    if name.is_empty() {
        return Err(none("that is no name", open().collect()));
    }
    // The more exact the name, the sooner it counts.
    let ways: [fn(&str, &str, &str) -> bool; 4] = [
        |name, id, path| name == id || name == path,
        |name, _, path| file_of(path) == name || path.ends_with(&format!("/{name}")),
        |name, _, path| file_of(path).strip_suffix(".ipynb") == Some(name),
        |name, id, _| name.len() >= SHORT && id.starts_with(name),
    ];
    for is_meant in ways {
        let meant: Vec<(&String, &Kernel)> = kernels
            .iter()
            .filter(|(id, kernel)| {
                is_meant(name, id, "") || kernel.paths.iter().any(|path| is_meant(name, id, path))
            })
            .collect();
        match meant.as_slice() {
            [] => {}
            [(id, kernel)] => {
                let path = kernel.paths.iter().find(|path| is_meant(name, id, path)).or(kernel.paths.first());
                let pid = kernel.pid.ok_or_else(|| {
                    none("its kernel runs where its process is not seen from here", open().collect())
                })?;
                return Ok(Whom { pid, notebook: Some(path.unwrap_or(id).clone()) });
            }
            several => {
                let names = several.iter().map(|(id, kernel)| match kernel.paths.first() {
                    Some(path) => format!("{path} ({id})"),
                    None => (*id).clone(),
                });
                return Err(none("several kernels go by that name, name one by its id", names.collect()));
            }
        }
    }
    Err(none("no kernel of yours runs for it", open().collect()))
}

/// The last part of a path.
fn file_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAB: &str = "1b2c3d4e-0000-4000-8000-000000000001";
    const TWIN: &str = "1b2c3d4e-ffff-4000-8000-000000000002";

    fn kernels() -> BTreeMap<String, Kernel> {
        let kernel = |id: &str, pid: Option<u32>, paths: &[&str]| {
            (id.to_owned(), Kernel { paths: paths.iter().map(ToString::to_string).collect(), pid })
        };
        BTreeMap::from([
            kernel(LAB, Some(7), &["week3/lab.ipynb"]),
            kernel(TWIN, Some(8), &["week4/lab.ipynb", "console-1"]),
            kernel("remote", None, &["far.ipynb"]),
            kernel("v2-9f", Some(9), &[]),
        ])
    }

    #[test]
    fn a_notebook_is_known_by_path_name_and_kernel() {
        for (name, pid, notebook) in [
            ("week3/lab.ipynb", 7, "week3/lab.ipynb"),
            (LAB, 7, "week3/lab.ipynb"),
            ("1b2c3d4e-f", 8, "week4/lab.ipynb"),
            ("console-1", 8, "console-1"),
            ("v2-9f", 9, "v2-9f"),
        ] {
            let whom = choose(name, &kernels()).unwrap();
            assert_eq!((whom.pid, whom.notebook.as_deref()), (pid, Some(notebook)), "{name}");
        }
    }

    #[test]
    fn who_is_not_told_is_an_error_that_names_those_there_are() {
        for (name, told) in [
            ("lab", "several kernels go by that name"),
            ("lab.ipynb", "week3/lab.ipynb (1b2c3d4e-0000-4000-8000-000000000001)"),
            ("1b2c3d4e", "several kernels go by that name"),
            ("1b2c", "no kernel of yours runs for it; these have a kernel that runs: week3/lab.ipynb"),
            ("far.ipynb", "its kernel runs where its process is not seen from here"),
            ("", "that is no name; these have a kernel that runs: week3/lab.ipynb"),
        ] {
            let error = choose(name, &kernels()).unwrap_err().to_string();
            assert!(error.contains(told), "{name}: {error}");
        }
        let alone = choose("lab", &BTreeMap::new()).unwrap_err().to_string();
        assert!(alone.contains("no notebook of yours has a kernel that runs"), "{alone}");
    }
}
