//! What a child may do, and what it finds.

use super::{AMPLE, number, program, script, timed};
use crate::stage::{compile, without_call};
use gpucheck::child::{ANSWER_FD, EXTENSION_FD, Identity, Job};
use gpucheck_checks::fact::Observed;
use serde_json::json;
use std::{fs::File, io::Write, os::unix::fs::PermissionsExt, process::Command};

/// Nobody's user and group on Linux.
const NOBODY: u32 = 65534;
/// The bits of CAP_SYS_MODULE and CAP_MKNOD in a capability set.
const MODULES_AND_NODES: u64 = 1 << 16 | 1 << 27;

/// A user with this number and a group with the same, in these other groups.
fn user(id: u32, groups: &[u32]) -> Identity {
    Identity { uid: id, gid: id, groups: groups.to_vec() }
}

/// What a script writes to its standard error.
fn log_of(job: Job) -> String {
    let (finished, _) = timed(job);
    assert_eq!(finished.observed, Observed::Seen(json!(1)), "{}", finished.log);
    finished.log
}

fn told(text: &str) -> Job {
    script(&format!("{{ {text} ; }} >&2; say '{{\"answer\":1}}'"), AMPLE)
}

/// A line of /proc/self/status.
fn status(log: &str, field: &str) -> u64 {
    let line = log.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_else(|| panic!("{log}"));
    u64::from_str_radix(line.trim_start_matches(':').trim(), 16).unwrap()
}

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        println!("skipped: only root can become somebody else and has the right to make nodes");
    }
    root
}

#[test]
fn there_is_no_core_file_and_a_limit_to_memory() {
    let log = log_of(Job { memory: 512 << 20, ..told("cat /proc/self/limits") });
    for (name, most) in [("Max core file size", 1), ("Max data size", 512 << 20)] {
        let line = log.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        let most = most.to_string();
        assert_eq!(line.split_whitespace().take(2).collect::<Vec<_>>(), [&most, &most], "{name}");
    }
}

#[test]
fn memory_beyond_the_limit_is_refused_to_the_child() {
    let folder = tempfile::tempdir().unwrap();
    let taker = folder.path().join("taker");
    let source = "#include <stdlib.h>\n#include <stdio.h>\n\
                  int main(void) { fputs(malloc(300 << 20) ? \"given\" : \"refused\", stderr); return 0; }";
    compile(source, &taker);
    for (memory, said) in [(1 << 30, "given"), (256 << 20, "refused")] {
        let (finished, _) = timed(Job { memory, ..program(taker.to_str().unwrap(), &[], AMPLE) });
        assert_eq!(finished.log, said, "{memory}");
    }
}

#[test]
fn a_child_leads_a_group_of_its_own() {
    let log = log_of(told("echo own $$; read -r stat < /proc/self/stat; set -- ${stat##*) }; echo group $3"));
    assert_eq!(number(&log, "own"), number(&log, "group"));
}

#[test]
fn the_kernel_prefers_a_child_when_memory_runs_out() {
    assert_eq!(log_of(told("cat /proc/self/oom_score_adj")).trim(), "1000");
}

#[test]
fn only_the_promised_files_are_open() {
    let _open: Vec<_> = (0..100).map(|_| File::open("/dev/null").unwrap()).collect();
    let file = tempfile::NamedTempFile::new().unwrap();
    file.as_file().write_all(b"handed over").unwrap();
    let handed = File::open(file.path()).unwrap();
    // The shell's own expansion opens the folder in the shell.
    let text =
        format!("ls -l /proc/self/fd | grep -v /proc/ | wc -l; echo /proc/self/fd/*; cat <&{EXTENSION_FD}");
    let log = log_of(Job { files: vec![(handed.into(), EXTENSION_FD)], ..told(&text) });
    let mut lines = log.lines();
    // The line of the total, the three streams and the two promised ones.
    assert_eq!(lines.next().unwrap(), "6", "{log}");
    let open: Vec<&str> =
        lines.next().unwrap().split(' ').map(|path| path.rsplit('/').next().unwrap()).collect();
    for number in ["0", "1", "2", &ANSWER_FD.to_string(), &EXTENSION_FD.to_string()] {
        assert!(open.contains(&number), "{open:?}");
    }
    assert_eq!(lines.next().unwrap(), "handed over");
}

#[test]
fn variables_are_set_and_removed() {
    let env = vec![("GPUCHECK_SET".into(), Some("yes".into())), ("PATH".into(), None)];
    let log = log_of(Job { env, ..told("export -p") });
    assert!(log.contains("declare -x GPUCHECK_SET=\"yes\""), "{log}");
    assert!(!log.contains("declare -x PATH="), "{log}");
}

#[test]
fn a_child_of_root_cannot_make_nodes_unless_it_may() {
    if !is_root() {
        return;
    }
    let sets = "grep ^Cap /proc/self/status";
    let log = log_of(told(sets));
    for set in ["CapBnd", "CapPrm", "CapEff"] {
        assert_eq!(status(&log, set) & MODULES_AND_NODES, 0, "{log}");
    }
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    let log = log_of(Job { may_make_nodes: true, ..told(sets) });
    assert_eq!(status(&log, "CapBnd"), status(&own, "CapBnd"));
}

