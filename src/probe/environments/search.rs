//! Taking in what may be an environment, each once.
//!
//! Invariants: what is tried and what is found are bounded, and so is the time; a path that leads nowhere costs one call.

use super::configuration::FILE;
use crate::root::Root;
use gpucheck_checks::fact::EnvironmentKind;
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::{Duration, Instant},
};

/// Most environments that are told.
const MOST_FOUND: usize = 256;
/// Most paths that are tried.
const MOST_TRIED: usize = 16_384;
/// Most folders of one parent that are tried.
const MOST_OF_A_FOLDER: usize = 512;
/// Most names of one parent that are counted.
const MOST_COUNTED: usize = 65_536;
/// Time for the search, which takes milliseconds on a disk that is not broken.
const LONGEST: Duration = Duration::from_secs(2);
/// Prefixes that are no environment of their own: their Pythons are told one by one.
const OF_SYSTEM: [&str; 3] = ["/", "/usr", "/usr/local"];

/// A prefix that holds a Python, or did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) prefix: String,
    pub(super) python: String,
    pub(super) kinds: BTreeSet<EnvironmentKind>,
    pub(super) vscode: bool,
}

/// What the place says in which something is found.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Hint {
    pub(super) kind: Option<EnvironmentKind>,
    pub(super) vscode: bool,
}

impl Hint {
    pub(super) const NONE: Self = Self { kind: None, vscode: false };
    pub(super) const VSCODE: Self = Self { kind: None, vscode: true };

    pub(super) const fn of(kind: EnvironmentKind, vscode: bool) -> Self {
        Self { kind: Some(kind), vscode }
    }
}

pub(super) struct Search<'a> {
    pub(super) root: &'a Root,
    found: Vec<Candidate>,
    /// Places in `found`, by the real path of the prefix, of the system's by that of the interpreter.
    known: BTreeMap<String, usize>,
    tried: usize,
    /// How many names there are in folders with more than are tried.
    cut: BTreeMap<String, usize>,
    start: Instant,
}

impl<'a> Search<'a> {
    pub(super) fn new(root: &'a Root) -> Self {
        Self {
            root,
            found: Vec::new(),
            known: BTreeMap::new(),
            tried: 0,
            cut: BTreeMap::new(),
            start: Instant::now(),
        }
    }

    /// What was found, in the order in which it was.
    pub(super) fn into_found(self) -> Vec<Candidate> {
        if let Some(why) = self.why_in_part() {
            tracing::warn!(tried = self.tried, "environments: {why}");
        }
        self.found
    }

    /// Why there may be more than was found; none where there is not.
    pub(super) fn why_in_part(&self) -> Option<String> {
        let found = self.found.len();
        let ended = || format!("the search ended after {found} of them, and there may be more");
        let cut = |(folder, names): (&String, &usize)| {
            let least = if *names < MOST_COUNTED { "" } else { "at least " };
            format!("{MOST_OF_A_FOLDER} of {least}{names} names in {folder} were looked at")
        };
        let cuts = self.cut.iter().map(cut);
        let all: Vec<String> = (!self.may_go_on()).then(ended).into_iter().chain(cuts).collect();
        (!all.is_empty()).then(|| all.join("; "))
    }

    /// The prefixes of conda's among what was found.
    pub(super) fn condas(&self) -> Vec<String> {
        let is_conda = |found: &&Candidate| found.kinds.contains(&EnvironmentKind::Conda);
        self.found.iter().filter(is_conda).map(|found| found.prefix.clone()).collect()
    }

    /// The names in a folder, bounded; none where the search has come to its bounds.
    pub(super) fn names(&mut self, folder: &str) -> Vec<String> {
        if !self.may_go_on() {
            return Vec::new();
        }
        let mut names = self.root.some_names(folder, MOST_COUNTED);
        if names.len() > MOST_OF_A_FOLDER {
            self.cut.insert(folder.to_owned(), names.len());
            names.truncate(MOST_OF_A_FOLDER);
        }
        names
    }

