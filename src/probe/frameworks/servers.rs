//! How a Jupyter server starts a kernel.
//!
//! Invariant: nothing is started here, and nothing but what the server itself would start is named.
//!
//! Source: `jupyter_client/manager.py` and `provisioning/local_provisioner.py`: a kernel has the server's variables with
//! those of `kernel.json` over them, and the notebook's folder as its working directory.

use super::{
    discover::{self, Candidate, Environment},
    files::read_text,
    leftovers::inherited,
    shell_files,
    starts::Start,
    template,
};
use crate::{child::Name, probe::notebooks, root::Root};
use gpucheck_checks::fact::{FoundBy, Kernelspec, Program, ProgramState, Server, Spec};
use std::{
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
};

/// The variable of its own that Jupyter takes from a kernel.
pub(super) const NOT_HANDED_ON: &str = "PYTHONEXECUTABLE";

/// The servers that run, with their surroundings.
pub(super) struct Servers<'a> {
    shell: &'a Environment,
    running: Vec<(&'a Server, Environment)>,
}

impl<'a> Servers<'a> {
    pub(super) fn new(shell: &'a Environment, servers: &'a [Server]) -> Self {
        let root = Root::new("/");
        let surroundings = |server: &'a Server| {
            let base = notebooks::environment_of(&root, server.pid)?;
            let of =
                |name: &str| base.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
            let environment = Environment {
                path: of("PATH").unwrap_or_default(),
                home: of("HOME").map(PathBuf::from),
                cache: shell.cache.clone(),
                folder: served(server).or_else(|| fs::read_link(format!("/proc/{}/cwd", server.pid)).ok()),
                // Jupyter does not hand it on: it would mislead every Python.
                changes: vec![(NOT_HANDED_ON.into(), None)],
                base: Some(base),
                ..Environment::default()
            };
            Some((server, environment))
        };
        Self {
            shell,
            running: servers.iter().filter(|server| is_startable(server)).filter_map(surroundings).collect(),
        }
    }

    /// The server that offers a kernel: one of the kernel's own environment, else any that looks into the kernel's home;
    /// none where none runs.
    fn offering(&self, kernelspec: &Kernelspec) -> Option<&(&'a Server, Environment)> {
        let folder = Path::new(&kernelspec.folder);
        let of_environment = |server: &Server| {
            notebooks::prefix_of(&server.program).is_some_and(|prefix| folder.starts_with(prefix))
        };
        let home = self.shell.home.as_deref().filter(|home| folder.starts_with(home));
        let looks_there =
            |environment: &Environment| home.is_none_or(|home| environment.home.as_deref() == Some(home));
        let mut servers = self.running.iter();
        servers
            .find(|(server, _)| of_environment(server))
            .or_else(|| self.running.iter().find(|(_, environment)| looks_there(environment)))
    }

    /// How a kernel is started; none where there is nothing in its Python to look at, or no Python.
    pub(super) fn start(&self, kernelspec: &Kernelspec, name: &str) -> Result<Option<Start>, String> {
        let Some(spec) = kernelspec.spec.seen() else { return Ok(None) };
        let server = self.offering(kernelspec);
        let program = match &kernelspec.program {
            Program::File { path, state: ProgramState::Executable } => PathBuf::from(path),
            // What is gone is judged by its file.
            Program::File { .. } => return Ok(None),
            Program::Untold { why } => return Err(why.clone()),
            Program::OfServer => match (server, self.own_server()) {
                (Some((server, environment)), _) => python_of(server, environment)
                    .ok_or_else(|| format!("the Python of the Jupyter server {} is not told", server.pid))?,
                (None, Some(program)) => program,
                // Where there is no server, nobody is offered the kernel.
                (None, None) => return Ok(None),
            },
        };
        if kernelspec.environment.as_ref().is_some_and(|there| !there.may_have_framework()) {
            return Ok(None);
        }
        if let Some(script) = kernelspec.activates.as_deref().and_then(activation_of) {
            return Err(format!(
                "conda activates its environment first, and what {script} then sets is not known"
            ));
        }
        let surroundings = server.map_or(self.shell, |(_, environment)| environment);
        let mut environment = surroundings.clone();
        environment.changes.extend(variables(surroundings, &kernelspec.folder));
        let (words, python) = words(kernelspec, spec, &program, &environment.path)?;
        let candidate = Candidate {
            found_by: FoundBy::Kernel,
            // A Python that runs a module which starts a Python is no interpreter of ours to vouch for.
            python: python.filter(|python| *python != program || starts_another(&words)),
            program,
            words,
            said_in: vec![Path::new(&kernelspec.folder).join("kernel.json")],
            kernels: vec![name.to_owned()],
            ..Candidate::default()
        };
        Ok(Some(Start { candidate, environment }))
    }

    /// The Python of the server that this shell would start: that of the script `jupyter` on its path.
    fn own_server(&self) -> Option<PathBuf> {
        let script = read_text(&discover::program_on(&self.shell.path, "jupyter")?).ok()?;
        interpreter_of(&script).map(PathBuf::from)
    }
}

