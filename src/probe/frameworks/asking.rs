//! The Python from within which gpucheck was called, and how a new process of it is started just so.
//!
//! Invariants: what it says of itself is taken for what it is, a text of somebody who runs programs as this user; it
//! leads to no Python but its own.

use super::{
    discover::{Candidate, Environment},
    starts::Start,
};
use crate::{probe::notebooks, root::Root};
use gpucheck_checks::fact::{self, FoundBy};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeMap, env, path::PathBuf};

/// Holds `sys.path` for the new process; its name begins as those do that decide what a Python imports.
const SYS_PATH: &str = "PYTHON_GPUCHECK_SYS_PATH";

/// What a Python says of itself when it asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Asker {
    /// `sys.executable`.
    pub python: PathBuf,
    /// Its process.
    pub pid: i32,
    /// The options that it was started with, such as `-Xfrozen_modules=off`.
    #[serde(default)]
    pub options: Vec<String>,
    /// It is the kernel of a notebook.
    #[serde(default)]
    pub notebook: bool,
    /// `sys.path`, where a new process would not have the same.
    #[serde(default)]
    pub sys_path: Option<Vec<String>>,
    /// The folders of it that a new process would not have.
    #[serde(default)]
    pub added: Vec<String>,
    /// [`fact::Asking::changed`].
    #[serde(default)]
    pub changed: Vec<String>,
    /// [`fact::Asking::running`].
    #[serde(default)]
    pub running: BTreeMap<String, u32>,
}

impl Asker {
    /// Reads it from a word of the command line.
    ///
    /// # Errors
    /// It is not what the Python package `gpucheck` writes.
    pub fn parse(text: &str) -> Result<Self, String> {
        let asker: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if asker.python.is_absolute() { Ok(asker) } else { Err("its Python is no whole path".to_owned()) }
    }

    /// What facts keep of it.
    pub(super) fn fact(&self) -> fact::Asking {
        fact::Asking { notebook: self.notebook, changed: self.changed.clone(), running: self.running.clone() }
    }

    /// A new process of it, in these surroundings, which are its own.
    pub(super) fn start(&self, environment: &Environment) -> Start {
        let mut environment = environment.clone();
        let folders = self.sys_path.as_ref().and_then(|folders| serde_json::to_string(folders).ok());
        environment.changes.extend(folders.map(|folders| (SYS_PATH.into(), Some(folders.into()))));
        let candidate = Candidate {
            found_by: FoundBy::Asking,
            program: self.python.clone(),
            words: self.options.iter().map(Into::into).collect(),
            said_in: self
                .sys_path
                .iter()
                .flatten()
                .map(PathBuf::from)
                .filter(|path| path.is_absolute())
                .collect(),
            ..Candidate::default()
        };
        Start { candidate, environment }
    }

    /// The surroundings of everybody else: those that it was itself started in. What it has changed since is its own.
    /// A process that has written its title over its variables, as `setproctitle` does, tells none of these.
    pub(super) fn of_others(&self, environment: &Environment) -> Environment {
        let base = notebooks::environment_of(&Root::new("/"), self.pid)
            .filter(|base| base.iter().any(|(name, _)| env::var_os(name).is_some()));
        Environment { base: base.or_else(|| environment.base.clone()), asker: None, ..environment.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Child, Command, Stdio};

    /// A process with these variables alone, which waits for its end.
    fn started(variables: &[(&str, &str)]) -> Child {
        let mut command = Command::new("/bin/cat");
        command.env_clear().envs(variables.iter().copied());
        let child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let shown = format!("/proc/{}/environ", child.id());
        // A program that has only just begun has none yet.
        while !variables.is_empty() && std::fs::read(&shown).unwrap().is_empty() {
            std::thread::yield_now();
        }
        child
    }

    #[test]
    fn others_have_the_variables_of_its_start_where_it_still_shows_them() {
        let own = Environment { base: Some(vec![("A".into(), "1".into())]), ..Environment::default() };
        let bases =
            [vec![("PATH", "/of/the/start")], vec![], vec![("what a title leaves", "x")]].map(|variables| {
                let mut child = started(&variables);
                let text = format!(r#"{{"python": "/p", "pid": {}}}"#, child.id());
                let others = Asker::parse(&text).unwrap().of_others(&own);
                drop(child.stdin.take());
                child.wait().unwrap();
                others.base.unwrap()
            });
        let kept = vec![("A".into(), "1".into())];
        assert_eq!(bases, [vec![("PATH".into(), "/of/the/start".into())], kept.clone(), kept]);
    }

    #[test]
    fn only_what_the_package_writes_is_taken() {
        let told = r#"{"python": "/opt/tf/bin/python", "pid": 7, "notebook": true, "running": {"torch": 1}}"#;
        let asker = Asker::parse(told).unwrap();
        assert_eq!(asker.fact().running.get("torch"), Some(&1));
        let start = asker.start(&Environment::default());
        assert_eq!((start.candidate.found_by, start.environment.changes.len()), (FoundBy::Asking, 0));
        for told in
            ["", "{}", "[]", r#"{"python": "python", "pid": 7}"#, r#"{"python": "/p", "pid": 7, "x": 1}"#]
        {
            assert!(Asker::parse(told).is_err(), "{told}");
        }
    }
}
