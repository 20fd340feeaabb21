//! The kernel log in the files of a machine.

use super::seen;
use crate::stage::Machine;
use gpucheck::{probe::log, root::Root};
use gpucheck_checks::fact::{KernelLog, Observed};

/// A line as rsyslog writes it.
fn line(text: &str) -> String {
    format!("Nov 23 09:00:00 lab000001 kernel: [   12.345678] {text}\n")
}

fn boot(release: &str) -> String {
    line(&format!("Linux version {release} (buildd@lcy02) (gcc 12.3.0) #25-Ubuntu SMP"))
}

fn log_of(machine: &Machine) -> KernelLog {
    seen(log::probe(&machine.root()))
}

const RUNNING: &str = "6.8.0-1021-azure";

#[test]
fn only_lines_of_this_boot_count() {
    let text = [
        boot("6.5.0-1025-azure"),
        line("NVRM: Xid (PCI:0001:00:00): 79, pid=1, GPU has fallen off the bus."),
        boot(RUNNING),
        line("nvidia: module verification failed: signature and/or required key missing - tainting kernel"),
        line("EXT4-fs (sda1): mounted filesystem"),
        "Nov 23 09:00:01 lab000001 nvidia-persistenced: Started (712)\n".to_owned(),
    ]
    .concat();
    let log = log_of(&Machine::linux().file("/var/log/kern.log", text));
    assert_eq!((log.source.as_str(), log.whole_boot, log.xids.len()), ("/var/log/kern.log", true, 0));
    let [only] = log.lines.as_slice() else { panic!("{log:?}") };
    assert!(only.starts_with("nvidia: module verification failed"));
}

#[test]
fn a_boot_may_have_begun_in_the_file_before() {
    let machine = Machine::linux()
        .file("/var/log/kern.log.1", boot(RUNNING) + &line("NVRM: first"))
        .file("/var/log/kern.log", line("NVRM: second"));
    let log = log_of(&machine);
    assert!(log.whole_boot);
    assert_eq!(log.lines, ["NVRM: first", "NVRM: second"]);
    let rotated = log_of(&Machine::linux().file("/var/log/kern.log", line("NVRM: second")));
    assert!(!rotated.whole_boot && rotated.says("second"));
}

#[test]
fn a_file_that_ends_with_another_linux_says_nothing_of_this_one() {
    let machine = Machine::linux().file("/var/log/kern.log", boot("6.5.0-1025-azure") + &line("NVRM: old"));
    assert!(matches!(log::probe(&machine.root()), Observed::NotProbed { .. }));
    let machine = machine.file("/var/log/syslog", boot(RUNNING) + &line("NVRM: new"));
    let log = log_of(&machine);
    assert_eq!((log.source.as_str(), log.lines), ("/var/log/syslog", vec!["NVRM: new".to_owned()]));
}

#[test]
fn where_there_is_no_log_nobody_asked() {
    for machine in [Machine::linux(), Machine::linux().file("/var/log/kern.log", "")] {
        assert!(matches!(log::probe(&machine.root()), Observed::NotProbed { .. }));
    }
}

#[test]
fn messages_over_several_lines_are_one() {
    // NVIDIA/open-gpu-kernel-modules#696.
    let text: String = [
        "NVRM: The NVIDIA GPU 0000:03:00.0 (PCI ID: 10de:1bb3)",
        "NVRM: installed in this system is not supported by open",
        "NVRM: nvidia.ko because it does not include the required GPU",
        "NVRM: System Processor (GSP).",
        "pci 0000:03:00.0: something else, nvidia",
    ]
    .map(line)
    .concat();
    let log = log_of(&Machine::linux().file("/var/log/kern.log", text));
    let messages: Vec<String> = log.messages("The NVIDIA GPU 0000:03:00.0").collect();
    let expected = "The NVIDIA GPU 0000:03:00.0 (PCI ID: 10de:1bb3) installed in this system is not supported by open \
                    nvidia.ko because it does not include the required GPU System Processor (GSP).";
    assert_eq!(messages, [expected]);
}

#[test]
fn this_machines_log_is_read_or_says_why_not() {
    match log::probe(&Root::new("/")) {
        Observed::Seen(log) => {
            assert!(log.source == "/dev/kmsg" || log.source.starts_with("/var/log/"), "{log:?}");
        }
        Observed::Failed(by) => assert!(by.to_string().starts_with("read /dev/kmsg: unreadable"), "{by}"),
        other @ (Observed::Interrupted { .. } | Observed::NotProbed { .. }) => panic!("{other:?}"),
    }
}
