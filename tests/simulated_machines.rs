//! The whole program on every simulated machine, and what a person is told who writes one wrongly.

mod wrongly_written;

use gpucheck::exit::Exit;
use gpucheck_checks::MachineVerdict;
use gpucheck_machines::{
    Kind, folder,
    machine::Machine,
    matrix::{self, Cell, Row},
    names,
    run::{Staged, reason_to_skip},
};
use std::{path::Path, process::Command, time::Duration};

fn gpucheck() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_gpucheck"))
}

fn load(name: &str) -> Machine {
    Machine::load(&folder(), name).unwrap_or_else(|error| panic!("{error}"))
}

/// A machine's deadline is set where something on it hangs.
fn hangs(row: &Row) -> bool {
    load(&row.name).host.deadline_ms.is_some()
}

#[test]
fn every_simulated_machine_gets_its_verdict_and_its_roots() {
    let rows = matrix::rows(&folder(), &[Kind::Simulated], gpucheck());
    let (table, all_right) = matrix::table(&rows);
    println!("{table}");
    assert!(all_right, "{table}");
    // One takes well under a second; the machine that the tests run on may be busy.
    let slow = |row: &&Row| row.took().is_some_and(|took| took > Duration::from_secs(5)) && !hangs(row);
    let slow: Vec<&str> = rows.iter().filter(slow).map(|row| row.name.as_str()).collect();
    assert!(slow.is_empty(), "{slow:?}");
}

#[test]
fn there_are_healthy_machines_of_every_kind() {
    let healthy: Vec<Machine> = names(&folder(), Kind::Simulated)
        .iter()
        .map(|name| load(name))
        .filter(|machine| {
            machine.expected.verdict == MachineVerdict::Usable && machine.expected.roots.is_empty()
        })
        .collect();
    assert!(healthy.len() >= 14, "{}", healthy.len());
    for capability in [(3, 7), (5, 2), (6, 0), (7, 0), (7, 5), (8, 0), (8, 6), (8, 9), (9, 0), (12, 0)] {
        let has =
            |machine: &Machine| machine.gpus.iter().any(|slot| slot.card.compute_capability == capability);
        assert!(healthy.iter().any(has), "none has compute capability {capability:?}");
    }
    assert!(healthy.iter().any(|machine| machine.gpus.len() > 1));
}

#[test]
fn nothing_is_left_of_a_machine_unless_it_is_kept() {
    let machine = load("azure-t4-535");
    let staged = Staged::new(&machine).unwrap();
    let root = staged.root();
    assert!(root.join("proc/driver/nvidia/version").is_file());
    drop(staged);
    assert!(!root.exists());
    let kept = Staged::new(&machine).unwrap().keep();
    assert!(kept.join("root/proc/driver/nvidia/version").is_file());
    std::fs::remove_dir_all(kept).unwrap();
}

#[test]
fn without_the_switch_nothing_is_said_of_another_roots_pythons() {
    let staged = Staged::new(&load("azure-t4-535")).unwrap();
    let command = staged.command(gpucheck()).unwrap();
    let arguments: Vec<_> = command.get_args().filter(|argument| *argument != "--this-pythons").collect();
    let environment = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
    let mut without = Command::new(gpucheck());
    let status =
        without.args(arguments).env_clear().envs(environment).arg("--quiet").output().unwrap().status;
    assert_eq!(status.code(), Some(Exit::Incomplete as i32));
}

#[test]
fn a_machine_that_only_root_can_simulate_is_skipped_with_the_reason() {
    let rows = matrix::rows(&folder(), &[Kind::Simulated], Path::new("/nowhere/gpucheck"));
    for row in rows {
        let machine = load(&row.name);
        match (reason_to_skip(&machine), &row.result) {
            (Some(why), Ok(Cell::Skipped(told))) => assert_eq!(&why, told),
            (None, Err(error)) => assert!(error.to_string().starts_with(&row.name), "{error}"),
            (expected, _) => panic!("{}: {expected:?}", row.name),
        }
    }
}
