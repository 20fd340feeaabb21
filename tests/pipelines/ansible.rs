//! Ansible: the role under `packaging/ansible`, on this machine as if it were the host.

use super::{
    Ended, command,
    image::{Image, Kept, assert_reports, write_small_gpucheck},
    parts::{ours, tool},
    run,
};
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

pub(super) fn ansible(program: &str, folder: &Path) -> Command {
    let mut ansible = command(tool(program), folder);
    let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", tool("").display());
    ansible.env("PATH", path).env("ANSIBLE_HOME", folder.join("ansible")).env("ANSIBLE_NOCOLOR", "1");
    ansible.env("ANSIBLE_LOCAL_TEMP", folder.join("local")).env("ANSIBLE_REMOTE_TEMP", folder.join("remote"));
    ansible
}

/// A host, and where its reports go.
struct Host {
    folder: tempfile::TempDir,
    image: Image,
}

impl Host {
    fn with(image: Image) -> Self {
        Self { folder: tempfile::tempdir().unwrap(), image }
    }

    fn play(&self, more: &Value) -> Ended {
        let binary = self.folder.path().join("gpucheck");
        write_small_gpucheck(&binary);
        let mut variables = json!({
            "ansible_python_interpreter": tool("python"),
            "gpucheck_binary": binary,
            "gpucheck_installed": self.folder.path().join("bin-gpucheck"),
            "gpucheck_work": self.folder.path().join("work"),
            "gpucheck_reports": self.folder.path().join("reports"),
            "gpucheck_targets": ["Standard_NC4as_T4_v3", "T4"],
            "gpucheck_options": ["--allow-unverified", "--root", self.image.root()],
        });
        variables.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        run(ansible("ansible-playbook", self.folder.path())
            .args(["-c", "local", "-i", "template,", "-e"])
            .arg(variables.to_string())
            .arg(ours("packaging/ansible/gate.yml")))
    }

    fn reports(&self) -> PathBuf {
        self.folder.path().join("reports/template")
    }
}

#[test]
fn a_good_machine_passes_and_the_second_time_nothing_changes() {
    let host = Host::with(Image::good());
    let first = host.play(&json!({}));
    assert_eq!(first.status, Some(0), "{}", first.said);
    // The program and the folder.
    assert!(first.said.contains("changed=2 "), "{}", first.said);
    assert_reports(&host.reports(), Kept::Good);
    let second = host.play(&json!({}));
    assert_eq!(second.status, Some(0), "{}", second.said);
    assert!(second.said.contains("changed=0 "), "{}", second.said);
    assert_reports(&host.reports(), Kept::Good);
}

#[test]
fn a_bad_machine_fails_with_the_answer_and_its_reports_are_fetched() {
    let host = Host::with(Image::bad());
    let played = host.play(&json!({}));
    assert_eq!(played.status, Some(2), "{}", played.said);
    assert!(played.said.contains("failed=1 "), "{}", played.said);
    assert_reports(&host.reports(), Kept::Bad);
    let message = played.said.lines().find(|line| line.contains("exit status: 1")).unwrap();
    assert!(message.contains("NOT USABLE: "), "{message}");
}

#[test]
fn a_machine_that_could_not_be_tried_in_full_fails_unless_that_is_allowed() {
    let host = Host::with(Image::good());
    let played = host.play(&json!({"gpucheck_options": ["--root", host.image.root()]}));
    assert_eq!(played.status, Some(2), "{}", played.said);
    assert!(played.said.contains("exit status: 3"), "{}", played.said);
    assert_reports(&host.reports(), Kept::Good);
}

#[test]
fn a_machine_without_gpucheck_fails_and_shows_no_older_report() {
    let host = Host::with(Image::good());
    let work = host.folder.path().join("work");
    fs::create_dir(&work).unwrap();
    fs::write(work.join("gpucheck.xml"), "an earlier one").unwrap();
    let played = host.play(&json!({"gpucheck_binary": "", "gpucheck_installed": "/nowhere/gpucheck"}));
    assert_eq!(played.status, Some(2), "{}", played.said);
    assert!(played.said.contains("/nowhere/gpucheck"), "{}", played.said);
    assert!(!host.reports().join("gpucheck.xml").exists());
}

#[test]
fn a_wrong_command_line_fails_with_what_is_wrong() {
    let host = Host::with(Image::good());
    let played = host.play(&json!({"gpucheck_targets": ["T44"]}));
    assert_eq!(played.status, Some(2), "{}", played.said);
    assert!(played.said.contains("exit status: 2") && played.said.contains("T44"), "{}", played.said);
}

#[test]
fn ansible_lint_takes_the_role_and_refuses_a_careless_one() {
    let folder = tempfile::tempdir().unwrap();
    let copied = run(command("cp", folder.path()).arg("-r").arg(ours("packaging/ansible")).arg("role"));
    assert_eq!(copied.status, Some(0), "{}", copied.said);
    let role = folder.path().join("role");
    let lint = || {
        let mut lint = ansible("ansible-lint", &role);
        run(lint.args([
            "--offline",
            "--nocolor",
            "-p",
            "--profile",
            "production",
            "gate.yml",
            "class.yml",
            "roles",
        ]))
    };
    let ended = lint();
    assert_eq!(ended.status, Some(0), "{}", ended.said);
    let tasks = role.join("roles/gpucheck/tasks/main.yml");
    let careless = fs::read_to_string(&tasks)
        .unwrap()
        .replace("      failed_when: false\n", "      failed_wen: false\n");
    fs::write(&tasks, careless).unwrap();
    let ended = lint();
    assert_ne!(ended.status, Some(0), "{}", ended.said);
    assert!(ended.said.contains("failed_wen"), "{}", ended.said);
}
