//! The picture: on a terminal alone, gone before the report, and gone where gpucheck is ended.

use crate::simulated::{Simulated, t4};
use serde_json::json;
use std::process::{Command, Stdio};
use unicode_width::UnicodeWidthStr;

/// What a terminal gets from this line of a shell, in which `$slow` watches a T4 at work; none without `script`.
fn terminal(locale: &str, line: &str) -> Option<String> {
    let mut scenario = t4();
    scenario["gpus"][0]["nvml"]["utilization"] = json!([97, 61]);
    let simulated = Simulated::new(&scenario);
    let machine = simulated.machine().file("/proc/stat", "cpu 1 1 1 1 1\ncpu0 1 1 1 1 1\n");
    let slow = format!(
        "{} slow --quiet --no-cloud-metadata --root {}",
        simulated.program().display(),
        machine.path().display()
    );
    let output = Command::new("script")
        .args(["-qec", line, "/dev/null"])
        .env("TERM", "xterm")
        .env("LC_ALL", locale)
        .env("LD_LIBRARY_PATH", &simulated.libraries)
        .env("slow", slow)
        .stdin(Stdio::null())
        .output();
    let output = output.ok().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    if output.is_none() {
        println!("skipped: no `script` here to make a terminal");
    }
    output
}

/// What stands on the terminal below what was erased last.
fn left(shown: &str) -> &str {
    shown.rsplit_once("\r\u{1b}[J").map_or(shown, |(_, left)| left)
}

#[test]
fn a_terminal_sees_the_gpu_at_work_and_then_the_answer_alone() {
    let Some(shown) = terminal("C.UTF-8", "$slow --seconds 2") else { return };
    for told in ["gpucheck slow", "GPU Tesla T4  ▇", "97 %", "300 MHz", "34 °C", "CPU 1x", "2/2 s"] {
        assert!(shown.contains(told), "{told}: {shown}");
    }
    let left = left(&shown);
    assert!(!left.contains('\u{1b}') && left.lines().count() == 1 && left.len() > 10, "{left:?}");
}

#[test]
fn ascii_where_the_locale_has_nothing_else() {
    let Some(shown) = terminal("C", "$slow --seconds 1") else { return };
    assert!(shown.contains("GPU Tesla T4  *") && shown.contains("34 C"), "{shown}");
    assert!(shown.is_ascii(), "{shown}");
}

#[test]
fn a_narrow_terminal_gets_narrow_lines_and_few() {
    let Some(shown) = terminal("C.UTF-8", "stty cols 30 rows 3; $slow --seconds 1") else { return };
    let drawn = shown.rsplit_once("\r\u{1b}[J").unwrap().0;
    let frames: Vec<&str> = drawn.split("\u{1b}[J").filter(|frame| frame.contains("gpucheck slow")).collect();
    assert!(frames.len() > 1, "{shown:?}");
    for frame in frames {
        let lines: Vec<&str> = frame.split("\r\n").map(|line| line.rsplit('\r').next().unwrap()).collect();
        assert!(lines.len() <= 2, "{frame:?}");
        for line in lines {
            let line = line.replace("\u{1b}[K", "");
            assert!(line.width() <= 29, "{line:?}");
        }
    }
}

#[test]
fn whoever_ends_it_finds_a_clean_terminal() {
    for signal in ["INT", "TERM", "HUP"] {
        let line = format!(
            "trap - INT; timeout --foreground -s {signal} 2 $slow --seconds 60; echo; echo ended; exit 0"
        );
        let Some(shown) = terminal("C.UTF-8", &line) else { return };
        assert!(shown.contains("GPU Tesla T4"), "{signal}: {shown}");
        let left = left(&shown);
        assert!(left.trim() == "ended", "{signal}: {left:?}");
    }
}

#[test]
fn a_pipe_gets_the_answer_alone() {
    let Some(shown) = terminal("C.UTF-8", "$slow --seconds 1 2>&1 | cat") else { return };
    assert!(
        !shown.contains('\u{1b}') && !shown.contains("gpucheck slow") && shown.lines().count() == 1,
        "{shown:?}"
    );
    let Some(shown) = terminal("C.UTF-8", "export TERM=dumb; $slow --seconds 1") else { return };
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
}
