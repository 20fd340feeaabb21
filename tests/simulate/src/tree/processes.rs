//! The processes that run on a machine, as `/proc` shows them.

use super::Tree;
use crate::{file::Process, machine::Machine};

/// Seconds since a simulated machine booted.
const UPTIME: u64 = 86_400;
/// Ticks of Linux' clock in a second, on x86-64.
const TICKS: u64 = 100;

/// Adds the processes, the first of every Linux among them.
pub(super) fn add(tree: &mut Tree, machine: &Machine) {
    tree.file("/proc/uptime", format!("{UPTIME}.00 {UPTIME}.00\n"));
    let first = Process {
        pid: 1,
        name: "systemd".to_owned(),
        command: vec!["/sbin/init".to_owned()],
        user: 0,
        parent: 0,
        age_s: UPTIME,
        environment: std::collections::BTreeMap::new(),
        nodes: Vec::new(),
    };
    for process in std::iter::once(&first).chain(&machine.processes) {
        add_process(tree, process);
    }
}

fn add_process(tree: &mut Tree, process: &Process) {
    let Process { pid, name, command, user, parent, age_s, environment, nodes } = process;
    let base = format!("/proc/{pid}");
    let started = UPTIME.saturating_sub(*age_s) * TICKS;
    tree.file(format!("{base}/comm"), format!("{name}\n"));
    // After the state and the parent there are 17 numbers before the one that tells when it started.
    let numbers = "0 ".repeat(17);
    tree.file(format!("{base}/stat"), format!("{pid} ({name}) S {parent} {numbers}{started} 0\n"));
    let ids = format!("{user}\t{user}\t{user}\t{user}");
    tree.file(
        format!("{base}/status"),
        format!("Name:\t{name}\nPid:\t{pid}\nPPid:\t{parent}\nUid:\t{ids}\nGid:\t{ids}\n"),
    );
    // Each ends with a NUL.
    let texts = |texts: Vec<String>| [texts.join("\0"), "\0".repeat(texts.len().min(1))].concat();
    tree.file(format!("{base}/cmdline"), texts(command.clone()));
    let variables = environment.iter().map(|(name, value)| format!("{name}={value}")).collect();
    tree.file(format!("{base}/environ"), texts(variables));
    tree.link(format!("{base}/fd/0"), "/dev/null");
    for (number, node) in nodes.iter().enumerate() {
        tree.link(format!("{base}/fd/{}", number + 3), node);
    }
}
