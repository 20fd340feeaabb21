//! The snippets for GitLab and GitHub, and the form of every script.

use super::{
    Ended, command,
    image::{GPUCHECK, Image, Kept, assert_reports},
    parts::{debian, ours, project, tool},
    run,
};
use serde_json::Value;
use std::{fs, os::unix::fs::symlink, path::Path};

/// A YAML file as JSON.
fn yaml(file: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    // In YAML 1.1 GitHub's `on` is a boolean, and as a key of JSON a string.
    let read = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    let ended = run(command(tool("python"), folder.path()).args(["-c", read]).arg(ours(file)));
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    serde_json::from_str(&ended.said).unwrap()
}

/// Runs a job's script over an image, with the job's variables.
fn job(script: &str, variables: &Value, image: &Image, folder: &Path) -> Ended {
    symlink(GPUCHECK, folder.join("gpucheck")).unwrap();
    symlink(image.root(), folder.join("image")).unwrap();
    let mut job = command("bash", folder);
    for (name, value) in variables.as_object().unwrap() {
        job.env(name, value.as_str().unwrap());
    }
    run(job.args(["-e", "-c", script]))
}

fn assert_both_ways(script: &str, variables: &Value) {
    for (image, status, kept) in [(Image::good(), 0, Kept::Good), (Image::bad(), 1, Kept::Bad)] {
        let folder = tempfile::tempdir().unwrap();
        let ended = job(script, variables, &image, folder.path());
        assert_eq!(ended.status, Some(status), "{}", ended.said);
        assert_reports(&folder.path().join("reports"), kept);
    }
}

#[test]
fn gitlabs_job_fails_for_a_bad_image_and_keeps_the_reports_of_both() {
    let job = &yaml("packaging/ci/gitlab-ci.yml")["gpu-image"];
    assert_eq!(job["artifacts"]["when"], "always");
    assert_eq!(job["artifacts"]["reports"]["junit"], "reports/gpucheck.xml");
    let lines: Vec<&str> =
        job["script"].as_array().unwrap().iter().map(|line| line.as_str().unwrap()).collect();
    assert_both_ways(&lines.join("\n"), &job["variables"]);
}

#[test]
fn githubs_job_fails_for_a_bad_image_and_keeps_the_reports_of_both() {
    let job = &yaml("packaging/ci/github-actions.yml")["jobs"]["gate"];
    let steps = job["steps"].as_array().unwrap();
    let upload = steps.iter().find(|step| step["with"]["path"] == "reports").unwrap();
    assert_eq!(upload["if"], "always()");
    let judge = steps.iter().find(|step| step["name"] == "Judge the image").unwrap();
    assert_both_ways(judge["run"].as_str().unwrap(), &job["env"]);
}

#[test]
fn shellcheck_has_nothing_to_say_of_the_scripts() {
    let mut scripts = Vec::new();
    for folder in ["packaging", "tests"] {
        find(&project().join(folder), &mut scripts);
    }
    assert!(scripts.len() > 10, "{scripts:?}");
    let mut shellcheck = command(debian().join("shellcheck"), project());
    let ended = run(shellcheck.args(["-x", "--"]).args(&scripts));
    assert_eq!(ended.status, Some(0), "{}", ended.said);
}

/// Finds the shell scripts below a folder.
fn find(folder: &Path, scripts: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let path = entry.path();
        if entry.file_type().unwrap().is_dir() {
            find(&path, scripts);
        } else if path.extension().is_some_and(|ending| ending == "sh") {
            scripts.push(path);
        }
    }
}
