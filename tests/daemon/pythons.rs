//! Of Pythons a service starts those that root alone can write to.

use crate::{home::Home, pythons::look};
use gpucheck::probe::frameworks::{Ask, Environment};
use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
    path::Path,
    process::Command,
};

fn ask(environment: &Path) -> Ask {
    let mut ask = Ask::new(Environment {
        virtual_env: Some(environment.to_owned()),
        path: "/nowhere".into(),
        ..Environment::default()
    });
    ask.roots_alone = true;
    ask
}

#[test]
fn what_a_student_can_write_to_is_not_started() {
    if !rustix::process::geteuid().is_root() {
        println!("skipped: needs root, whose environments these are");
        return;
    }
    let home = Home::new();
    home.python("env");
    let environment = home.path().join("env");
    let site = home.site("env");
    let mark = home.path().join("mark");
    fs::write(
        site.join("mark.pth"),
        format!("import os; open({:?}, 'w').close()\n", mark.display().to_string()),
    )
    .unwrap();
    let python = look(&ask(&environment));
    assert!(python.interpreter.seen().is_some(), "{python:#?}");
    assert!(mark.exists());
    fs::remove_file(&mark).unwrap();
    let refused = |why: &str| {
        let python = look(&ask(&environment));
        let told = python.interpreter.why_not();
        assert!(
            told.contains("the service starts what root alone can write to") && told.contains(why),
            "{told}"
        );
        assert!(python.ran_as.is_none() && !mark.exists(), "{python:#?}");
    };
    // A package that is a student's, a folder that all can write to, all of it a student's: root would become that student.
    chown(site.join("mark.pth"), Some(12_345), Some(12_345)).unwrap();
    refused("in the hands of user 12345");
    chown(site.join("mark.pth"), Some(0), Some(0)).unwrap();
    fs::set_permissions(&site, fs::Permissions::from_mode(0o777)).unwrap();
    refused("can be written by everyone");
    fs::set_permissions(&site, fs::Permissions::from_mode(0o755)).unwrap();
    let everything = Command::new("chown").args(["-hR", "12345:12345"]).arg(&environment).status().unwrap();
    assert!(everything.success());
    refused("in the hands of user 12345");
}

#[test]
fn a_script_in_the_place_of_a_python_is_not_started() {
    let folder = tempfile::tempdir().unwrap();
    let program = folder.path().join("bin/python");
    let mark = folder.path().join("mark");
    fs::create_dir(folder.path().join("bin")).unwrap();
    fs::write(&program, format!("#!/bin/sh\n: > {}\n", mark.display())).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let told = look(&ask(folder.path())).interpreter.why_not();
    assert!(told.contains("the service starts what root alone can write to"), "{told}");
    assert!(!mark.exists());
}