#[test]
fn no_program_gives_a_child_what_it_may_not_have() {
    let log = log_of(told("cat /proc/self/status"));
    assert_eq!(status(&log, "NoNewPrivs"), 1);
    let log = log_of(Job { may_make_nodes: true, ..told("cat /proc/self/status") });
    let own = std::fs::read_to_string("/proc/self/status").unwrap();
    assert_eq!(status(&log, "NoNewPrivs"), status(&own, "NoNewPrivs"));
}

#[test]
fn what_a_caller_made_inheritable_is_withheld_too() {
    if !is_root() {
        return;
    }
    // As Docker did before 20.10.14. Here the test starts itself once more, with these capabilities.
    if std::env::var_os("GPUCHECK_INHERITABLE").is_some() {
        let log = log_of(told("grep ^Cap /proc/self/status"));
        for set in ["CapInh", "CapAmb", "CapBnd", "CapPrm", "CapEff"] {
            assert_eq!(status(&log, set) & MODULES_AND_NODES, 0, "{log}");
        }
        let own = std::fs::read_to_string("/proc/self/status").unwrap();
        assert_eq!(status(&own, "CapAmb") & MODULES_AND_NODES, MODULES_AND_NODES);
        return;
    }
    let name = "children::confinement::what_a_caller_made_inheritable_is_withheld_too";
    let sets = ["--inh=cap_mknod,cap_sys_module", "--addamb=cap_mknod", "--addamb=cap_sys_module"];
    let line = format!("exec {} --exact {name}", std::env::current_exe().unwrap().display());
    let ran =
        Command::new("capsh").args(sets).args(["--", "-c", &line]).env("GPUCHECK_INHERITABLE", "1").output();
    let Ok(ran) = ran else {
        println!("skipped: no capsh here");
        return;
    };
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
}

#[test]
fn files_do_not_get_through_on_an_old_linux_either() {
    if std::env::var_os("GPUCHECK_OLD_LINUX").is_some() {
        only_the_promised_files_are_open();
        return;
    }
    let mut again = Command::new(std::env::current_exe().unwrap());
    let name = "children::confinement::files_do_not_get_through_on_an_old_linux_either";
    again.args(["--exact", name]).env("GPUCHECK_OLD_LINUX", "1");
    without_call(&mut again, libc::SYS_close_range);
    let ran = again.output().unwrap();
    assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
}

#[test]
fn a_program_that_is_not_there_is_told_so_however_many_files_are_open() {
    // In a process of its own, where no other test has the numbers.
    if std::env::var_os("GPUCHECK_ALONE").is_none() {
        let name =
            "children::confinement::a_program_that_is_not_there_is_told_so_however_many_files_are_open";
        let mut again = Command::new(std::env::current_exe().unwrap());
        let ran = again.args(["--exact", name]).env("GPUCHECK_ALONE", "1").output().unwrap();
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stdout));
        return;
    }
    // With one of these counts the pipe that tells of it would have a promised number.
    let mut open = Vec::new();
    for count in 0..80 {
        let (finished, _) = timed(program("/no/such/program", &[], AMPLE));
        let why = finished.observed.why_not();
        assert!(why.starts_with("could not be started: No such file"), "{count}: {why}");
        open.push(File::open("/dev/null").unwrap());
    }
}

#[test]
fn a_child_with_an_identity_is_that_user_alone_and_still_heard() {
    if !is_root() {
        return;
    }
    let text = "id -u; id -g; id -G; cat /proc/self/oom_score_adj; grep ^Cap /proc/self/status";
    let log = log_of(Job { identity: Some(user(NOBODY, &[44, 109])), ..told(text) });
    assert_eq!(log.lines().take(4).collect::<Vec<_>>(), ["65534", "65534", "65534 44 109", "1000"], "{log}");
    assert_eq!(status(&log, "CapEff"), 0, "{log}");
    // A program with the setuid bit, such as nvidia-modprobe, would get from here what the child has not.
    assert_eq!(status(&log, "CapBnd") & MODULES_AND_NODES, 0, "{log}");
}

#[test]
fn a_child_dies_with_the_one_who_asked_whoever_it_is() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let teller = folder.path().join("teller");
    let source = "#include <stdio.h>\n#include <sys/prctl.h>\n\
                  int main(void) { int s = 0; prctl(PR_GET_PDEATHSIG, &s); fprintf(stderr, \"%d\", s); return 0; }";
    compile(source, &teller);
    let identities = if is_root() { vec![None, Some(user(NOBODY, &[]))] } else { vec![None] };
    for identity in identities {
        let (finished, _) =
            timed(Job { identity: identity.clone(), ..program(teller.to_str().unwrap(), &[], AMPLE) });
        assert_eq!(finished.log, libc::SIGKILL.to_string(), "{identity:?}");
    }
}

#[test]
fn an_identity_that_cannot_be_taken_on_is_a_child_that_cannot_be_started() {
    if !is_root() {
        return;
    }
    let (finished, _) = timed(Job { identity: Some(user(u32::MAX, &[])), ..told("id") });
    assert!(finished.observed.why_not().starts_with("could not be started: "), "{:?}", finished.observed);
}
