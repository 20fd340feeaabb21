//! The processes on the GPUs, in a folder's `/proc`.

use crate::stage::Machine;
use gpucheck::probe::processes;
use gpucheck_checks::fact::{Notebook, Observed, Process, Processes};
use std::collections::BTreeSet;

fn processes_of(machine: &Machine, listed: &[u32]) -> Processes {
    let observed = processes::probe(&machine.root(), &listed.iter().copied().collect());
    let Observed::Seen(processes) = observed else { panic!("{observed:?}") };
    processes
}

/// A machine with a node of the driver, up for a day.
fn machine() -> Machine {
    Machine::linux()
        .file("/dev/nvidia0", "")
        .file("/proc/uptime", "86400.52 170000.10\n")
        .file("/proc/1/comm", "systemd\n")
        .link("/proc/1/fd/0", "/dev/null")
}

/// With a process of this number that was started an hour ago.
fn with(machine: Machine, pid: u32, name: &str, uid: u32, arguments: &str) -> Machine {
    let start = (86400 - 3600) * 100;
    let rest = format!("S 900 {pid} {pid} 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 {start} 1000 100");
    machine
        .file(&format!("/proc/{pid}/stat"), format!("{pid} ({name}) {rest}\n"))
        .file(&format!("/proc/{pid}/comm"), format!("{name}\n"))
        .file(&format!("/proc/{pid}/status"), format!("Name:\t{name}\nUid:\t{uid}\t{uid}\t{uid}\t{uid}\n"))
        .file(&format!("/proc/{pid}/cmdline"), arguments.replace(' ', "\0"))
        .folder(&format!("/proc/{pid}/fd"))
}

#[test]
fn a_notebook_is_told_with_its_kernel_its_owner_and_its_age() {
    let arguments =
        "/opt/tf/bin/python -m ipykernel_launcher -f /run/user/1000/jupyter/kernel-6f2c1a9e-0d1b.json";
    let machine = with(machine(), 4711, "python3", 1000, arguments)
        .file("/proc/4711/environ", "PATH=/bin\0JPY_SESSION_NAME=/home/kim/lab 1.ipynb\0HOME=/home/kim\0")
        .link("/proc/4711/fd/3", "/dev/nvidia-uvm")
        .link("/proc/4711/fd/4", "/dev/nvidia0")
        .link("/proc/4711/fd/5", "/dev/nvidia0")
        .link("/proc/4711/fd/6", "socket:[12345]")
        .link("/proc/4711/fd/7", "/home/kim/dev/nvidia0");
    let processes = processes_of(&machine, &[]);
    let expected = Process {
        pid: 4711,
        name: Some("python3".to_owned()),
        uid: Some(1000),
        parent: Some(900),
        age_s: Some(3600),
        nodes: Some(vec!["/dev/nvidia-uvm".to_owned(), "/dev/nvidia0".to_owned()]),
        notebook: Some(Notebook {
            kernel: "6f2c1a9e-0d1b".to_owned(),
            path: Some("/home/kim/lab 1.ipynb".to_owned()),
            via: None,
        }),
        asks: false,
    };
    assert_eq!(processes, Processes { on_gpus: vec![expected.clone()], closed: 0, whole: true });
    assert!(expected.computes());
}

#[test]
fn what_a_kernel_started_leads_to_its_notebook() {
    let kernel = "/opt/tf/bin/python -m ipykernel_launcher -f /run/user/1000/jupyter/kernel-6f2c.json";
    let machine = with(machine(), 4711, "python3", 1000, kernel)
        .file("/proc/4711/environ", "JPY_SESSION_NAME=/home/kim/Lab3.ipynb\0")
        .file("/proc/4711/status", "PPid:\t900\n");
    let machine =
        with(machine, 4712, "sh", 1000, "/bin/sh -c python").file("/proc/4712/status", "PPid:\t4711\n");
    let machine = with(machine, 4713, "python3", 1000, "python train.py")
        .file("/proc/4713/status", "PPid:\t4712\nUid:\t1000\t1000\t1000\t1000\n")
        // A circle, which Linux never shows, has an end as well.
        .file("/proc/5000/status", "PPid:\t5000\n");
    let processes = processes_of(&machine, &[4713, 5000]);
    let [worker, circle] = processes.on_gpus.as_slice() else { panic!("{processes:?}") };
    let path = Some("/home/kim/Lab3.ipynb".to_owned());
    assert_eq!(worker.notebook, Some(Notebook { kernel: "6f2c".to_owned(), path, via: Some(4711) }));
    assert_eq!(circle.notebook, None);
}

#[test]
fn a_kernel_of_vs_code_has_its_id() {
    // As vscode-jupyter's kernelLauncher names its connection files.
    let arguments = "/opt/tf/bin/python -m ipykernel_launcher --f=/home/kim/.local/share/jupyter/runtime/kernel-v2-41aB.json";
    let processes = processes_of(&with(machine(), 9, "python", 1000, arguments), &[9]);
    let expected = Notebook { kernel: "v2-41aB".to_owned(), path: None, via: None };
    assert_eq!(processes.on_gpus[0].notebook, Some(expected));
}

#[test]
fn what_holds_no_node_is_told_where_nvml_lists_it() {
    let machine = with(with(machine(), 20, "bash", 1000, "bash"), 21, "python3", 1001, "python3 train.py");
    let processes = processes_of(&machine, &[21, 99]);
    let told: Vec<_> = processes.on_gpus.iter().map(|process| (process.pid, process.uid)).collect();
    assert_eq!(told, [(21, Some(1001))]);
    assert_eq!(processes.on_gpus[0].notebook, None);
    assert!(!processes.on_gpus[0].computes());
}

#[test]
fn names_and_arguments_may_hold_anything() {
    let machine = with(machine(), 7, "a) S (b", 1000, "jupyter --f=/x/kernel-.json")
        .file("/proc/7/comm", b"\xff\xfe\n")
        .link("/proc/7/fd/0", "/dev/nvidiactl");
    let processes = processes_of(&machine, &[]);
    let process = &processes.on_gpus[0];
    assert_eq!((process.parent, process.age_s), (Some(900), Some(3600)));
    assert_eq!(process.notebook, Some(Notebook { kernel: String::new(), path: None, via: None }));
}

#[test]
fn half_a_process_is_no_trouble() {
    let machine = machine()
        .link("/proc/8/fd/0", "/dev/nvidia-uvm")
        .file("/proc/8/stat", "8 (cut")
        .file("/proc/9/fd", "no folder")
        .folder("/proc/10")
        .file("/proc/99999999999", "no number of a process")
        .file("/proc/8/status", "Uid:\tmany\n");
    let processes = processes_of(&machine, &[9]);
    let told: Vec<u32> = processes.on_gpus.iter().map(|process| process.pid).collect();
    assert_eq!(told, [8, 9]);
    assert_eq!((processes.on_gpus[0].uid, processes.on_gpus[0].age_s), (None, None));
}

#[test]
fn where_the_first_process_is_hidden_others_are_too() {
    let machine = Machine::linux().file("/dev/nvidia0", "").folder("/proc/50/fd");
    assert!(!processes_of(&machine, &[]).whole);
}

#[test]
fn without_a_node_nothing_can_be_held() {
    let machine = Machine::linux().link("/proc/1/fd/0", "/dev/nvidia0");
    let observed = processes::probe(&machine.root(), &BTreeSet::new());
    assert!(matches!(observed, Observed::NotProbed { .. }), "{observed:?}");
}
