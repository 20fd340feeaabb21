//! How a child may end: with an answer, without one, by a signal, or not at all.

use super::{AMPLE, SLACK, number, program, ran, script, timed};
use crate::stage::{compile, is_alive, within};
use gpucheck_checks::fact::{Observed, ProbeFailure};
use serde_json::json;
use std::time::Duration;

const SHORT: Duration = Duration::from_millis(300);
/// `run` promises to be back so long after the deadline.
const AT_MOST: Duration = Duration::from_secs(1);

fn exited(code: i32, step: &str) -> ProbeFailure {
    ProbeFailure::Exited { code, step: step.to_owned() }
}

#[test]
fn an_answer_is_taken_from_a_child_that_lingers() {
    let (finished, took) = timed(script("echo own $$ >&2; say '{\"answer\":[1,2]}'; exec sleep 1000", AMPLE));
    assert_eq!(finished.observed, Observed::Seen(json!([1, 2])));
    assert!(took < Duration::from_secs(1) + SLACK, "{took:?}");
    assert!(within(AT_MOST, || !is_alive(number(&finished.log, "own"))));
}

#[test]
fn an_answer_stands_whatever_comes_after_it() {
    for after in ["kill -SEGV $$", "exit 7", "say garbage", "say '{\"answer\":2}'"] {
        let finished = ran(&format!("say '{{\"answer\":1}}'; {after}"));
        assert_eq!(finished.observed, Observed::Seen(json!(1)), "{after}");
    }
}

#[test]
fn an_end_without_an_answer_is_told_with_its_status() {
    for (text, code, step) in [
        ("exit 0", 0, "start-up"),
        ("exit 3", 3, "start-up"),
        ("say '{\"step\":\"cuInit\"}'; exit 1", 1, "cuInit"),
    ] {
        assert_eq!(ran(text).observed.failure(), Some(&exited(code, step)), "{text}");
    }
}

#[test]
fn a_crash_is_told_with_its_signal_and_its_step() {
    let folder = tempfile::tempdir().unwrap();
    for (fault, signal) in [("*(volatile int *)8 = 1", 11), ("abort()", 6), ("__builtin_trap()", 4)] {
        let crash = folder.path().join(format!("crash{signal}"));
        let step = r#"{\"step\":\"nvmlInit_v2\"}\n"#;
        let source = format!(
            "#include <stdlib.h>\n#include <string.h>\n#include <unistd.h>\n\
             int main(void) {{ const char *s = \"{step}\"; write(60, s, strlen(s)); {fault}; return 0; }}"
        );
        compile(&source, &crash);
        let (finished, _) = timed(program(crash.to_str().unwrap(), &[], AMPLE));
        let crashed = ProbeFailure::Crashed { signal, step: "nvmlInit_v2".to_owned() };
        assert_eq!(finished.observed.failure(), Some(&crashed), "{fault}");
    }
}

#[test]
fn what_was_seen_before_a_crash_is_kept() {
    let finished = ran("say '{\"so_far\":{\"a\":1}}'; say '{\"so_far\":{\"a\":2}}'; \
                        say '{\"step\":\"cuCtxCreate\"}'; kill -BUS $$");
    let by = ProbeFailure::Crashed { signal: 7, step: "cuCtxCreate".to_owned() };
    assert_eq!(finished.observed, Observed::Interrupted { seen: json!({"a": 2}), by });
}

#[test]
fn a_child_that_ignores_sigterm_is_ended_in_time() {
    let text =
        "trap '' TERM INT HUP; echo own $$ >&2; say '{\"step\":\"cuInit\"}'; while :; do sleep 9; done";
    let (finished, took) = timed(script(text, SHORT));
    let by = ProbeFailure::TimedOut { after_ms: 300, step: "cuInit".to_owned(), unkillable: false };
    assert_eq!(finished.observed.failure(), Some(&by));
    assert!(SHORT <= took && took < SHORT + SLACK, "{took:?}");
    assert!(!is_alive(number(&finished.log, "own")));
}

#[test]
fn a_hanging_child_is_asked_where_before_it_is_ended() {
    let text = "trap 'echo it hangs in import_module >&2; exit 1' ABRT; while :; do sleep 0.02; done";
    let job = gpucheck::child::Job { stack_at_deadline: true, ..script(text, SHORT) };
    let (finished, took) = timed(job);
    assert!(finished.log.contains("it hangs in import_module"), "{:?}", finished.log);
    assert!(matches!(finished.observed.failure(), Some(ProbeFailure::TimedOut { unkillable: false, .. })));
    assert!(took < SHORT + AT_MOST + SLACK, "{took:?}");
}

#[test]
fn a_child_that_does_not_answer_sigabrt_is_ended_in_time() {
    let text = "trap '' ABRT TERM; while :; do sleep 9; done";
    let job = gpucheck::child::Job { stack_at_deadline: true, ..script(text, SHORT) };
    let (finished, took) = timed(job);
    assert!(matches!(finished.observed.failure(), Some(ProbeFailure::TimedOut { unkillable: false, .. })));
    assert!(took < SHORT + AT_MOST, "{took:?}");
}

#[test]
fn an_answer_given_while_asked_for_the_stack_still_counts() {
    let text = "trap 'say \"{\\\"answer\\\":5}\"; exit 0' ABRT; while :; do sleep 0.02; done";
    let job = gpucheck::child::Job { stack_at_deadline: true, ..script(text, SHORT) };
    assert_eq!(timed(job).0.observed, Observed::Seen(json!(5)));
}

#[test]
fn a_stopped_child_is_ended_in_time() {
    let (finished, took) = timed(script("echo own $$ >&2; kill -STOP $$; say '{\"answer\":1}'", SHORT));
    assert!(matches!(finished.observed.failure(), Some(ProbeFailure::TimedOut { unkillable: false, .. })));
    assert!(took < SHORT + SLACK, "{took:?}");
    assert!(!is_alive(number(&finished.log, "own")));
}

#[test]
fn a_program_that_cannot_be_started_is_told_in_the_systems_words() {
    let folder = tempfile::tempdir().unwrap();
    let text = folder.path().join("text");
    std::fs::write(&text, "no program").unwrap();
    for (path, words) in [
        (folder.path().join("absent"), "No such file or directory"),
        (text, "Permission denied"),
        (folder.path().to_owned(), "Permission denied"),
    ] {
        let (finished, _) = timed(program(path.to_str().unwrap(), &[], AMPLE));
        let Some(ProbeFailure::NotStarted { message }) = finished.observed.failure() else {
            panic!("{}: {:?}", path.display(), finished.observed)
        };
        assert!(message.contains(words), "{}: {message}", path.display());
    }
}
