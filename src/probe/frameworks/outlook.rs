//! What looks at the Pythons would rest on, before any is taken: two processes of the same outlook would see the same.
//!
//! Invariants: files are listed and stat'ed, and nothing is started; what cannot be told makes an outlook that no other one
//! is like; values of variables leave this file as sums alone.

use super::{
    Environment, Notebooks,
    discover::{Candidate, program_on},
    heeded::deciding,
    identity::{package_folders, prefixes},
    servers::NOT_HANDED_ON,
    shell_files,
    starts::{Start, Starts},
};
use crate::root::Root;
use gpucheck_checks::fact;
use std::{
    collections::BTreeMap,
    env,
    ffi::OsString,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

/// Most entries of a folder in which modules are looked for.
const MOST_ENTRIES: usize = 1000;
/// Programs that frameworks take from the path.
const ON_PATH: [&str; 3] = ["nvcc", "ptxas", "nvidia-smi"];

/// The outlook of this process, a sum for each part.
pub(crate) fn outlook(
    root: &Root,
    notebooks: &Notebooks,
    environments: &[fact::Environment],
) -> BTreeMap<&'static str, u64> {
    let here = Environment::of_this_process();
    let starts = Starts::of(&here, Some(notebooks), &[]);
    BTreeMap::from([
        ("variables", sum(variables(&here))),
        ("programs", sum(ON_PATH.map(|name| program_on(&here.path, name)))),
        ("pythons", sum(starts.wanted.iter().map(start).collect::<Vec<_>>())),
        ("not_started", sum(&starts.not_started)),
        ("environments", sum(environments.iter().map(environment).collect::<Vec<_>>())),
        ("own_packages", sum(own(here.home.as_deref()))),
        ("shell_files", sum(shell(root, &here))),
    ])
}

pub(crate) fn sum(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The variables that a framework heeds, but for those that are another for every user.
fn variables(environment: &Environment) -> BTreeMap<OsString, OsString> {
    let mut variables = deciding(environment);
    variables.remove(&OsString::from("HOME"));
    variables
}

fn start(Start { candidate, environment }: &Start) -> impl Hash + use<> {
    let Candidate { program, words, python, environment: prefix, said_in, kernels, .. } = candidate;
    let changes = environment.changes.iter().filter(|(name, _)| name != NOT_HANDED_ON);
    let changes: Vec<(String, Option<OsString>)> =
        changes.map(|(name, value)| (name.to_string(), value.clone())).collect();
    let folders: Vec<_> = package_folders(&prefixes(candidate)).into_iter().map(stamped).collect();
    (
        (program.clone(), words.clone(), python.clone(), prefix.clone(), kernels.clone()),
        said_in.iter().cloned().map(stamped).collect::<Vec<_>>(),
        (variables(environment), changes, imports_from_folder(environment)),
        folders,
    )
}

/// Whether something could be imported from the working directory; one that cannot be told of is taken for that.
fn imports_from_folder(environment: &Environment) -> bool {
    let Some(folder) = environment.folder.clone().or_else(|| env::current_dir().ok()) else { return true };
    let Ok(entries) = fs::read_dir(folder) else { return true };
    let is_module = |path: PathBuf| {
        path.extension().is_some_and(|end| end == "py" || end == "so" || end == "pyc")
            || path.join("__init__.py").exists()
    };
    entries
        .enumerate()
        .any(|(at, entry)| at >= MOST_ENTRIES || entry.is_ok_and(|entry| is_module(entry.path())))
}

/// An environment, and the folders of its packages as they are: pip and conda add entries to them, and take some away.
fn environment(found: &fact::Environment) -> impl Hash + use<> {
    // Those of the user's own are told by themselves, and are not there for whoever has none.
    let folders = found.folders.iter().map(PathBuf::from).map(stamped);
    let folders: Vec<_> = folders.filter(|(_, stamp)| stamp.is_some()).collect();
    let configuration = ["pyvenv.cfg", "conda-meta"].map(|name| stamped(Path::new(&found.prefix).join(name)));
    (found.prefix.clone(), found.python.clone(), found.gone, found.version.clone(), folders, configuration)
}

/// What is the user's own and every Python of theirs takes: packages, and the settings of Keras.
fn own(home: Option<&Path>) -> Vec<PathBuf> {
    let Some(home) = home else { return Vec::new() };
    let packages = fs::read_dir(home.join(".local/lib")).into_iter().flatten().flatten();
    let packages = packages.map(|entry| entry.path());
    let is_python =
        |path: &PathBuf| path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("python"));
    let keras = Some(home.join(".keras/keras.json")).filter(|path| path.exists());
    packages.filter(is_python).chain(keras).collect()
}

fn shell(root: &Root, environment: &Environment) -> [Vec<String>; 2] {
    [
        shell_files::setting_library_path(root, environment),
        shell_files::setting_visible_devices(root, environment),
    ]
}

/// A place, and what shows that it was changed; nothing of one that is not there.
pub(crate) fn stamped(path: PathBuf) -> (PathBuf, Option<(u64, i64, i64, u32)>) {
    let found = fs::metadata(&path).ok();
    let stamp = found.map(|found| (found.ino(), found.mtime(), found.mtime_nsec(), found.mode()));
    (path, stamp)
}
