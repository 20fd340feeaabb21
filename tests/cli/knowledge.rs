//! Tables from a folder: they decide, and what is wrong with them is told with its place.

use super::{judge_facts, run};
use crate::machine::Machine;
use std::{fs, path::Path};

const XIDS: &str = include_str!("../../checks/knowledge/xids.toml");

fn judged_by(folder: &Path) -> super::Ran {
    let facts = Machine::load("driver-not-installed").facts;
    judge_facts(&facts, &["--knowledge", folder.to_str().unwrap()])
}

#[test]
fn a_table_in_the_folder_decides() {
    let folder = tempfile::tempdir().unwrap();
    let gpus = include_str!("../../checks/knowledge/gpus.toml");
    // A NVIDIA that gave up Turing: 470 would be its last branch.
    let edited = gpus.replace("first_branch = 410,", "first_branch = 410, last_branch = 470,");
    fs::write(folder.path().join("gpus.toml"), edited).unwrap();
    fs::write(folder.path().join("README.md"), "no table").unwrap();
    let ran = judged_by(folder.path());
    assert_eq!((ran.status, ran.err.as_str()), (Some(1), ""));
    assert!(ran.out.contains("nvidia-driver-470-server"), "{}", ran.out);
}

#[test]
fn what_is_wrong_with_a_table_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let table = folder.path().join("xids.toml");
    fs::write(&table, XIDS.replacen("number = 8,", "numbr = 8,", 1)).unwrap();
    let ran = judged_by(folder.path());
    assert_eq!((ran.status, ran.out.as_str()), (Some(4), ""));
    for part in [table.to_str().unwrap(), "line 10, column 5", "`numbr`", "`number`"] {
        assert!(ran.err.contains(part), "{part}: {}", ran.err);
    }
    fs::rename(&table, folder.path().join("xid.toml")).unwrap();
    let ran = judged_by(folder.path());
    assert!(ran.status == Some(4) && ran.err.contains("xid.toml: no table has this name"), "{}", ran.err);
}

#[test]
fn a_folder_without_tables_is_no_knowledge() {
    let folder = tempfile::tempdir().unwrap();
    let ran = judged_by(folder.path());
    assert!(
        ran.status == Some(4) && ran.err.contains("no table in it; it may hold gpus.toml"),
        "{}",
        ran.err
    );
    let ran = run(&["--knowledge", "/nowhere/at/all"]);
    assert!(ran.status == Some(4) && ran.err.contains("/nowhere/at/all: No such file"), "{}", ran.err);
}

#[test]
fn a_table_that_never_ends_is_not_read() {
    let folder = tempfile::tempdir().unwrap();
    std::os::unix::fs::symlink("/dev/zero", folder.path().join("gpus.toml")).unwrap();
    let ran = judged_by(folder.path());
    assert!(ran.status == Some(4) && ran.err.contains("not a regular file"), "{}", ran.err);
}
