//! A framework that cannot be imported for what is the user's own, and can be without it.

use super::{add, fakes::TORCH};
use crate::pythons::{ask, look, part};
use gpucheck::probe::frameworks::Ask;
use gpucheck_checks::fact::{Observed, Python, ShadowingPlace};
use std::{fs, os::unix::fs::symlink, path::PathBuf};
use tempfile::TempDir;

/// An environment with a PyTorch that wants its neighbour NumPy, and a `PYTHONPATH` with another NumPy.
fn environment(torch: &str, foreign_numpy: &str) -> (TempDir, Ask) {
    let environment = tempfile::tempdir().unwrap();
    let site = site_packages(&environment);
    let interpreter = fs::canonicalize(part("empty").join("bin/python")).unwrap();
    fs::create_dir(environment.path().join("bin")).unwrap();
    symlink(interpreter, environment.path().join("bin/python")).unwrap();
    fs::copy(part("empty").join("pyvenv.cfg"), environment.path().join("pyvenv.cfg")).unwrap();
    let inside = tempfile::tempdir_in(&environment).unwrap();
    add(&inside, "torch", torch);
    fs::rename(inside.path(), &site).unwrap();
    fs::write(site.join("numpy.py"), "").unwrap();
    let foreign = environment.path().join("foreign");
    fs::create_dir(&foreign).unwrap();
    fs::write(foreign.join("numpy.py"), foreign_numpy).unwrap();
    let mut ask = ask(environment.path());
    ask.environment.changes = vec![("PYTHONPATH".into(), Some(foreign.into()))];
    ask.put_to_work = true;
    (environment, ask)
}

/// Where the Python of this environment keeps its packages.
fn site_packages(environment: &TempDir) -> PathBuf {
    let lib = fs::read_dir(part("empty").join("lib")).unwrap().next().unwrap().unwrap().file_name();
    let version = environment.path().join("lib").join(lib);
    fs::create_dir_all(&version).unwrap();
    version.join("site-packages")
}

fn looked(torch: &str, foreign_numpy: &str) -> Python {
    let (_environment, ask) = environment(torch, foreign_numpy);
    look(&ask)
}

// A NumPy without its parts, as one for another Python is: conda/conda#7173.
const BROKEN: &str =
    "raise ImportError('Error importing numpy: no module named numpy.core._multiarray_umath')\n";

#[test]
fn what_a_foreign_numpy_breaks_works_in_isolation() {
    let python = looked(&format!("import numpy\n{TORCH}"), BROKEN);
    let torch = python.packages.seen().unwrap().torch.clone().unwrap();
    assert!(torch.operations.why_not().starts_with("import torch: ImportError: Error importing numpy"));
    let isolated = python.isolated.unwrap();
    assert_eq!(isolated.outcome, Observed::Seen("PyTorch 2.6.0+cu126".to_owned()));
    let [shadowing] = isolated.shadowing.as_slice() else { panic!("{isolated:#?}") };
    assert_eq!(shadowing.place, ShadowingPlace::PythonPath);
    assert_eq!(shadowing.modules, ["numpy"]);
}

#[test]
fn what_fails_in_isolation_too_is_told() {
    let python = looked("raise ImportError('libcudnn.so.9')\n", "");
    let isolated = python.isolated.unwrap();
    assert_eq!(isolated.outcome.why_not(), "import torch: ImportError: libcudnn.so.9");
}

#[test]
fn what_fails_after_its_import_is_not_tried_in_isolation() {
    let python = looked(&format!("import numpy\n{TORCH}\nWRONG.add('cuda:0')\n"), "");
    assert_eq!(python.isolated, None);
}
