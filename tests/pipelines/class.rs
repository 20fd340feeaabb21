//! Ansible: the playbook for a class, on this machine as if it were all of its seats.

use super::{
    ansible::ansible,
    parts::{debian, ours, tool},
    run,
};
use crate::machine::Machine;
use serde_json::{Value, json};
use std::{
    fs,
    path::{Path, PathBuf},
};

const GPUCHECK: &str = env!("CARGO_BIN_EXE_gpucheck");

/// Plays it with an inventory of these lines.
fn play(folder: &Path, seats: &str, more: &Value) -> super::Ended {
    let inventory = folder.join("class.ini");
    fs::write(&inventory, seats).unwrap();
    let mut variables = json!({
        "ansible_python_interpreter": tool("python"),
        "ansible_ssh_executable": debian().join("ssh"),
        "gpucheck_class_here": GPUCHECK,
        "gpucheck_class_reports": folder.join("reports"),
    });
    variables.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut play = ansible("ansible-playbook", folder);
    play.env("ANSIBLE_PIPELINING", "1").env("ANSIBLE_TIMEOUT", "5");
    play.args(["--forks", "25", "-i"]).arg(inventory).arg("-e").arg(variables.to_string());
    run(play.arg(ours("packaging/ansible/class.yml")))
}

/// What was seen on one of the machines of the tests, as a file.
fn facts(folder: &Path, machine: &str) -> PathBuf {
    let file = folder.join(format!("{machine}.json"));
    fs::write(&file, serde_json::to_vec(&Machine::load(machine).facts).unwrap()).unwrap();
    file
}

/// What the daemon of a healthy machine has kept, looked at now or some days ago.
fn kept(folder: &Path, name: &str, is_old: bool) -> String {
    let kept = folder.join(format!("{name}-report.json"));
    let judged = run(super::command(GPUCHECK, folder)
        .args(["judge", "--format", "json", "-o"])
        .arg(&kept)
        .arg(facts(folder, "t4-535")));
    assert_eq!(judged.status, Some(0), "{}", judged.said);
    let mut report: Value = serde_json::from_slice(&fs::read(&kept).unwrap()).unwrap();
    let age = jiff::SignedDuration::from_hours(if is_old { 72 } else { 0 });
    report["taken_at"] = json!((jiff::Timestamp::now() - age).to_string());
    fs::write(&kept, report.to_string()).unwrap();
    format!("{name} ansible_connection=local gpucheck_class_daemon_report={}\n", kept.display())
}

/// A seat that is this machine, and says what one of the machines of the tests would.
fn seat(folder: &Path, name: &str, machine: &str) -> String {
    let facts = facts(folder, machine);
    let options = json!(["judge", facts]).to_string();
    format!(
        "{name} ansible_connection=local gpucheck_class_installed={GPUCHECK} gpucheck_class_look_options='{options}'\n"
    )
}

#[test]
fn a_class_is_asked_and_who_cannot_be_reached_is_a_seat_that_is_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let reports = folder.path().join("reports");
    // What an earlier run has left does not pass for this one's.
    for name in ["seat-05", "seat-06"] {
        fs::create_dir_all(reports.join(name)).unwrap();
        fs::write(reports.join(name).join("gpucheck.json"), "{}").unwrap();
    }
    let seats: String =
        (1..=3).map(|number| seat(folder.path(), &format!("seat-{number:02}"), "t4-535")).collect();
    let broken = seat(folder.path(), "seat-04", "module-missing-new-kernel");
    let unreachable = "seat-05 ansible_host=127.0.0.1 ansible_port=1\n";
    let without = "seat-06 ansible_connection=local gpucheck_class_installed=/nowhere/gpucheck\n";
    let played = play(folder.path(), &[&seats, &broken, unreachable, without].concat(), &json!({}));
    assert_eq!(played.status, Some(2), "{}", played.said);
    let answer = "NOT READY: 3 of 6 seats are ready, 1 not ready, 2 without a report that can be read";
    assert!(played.said.contains(answer), "{}", played.said);
    for name in ["seat-05", "seat-06"] {
        assert!(
            played.said.contains(&format!("- {name}: no gpucheck.json in its folder")),
            "{}",
            played.said
        );
    }
    assert!(
        fs::read_to_string(folder.path().join("reports.html"))
            .unwrap()
            .contains(answer.split_once(": ").unwrap().1)
    );
    let kept = fs::read_to_string(reports.join("seat-04/gpucheck.json")).unwrap();
    assert!(kept.contains("module-missing-new-kernel"), "{kept}");
}

#[test]
fn the_last_report_of_a_daemon_is_taken() {
    let folder = tempfile::tempdir().unwrap();
    let seats = [
        kept(folder.path(), "seat-01", false),
        "seat-02 ansible_connection=local gpucheck_class_daemon_report=/nowhere/report.json\n".to_owned(),
        kept(folder.path(), "seat-03", true),
    ]
    .concat();
    let played = play(folder.path(), &seats, &json!({"gpucheck_class_from": "daemon"}));
    assert_eq!(played.status, Some(2), "{}", played.said);
    // What it fails with is the whole first line.
    let answer = "NOT VERIFIED: 1 of 3 seats are ready, 1 with a report that is too old, 1 without a report \
                  that can be read (exit status: 3";
    assert!(played.said.contains(answer), "{}", played.said);
    // Alone it is a class that is ready: what lies in the folder of another is not asked.
    let played =
        play(folder.path(), seats.lines().next().unwrap(), &json!({"gpucheck_class_from": "daemon"}));
    assert_eq!(played.status, Some(0), "{}", played.said);
}
