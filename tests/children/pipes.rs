//! What children write, and who keeps their pipes open.

use super::{AMPLE, SLACK, number, program, ran, script, timed};
use crate::stage::{is_alive, within};
use gpucheck_checks::fact::{Observed, ProbeFailure};
use serde_json::json;
use std::time::Duration;

fn garbled(observed: &Observed<serde_json::Value>) -> (&str, &str) {
    match observed.failure() {
        Some(ProbeFailure::Garbled { step, message }) => (step, message),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_grandchild_neither_holds_up_the_answer_nor_survives() {
    for (text, ends_by_itself) in [
        ("sleep 1000 & echo grandchild $! >&2; exit 3", true),
        ("sleep 1000 & echo grandchild $! >&2; say '{\"answer\":1}'; exit 0", true),
        ("sleep 1000 & echo grandchild $! >&2; wait", false),
    ] {
        let deadline = if ends_by_itself { AMPLE } else { Duration::from_millis(300) };
        let (finished, took) = timed(script(text, deadline));
        // 200 ms of reading on, after the child's end or its deadline.
        assert!(took < Duration::from_millis(500) + SLACK, "{text}: {took:?}");
        let grandchild = number(&finished.log, "grandchild");
        assert!(within(Duration::from_secs(2), || !is_alive(grandchild)), "{text}");
    }
}

#[test]
fn a_grandchild_of_another_session_does_not_hold_up_the_answer() {
    let (finished, took) = timed(script("setsid sleep 1000 & echo grandchild $! >&2; exit 3", AMPLE));
    assert!(matches!(finished.observed.failure(), Some(ProbeFailure::Exited { code: 3, .. })));
    assert!(took < Duration::from_millis(200) + SLACK, "{took:?}");
    let left = rustix::process::Pid::from_raw(number(&finished.log, "grandchild")).unwrap();
    let _ = rustix::process::kill_process(left, rustix::process::Signal::KILL);
}

#[test]
fn a_hundred_megabytes_on_either_stream_leave_head_and_tail() {
    let before = peak_memory();
    for stream in ["1", "2"] {
        let text = format!(
            "echo the first line >&{stream}; head -c 100000000 /dev/zero | tr '\\0' x >&{stream}; \
             echo >&{stream}; echo the last line >&{stream}; say '{{\"answer\":1}}'"
        );
        let finished = ran(&text);
        assert_eq!(finished.observed, Observed::Seen(json!(1)));
        assert!(finished.log.starts_with("the first line\nxxx"), "{:?}", &finished.log[..40]);
        assert!(finished.log.contains(" bytes left out]\n"));
        assert!(finished.log.ends_with("xxx\nthe last line\n"));
        assert!(finished.log.len() < 32 << 10, "{}", finished.log.len());
    }
    // Other tests run beside this one; what must not show is the hundred megabytes.
    let grown = peak_memory() - before;
    assert!(grown < 90_000, "{grown} KiB");
}

/// The peak of this process's memory, in KiB.
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn an_endless_stream_does_not_hold_up_the_deadline() {
    let deadline = Duration::from_millis(300);
    let (finished, took) = timed(program("/bin/sh", &["-c", "exec cat /dev/zero"], deadline));
    assert!(matches!(finished.observed.failure(), Some(ProbeFailure::TimedOut { unkillable: false, .. })));
    assert!(took < deadline + Duration::from_secs(1), "{took:?}");
}

#[test]
fn the_answer_pipe_and_the_logs_do_not_mix() {
    let finished = ran(
        "echo to standard output; echo '{\"answer\":9}'; echo to standard error >&2; say '{\"answer\":1}'",
    );
    assert_eq!(finished.observed, Observed::Seen(json!(1)));
    for said in ["to standard output", "{\"answer\":9}", "to standard error"] {
        assert!(finished.log.contains(said), "{}", finished.log);
    }
}

#[test]
fn standard_input_is_empty() {
    let finished = ran("if read line; then exit 1; fi; say '{\"answer\":1}'");
    assert_eq!(finished.observed, Observed::Seen(json!(1)));
}

#[test]
fn garbage_is_told_with_the_step_it_came_in() {
    for text in [
        "say 'Fatal Python error'",
        "say ''",
        "say '[1]'",
        "say '{\"answr\":1}'",
        "say '{\"answer\":1,\"step\":\"x\"}'",
        "printf '\\0\\377\\376\\n' >&60",
        "head -c 100000 /dev/urandom >&60; say",
    ] {
        let finished = ran(&format!("say '{{\"step\":\"import tensorflow\"}}'; {text}; sleep 1000"));
        let (step, message) = garbled(&finished.observed);
        assert_eq!(step, "import tensorflow", "{text}");
        assert!(!message.is_empty(), "{text}");
    }
}

#[test]
fn a_line_of_five_mebibytes_is_no_answer() {
    let finished =
        ran("printf '{\"answer\":\"' >&60; head -c 5242880 /dev/zero | tr '\\0' x >&60; say '\"}'");
    assert_eq!(garbled(&finished.observed).1, "a line of more than 4194304 bytes");
}

#[test]
fn half_a_line_at_the_end_is_no_answer() {
    let finished = ran("say '{\"step\":\"cuInit\"}'; printf '{\"answer\":1}' >&60; exit 0");
    let exited = ProbeFailure::Exited { code: 0, step: "cuInit".to_owned() };
    assert_eq!(finished.observed.failure(), Some(&exited));
}

#[test]
fn an_answer_of_another_shape_is_garbled() {
    let job = script("say '{\"so_far\":[1]}'; say '{\"answer\":{\"a\":1}}'", AMPLE);
    let finished = gpucheck::child::run::<Vec<u32>>(job);
    let Observed::Interrupted { seen, by: ProbeFailure::Garbled { .. } } = finished.observed else {
        panic!("{:?}", finished.observed)
    };
    assert_eq!(seen, [1]);
}

#[test]
fn control_characters_do_not_get_into_the_log() {
    let finished = ran("printf 'red \\033[31m bell \\a back \\b\\n' >&2; say '{\"answer\":1}'");
    assert!(finished.log.chars().all(|c| !c.is_control() || c == '\n' || c == '\t'), "{:?}", finished.log);
    assert!(finished.log.contains("[31m bell"), "{:?}", finished.log);
}