/// The Python that a script of pip's names: after `#!`, or where that line would be too long, after `exec`.
///
/// Source: pip/_vendor/distlib/scripts.py, `_build_shebang`.
pub(super) fn interpreter_of(script: &str) -> Option<&str> {
    let words = script.lines().take(2).flat_map(|line| line.trim_start_matches("#!").split_whitespace());
    let mut paths = words.map(|word| word.trim_matches('"')).filter(|word| word.starts_with('/'));
    paths.find(|path| path.rsplit('/').next().is_some_and(|name| name.starts_with("python")))
}

/// The Python that runs a server, by the first word of its command line as its own surroundings understand it.
fn python_of(server: &Server, environment: &Environment) -> Option<PathBuf> {
    let program = Path::new(&server.program);
    let name = program.file_name()?.to_str().filter(|name| name.starts_with("python"))?;
    if program.is_absolute() {
        Some(program.to_owned())
    } else if server.program.contains('/') {
        // It was started in a folder that it may have left; the file tells whether it is still that one.
        Some(environment.folder.as_ref()?.join(program)).filter(|program| program.is_file())
    } else {
        discover::program_on(&environment.path, name)
    }
}

/// The folder that a server serves, below which its notebooks lie.
fn served(server: &Server) -> Option<PathBuf> {
    server.root.as_ref().map(PathBuf::from).filter(|folder| folder.is_dir())
}

/// Whether its command line begins with a Python or a program of Jupyter: nothing else is started in its name.
fn is_startable(server: &Server) -> bool {
    let name = Path::new(&server.program).file_name().and_then(OsStr::to_str).unwrap_or_default();
    name.starts_with("python") || name.starts_with("jupyter")
}

/// A script by which conda's activation of this environment sets what its frameworks heed. Nobody runs it for us.
pub(super) fn activation_of(prefix: &str) -> Option<String> {
    shell_files::activating_libraries(&Root::new("/"), prefix)
}

/// The variables that `kernel.json` sets, expanded.
fn variables(surroundings: &Environment, folder: &str) -> Vec<(Name, Option<OsString>)> {
    let lookup = |name: &str| inherited(surroundings, name)?.into_string().ok();
    let set = notebooks::variables_of(&Root::new("/"), folder);
    set.into_iter()
        .map(|(name, value)| (name.into(), Some(template::expand(&value, lookup).into())))
        .collect()
}

/// What stands between the program and `-m ipykernel_launcher`, and the Python that this starts.
fn words(
    kernelspec: &Kernelspec,
    spec: &Spec,
    program: &Path,
    path: &OsStr,
) -> Result<(Vec<OsString>, Option<PathBuf>), String> {
    let words: Vec<String> =
        spec.argv.iter().map(|word| word.replace("{resource_dir}", &kernelspec.folder)).collect();
    let launches =
        |pair: &[String]| matches!(pair, [m, module] if m == "-m" && module.starts_with("ipykernel"));
    let Some(end) = words.windows(2).position(launches) else {
        return Err(format!("its command does not run ipykernel: {}", words.join(" ")));
    };
    let between = words.get(1..end).unwrap_or_default();
    let is_python = |word: &str| word.rsplit('/').next().is_some_and(|name| name.starts_with("python"));
    let python = if program.file_name().and_then(OsStr::to_str).is_some_and(is_python)
        && !starts_another(between)
    {
        Some(program.to_owned())
    } else {
        let inner = between.iter().rev().find(|word| is_python(word));
        let inner = inner.ok_or_else(|| format!("{} hides the Python that it starts", program.display()))?;
        if inner.starts_with('/') { Some(inner.into()) } else { discover::program_on(path, inner) }
    };
    Ok((between.iter().map(OsString::from).collect(), python))
}

/// Whether the words of a Python run a module that starts another one, as nb_conda_kernels' runner does.
fn starts_another<W: AsRef<OsStr>>(words: &[W]) -> bool {
    words.iter().any(|word| word.as_ref() == "-m")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_of_pip_name_their_python() {
        for (script, python) in [
            ("#!/opt/venv/bin/python3.11\nimport sys\n", Some("/opt/venv/bin/python3.11")),
            ("#!/bin/sh\n'''exec' \"/long/bin/python\" \"$0\" \"$@\"\n' '''\n", Some("/long/bin/python")),
            ("#!/bin/sh\nexec jupyter-lab\n", None),
            ("#!/usr/bin/env python3\n", None),
            ("", None),
        ] {
            assert_eq!(interpreter_of(script), python, "{script}");
        }
    }
}