    /// Takes in a folder, if it is an environment; says whether it is.
    pub(super) fn prefix(&mut self, prefix: &str, hint: Hint) -> bool {
        let prefix = trimmed(prefix);
        let Some(real) = self.real(prefix) else { return false };
        if OF_SYSTEM.contains(&real.as_str()) {
            return false;
        }
        if let Some(known) = self.known.get(&real).and_then(|at| self.found.get_mut(*at)) {
            known.kinds.extend(hint.kind);
            known.vscode |= hint.vscode;
            return true;
        }
        let Some((kind, python)) = self.environment(prefix) else { return false };
        let kinds = kind.into_iter().chain(hint.kind).collect();
        // Of conda's environments and pyenv's Visual Studio Code offers all, wherever they lie.
        let vscode = hint.vscode || kind == Some(EnvironmentKind::Conda);
        self.add(real, Candidate { prefix: prefix.to_owned(), python, kinds, vscode });
        true
    }

    /// Takes in each folder of a parent that is an environment.
    pub(super) fn each_in(&mut self, parent: &str, hint: Hint) {
        for name in self.names(parent) {
            self.prefix(&format!("{parent}/{name}"), hint);
        }
    }

    /// Takes in a Python of the system's, which has its packages to itself though not its prefix; one that is a link to
    /// another place's Python stands for that.
    pub(super) fn system(&mut self, program: &str) {
        let Some(real) = self.real(program) else { return };
        let (Some(prefix), Some(of_real)) = (prefix_of(program), prefix_of(&real)) else { return };
        if !OF_SYSTEM.contains(&of_real.as_str()) {
            self.prefix(&of_real, Hint::VSCODE);
            return;
        }
        let kinds = BTreeSet::from([EnvironmentKind::System]);
        self.add(real, Candidate { prefix, python: program.to_owned(), kinds, vscode: true });
    }

    /// Takes in the environment of an interpreter, whatever its folder looks like.
    pub(super) fn program(&mut self, program: &str) {
        let Some(prefix) = prefix_of(program) else { return };
        let Some(real) = self.real(&prefix) else { return };
        if OF_SYSTEM.contains(&real.as_str()) {
            self.system(program);
        } else if !self.prefix(&prefix, Hint::NONE) {
            let kinds = BTreeSet::new();
            self.add(real, Candidate { prefix, python: program.to_owned(), kinds, vscode: false });
        }
    }

    fn add(&mut self, real: String, candidate: Candidate) {
        if !self.known.contains_key(&real) {
            self.known.insert(real, self.found.len());
            self.found.push(candidate);
        }
    }

    /// Where links lead to, while the search may go on.
    fn real(&mut self, path: &str) -> Option<String> {
        self.tried += 1;
        if !path.starts_with('/') || !self.may_go_on() {
            return None;
        }
        self.root.target(path).ok()
    }

    /// Whether it has not come to its bounds.
    pub(super) fn may_go_on(&self) -> bool {
        self.tried <= MOST_TRIED && self.found.len() < MOST_FOUND && self.start.elapsed() < LONGEST
    }

    /// What makes a folder an environment, and its interpreter.
    fn environment(&self, prefix: &str) -> Option<(Option<EnvironmentKind>, String)> {
        let is_there = |path: &str| self.root.exists(path) || self.root.link(path).is_some();
        let names = ["python", "python3"].map(|name| format!("{prefix}/bin/{name}"));
        let python = names.iter().find(|path| is_there(path)).cloned();
        let [usual, _] = names;
        if self.root.is_file(&format!("{prefix}/{FILE}")) {
            return Some((Some(EnvironmentKind::Venv), python.unwrap_or(usual)));
        }
        if self.root.exists(&format!("{prefix}/conda-meta")) {
            // One without a Python, as for R, has no packages of Python's either.
            let has_packages =
                || self.root.names(&format!("{prefix}/lib")).iter().any(|name| is_python(name));
            let python = python.or_else(|| has_packages().then_some(usual))?;
            return Some((Some(EnvironmentKind::Conda), python));
        }
        python.map(|python| (None, python))
    }
}

/// `python3.11` and the like.
pub(super) fn is_python(name: &str) -> bool {
    name.strip_prefix("python3.").is_some_and(|minor| {
        let minor = minor.strip_suffix('t').unwrap_or(minor);
        !minor.is_empty() && minor.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The prefix of `PREFIX/bin/pythonX`.
pub(super) fn prefix_of(program: &str) -> Option<String> {
    let program = Path::new(program);
    let is_python = program.file_name()?.to_str()?.starts_with("python");
    let bin = program.parent()?;
    let prefix = bin.parent().filter(|_| is_python && bin.file_name().is_some_and(|name| name == "bin"))?;
    prefix.is_absolute().then(|| prefix.to_string_lossy().into_owned())
}

fn trimmed(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => "/",
        path => path,
    }
}
