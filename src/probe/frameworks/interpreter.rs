//! What the bare interpreter says of itself.
//!
//! Invariant: it is asked with `-E -s -S`, so that nothing but the interpreter and its own library is executed.

use super::identity::{NOBODY, Refusal, is_binary};
use crate::child::{self, Identity, Job};
use gpucheck_checks::fact::{Observed, ProbeFailure};
use serde::Deserialize;
use std::{
    collections::BTreeSet,
    env,
    ffi::OsString,
    fs,
    os::unix::ffi::OsStringExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// Asks it.
const PATHS: &str = include_str!("../../../python/paths.py");
/// Time for the answer; a healthy one takes a hundredth of it.
const DEADLINE: Duration = Duration::from_secs(10);
/// Limit of its private memory.
const MEMORY: u64 = 1 << 30;

/// Of what an interpreter is made; each character of a path stands for a byte.
#[derive(Debug, Deserialize)]
pub(super) struct Paths {
    executable: String,
    folders: Vec<String>,
    files: Vec<String>,
}

impl Paths {
    /// What it imports from.
    pub(super) fn folders(&self) -> impl Iterator<Item = PathBuf> {
        self.folders.iter().map(|told| path(told))
    }

    /// What else it is made of.
    pub(super) fn files(&self) -> impl Iterator<Item = PathBuf> {
        self.files.iter().map(|told| path(told))
    }
}

fn path(told: &str) -> PathBuf {
    OsString::from_vec(told.chars().filter_map(|c| u8::try_from(c).ok()).collect()).into()
}

/// Asks a Python that is root's as root: the folders may be such that nobody else can look into.
pub(super) fn paths(program: &Path, prefixes: &BTreeSet<PathBuf>) -> Result<Paths, ProbeFailure> {
    let prefixes = prefixes.iter().map(|prefix| prefix.clone().into_os_string());
    match asked(program, prefixes, None) {
        Observed::Seen(paths) => Ok(paths),
        Observed::Failed(by) | Observed::Interrupted { by, .. } => Err(by),
        Observed::NotProbed { why } => Err(ProbeFailure::NotStarted { message: why }),
    }
}

/// The Python that a script or a launcher of versions starts.
///
/// It starts whatever it likes, which may well forge the answer. So it runs as nobody, and the answer is a hint
/// that is looked at like any other Python.
pub(super) fn behind(program: &Path) -> Result<PathBuf, Refusal> {
    if let Some(version) = env::var("PYENV_VERSION").ok().or_else(|| pyenv_version(program))
        && let Some(python) = pyenv_python(program, &version)
    {
        return Ok(python);
    }
    let nobody = Identity { uid: NOBODY, gid: NOBODY, groups: Vec::new() };
    let said = asked(program, std::iter::empty(), Some(nobody));
    match &said {
        Observed::Seen(paths) if path(&paths.executable).is_absolute() => Ok(path(&paths.executable)),
        // A program that is no Python fares no better as root; one that nobody can start might.
        Observed::Failed(failure)
            if is_binary(program) && !matches!(failure, ProbeFailure::NotStarted { .. }) =>
        {
            Err(Refusal::Failed(failure.clone()))
        }
        Observed::Seen(_)
        | Observed::Failed(_)
        | Observed::Interrupted { .. }
        | Observed::NotProbed { .. } => Err(Refusal::NotRun(format!(
            "gpucheck runs as root, and what {} starts cannot be told: {}",
            program.display(),
            said.why_not()
        ))),
    }
}

/// The version that pyenv is set to, where this is one of its shims.
fn pyenv_version(shim: &Path) -> Option<String> {
    let set = fs::read_to_string(shim.parent()?.with_file_name("version")).ok()?;
    set.split_whitespace().next().map(str::to_owned)
}

/// What a shim of pyenv starts for a version, told by where pyenv keeps it: `shims` lies beside `versions`.
///
/// Source: pyenv's libexec/pyenv-exec and pyenv-which.
fn pyenv_python(shim: &Path, version: &str) -> Option<PathBuf> {
    let shims = shim.parent().filter(|folder| folder.ends_with("shims"))?;
    let is_name = Path::new(version).components().count() == 1 && version != "..";
    let python = shims.with_file_name("versions").join(version).join("bin").join(shim.file_name()?);
    (is_name && python.is_file()).then_some(python)
}

fn asked(
    program: &Path,
    prefixes: impl Iterator<Item = OsString>,
    identity: Option<Identity>,
) -> Observed<Paths> {
    let mut args: Vec<OsString> = ["-E", "-s", "-S", "-B", "-c", PATHS].map(OsString::from).into();
    args.extend(prefixes);
    let finished = child::run(Job {
        program: program.to_owned().into_os_string(),
        args,
        base: None,
        env: Vec::new(),
        folder: None,
        deadline: DEADLINE,
        memory: MEMORY,
        files: Vec::new(),
        identity,
        may_make_nodes: false,
        stack_at_deadline: false,
    });
    tracing::debug!(program = %program.display(), log = finished.log, "the bare interpreter answered");
    finished.observed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shim_of_pyenv_leads_to_the_version_that_is_set() {
        let pyenv = tempfile::tempdir().unwrap();
        let shim = pyenv.path().join("shims/python3");
        let python = pyenv.path().join("versions/3.11.7/bin/python3");
        for file in [&shim, &python] {
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, "").unwrap();
        }
        assert_eq!(pyenv_version(&shim), None);
        fs::write(pyenv.path().join("version"), "3.11.7\n3.9.1\n").unwrap();
        assert_eq!(pyenv_version(&shim).as_deref(), Some("3.11.7"));
        assert_eq!(pyenv_python(&shim, "3.11.7"), Some(python));
        for other in ["system", "../x", "..", ""] {
            assert_eq!(pyenv_python(&shim, other), None, "{other}");
        }
        assert_eq!(pyenv_python(Path::new("/usr/bin/python3"), "3.11.7"), None);
    }
}
