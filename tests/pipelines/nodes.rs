//! The nodes of clusters: node-problem-detector's plugin, run and read as node-problem-detector does, and Slurm's
//! HealthCheckProgram before a `scontrol` that keeps what it is told. `tests/pipelines/slurm.sh` runs it under Slurm itself.
//!
//! Source: node-problem-detector, pkg/custompluginmonitor (plugin.go, types/config.go); slurm.conf(5).

use super::{Ended, command, image::Image, parts::ours, run};
use crate::machine::Machine;
use gpucheck::render::prometheus;
use gpucheck_checks::{Knowledge, Profile, Selection};
use serde::Deserialize;
use std::{
    fmt::Write,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

/// What node-problem-detector reads of a plugin monitor's configuration, and nothing beyond it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Config {
    plugin: String,
    #[serde(rename = "pluginConfig")]
    global: Global,
    source: String,
    #[serde(rename = "metricsReporting")]
    _metrics: Option<bool>,
    conditions: Vec<Condition>,
    rules: Vec<Rule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Global {
    invoke_interval: String,
    timeout: String,
    max_output_length: usize,
    concurrency: usize,
    #[serde(rename = "enable_message_change_based_condition_update")]
    _follows_message: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Condition {
    #[serde(rename = "type")]
    kind: String,
    reason: String,
    message: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
    condition: String,
    reason: String,
    path: String,
    timeout: String,
}

/// A time as Go reads it, as far as ours are written.
fn time(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.len() - 1);
    let number: u64 = number.parse().unwrap();
    Duration::from_secs(if unit == "m" { number * 60 } else { number })
}

fn config() -> Config {
    let text = fs::read_to_string(ours("packaging/node-problem-detector/gpucheck.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What node-problem-detector itself refuses a configuration for.
#[test]
fn node_problem_detector_takes_the_configuration() {
    let Config { plugin, global, source, conditions, rules, .. } = config();
    assert_eq!((plugin.as_str(), source.as_str(), global.concurrency), ("custom", "gpucheck", 1));
    assert!(!rules.is_empty());
    for rule in rules {
        assert_eq!(rule.kind, "permanent");
        let Condition { reason, message, .. } =
            conditions.iter().find(|condition| condition.kind == rule.condition).unwrap();
        assert!(!message.is_empty() && *reason != rule.reason);
        assert!(
            time(&rule.timeout) <= time(&global.timeout)
                && time(&global.timeout) < time(&global.invoke_interval)
        );
        assert_eq!(rule.path, "/usr/lib/gpucheck/health.sh");
    }
}

/// A node: its gpucheck, and the scripts beside each other.
struct Node {
    folder: tempfile::TempDir,
}

impl Node {
    fn new() -> Self {
        let node = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(node.path("bin")).unwrap();
        fs::copy(ours("packaging/health/health.sh"), node.path("health.sh")).unwrap();
        fs::copy(ours("packaging/slurm/healthcheck.sh"), node.path("slurm-healthcheck.sh")).unwrap();
        node
    }

    /// A node that is this simulated machine.
    fn of(machine: &str) -> (Self, Image) {
        let (node, image) = (Self::new(), Image::of(machine));
        image.write_running_gpucheck(&node.path("bin/gpucheck"));
        (node, image)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn program(&self, name: &str, body: &str) {
        let file = self.path("bin").join(name);
        fs::write(&file, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn run(&self, script: &str, arguments: &[&Path]) -> Ended {
        let mut command = command(self.path(script), self.folder.path());
        command.env("PATH", format!("{}:/usr/bin:/bin", self.path("bin").display()));
        run(command.args(arguments))
    }

    /// What node-problem-detector takes from the plugin: its status, and the message as far as it is kept.
    fn asked(&self, arguments: &[&Path]) -> (Option<i32>, String) {
        let Ended { status, said } = self.run("health.sh", arguments);
        assert!(said.trim_end().len() <= config().global.max_output_length, "{said}");
        assert!(said.is_ascii() && said.lines().count() == 1 && said.starts_with("gpucheck: "), "{said}");
        (status, said.trim_end().to_owned())
    }
}

#[test]
fn a_node_is_well_broken_or_not_to_be_told() {
    for (machine, status, message) in [
        ("azure-t4-535", 0, "gpucheck: 1 of 1 GPUs compute"),
        ("two-gpus-one-lost", 1, "gpucheck: 1 of 2 GPUs compute: gpu-fallen-off-bus"),
        ("bit-flip", 1, "gpucheck: 0 of 1 GPUs compute: compute.adds_vectors"),
        ("module-missing-new-kernel", 1, "gpucheck: 0 of 1 GPUs compute: module-missing-new-kernel"),
        ("cuinit-hangs", 1, "gpucheck: 0 of 1 GPUs compute: driver.initializes"),
        // Somebody trains on it.
        ("context-out-of-memory", 2, "gpucheck: 1 of 1 GPUs in use: gpu-memory-held-by-other-kernel"),
        ("compute-mode-exclusive", 2, "gpucheck: 1 of 1 GPUs in use: compute-mode-blocks"),
        ("compute-mode-prohibited", 1, "gpucheck: 0 of 1 GPUs compute: compute-mode-blocks"),
    ] {
        let (node, _image) = Node::of(machine);
        assert_eq!(node.asked(&[]), (Some(status), message.to_owned()), "{machine}");
    }
}

#[test]
fn a_gpucheck_that_is_gone_or_says_rubbish_tells_nothing() {
    let node = Node::new();
    let nothing = (Some(2), "gpucheck: 0 of 0 GPUs are known to compute".to_owned());
    assert_eq!(node.asked(&[]), nothing);
    for body in ["exit 4", "kill -9 $$", "printf 'gpucheck_gpu_computes 1\\n\\377'", "yes | head -c 1000000"]
    {
        node.program("gpucheck", body);
        assert_eq!(node.asked(&[]), nothing, "{body}");
    }
}

#[test]
fn a_report_that_something_else_keeps_counts_while_it_is_fresh() {
    let (node, _image) = Node::of("azure-t4-535");
    let file = node.path("gpucheck.prom");
    let made = node.run("bin/gpucheck", &[Path::new("--output"), &file, Path::new("--format=prometheus")]);
    assert!(matches!(made.status, Some(0 | 3)), "{}", made.said);
    node.program("gpucheck", "exit 4");
    assert_eq!(node.asked(&[&file]), (Some(0), "gpucheck: 1 of 1 GPUs compute".to_owned()));
    let text = fs::read_to_string(&file).unwrap();
    let (before, after) = text.split_once("timestamp_seconds{profile=\"check\"} ").unwrap();
    let (taken, rest) = after.split_once('\n').unwrap();
    let taken: i64 = taken.parse().unwrap();
    for (shift, status) in [(-10_000, Some(0)), (-12_000, Some(2)), (4_000, Some(2))] {
        let moved = taken + shift;
        fs::write(&file, format!("{before}timestamp_seconds{{profile=\"check\"}} {moved}\n{rest}")).unwrap();
        assert_eq!(node.asked(&[&file]).0, status, "{shift}");
    }
    for garbled in [
        "",
        "gpucheck_gpu_computes{} 1\n",
        "gpucheck_report_timestamp_seconds{} 99999999999999999999\n",
        "\u{0}\n",
    ] {
        fs::write(&file, garbled).unwrap();
        assert_eq!(node.asked(&[&file]).0, Some(2), "{garbled:?}");
    }
    rustix::fs::mknodat(
        rustix::fs::CWD,
        node.path("pipe"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    assert_eq!(node.asked(&[&node.path("pipe")]).0, Some(2));
    assert_eq!(node.asked(&[&node.path("none")]).0, Some(2));
}

/// The metrics of a machine, as of this time.
fn metrics(machine: &str, taken: i64) -> String {
    let knowledge = Knowledge::built_in().unwrap();
    let facts = Machine::load(machine).facts;
    let text = prometheus(&Profile::Check.judge(&facts, &knowledge, &Selection::default()));
    let (before, after) = text.split_once("timestamp_seconds{profile=\"check\"} ").unwrap();
    let rest = after.split_once('\n').unwrap().1;
    format!("{before}timestamp_seconds{{profile=\"check\"}} {taken}\n{rest}")
}

#[test]
fn a_gpu_whose_memory_a_pod_fills_is_no_problem_of_its_node() {
    let node = Node::new();
    let file = node.path("gpucheck.prom");
    fs::write(&file, metrics("memory-held-outside-container", jiff::Timestamp::now().as_second())).unwrap();
    let said = "gpucheck: 1 of 1 GPUs in use: gpu-memory-held-by-other-kernel";
    assert_eq!(node.asked(&[&file]), (Some(2), said.to_owned()));
}

/// What gpucheckd writes behind a report, while somebody computes.
#[test]
fn a_report_counts_for_as_long_as_the_daemon_confirms_it() {
    let node = Node::new();
    let file = node.path("gpucheck.prom");
    let now = jiff::Timestamp::now().as_second();
    for (taken, confirmed, status) in [
        (30_000, None, 2),
        (30_000, Some(10_000), 0),
        (30_000, Some(12_000), 2),
        (10_000, Some(12_000), 0),
        (30_000, Some(-4_000), 2),
    ] {
        let mut text = metrics("t4-535", now - taken);
        if let Some(ago) = confirmed {
            let _ = writeln!(text, "gpucheck_daemon_confirmed_timestamp_seconds {}", now - ago);
        }
        fs::write(&file, text).unwrap();
        assert_eq!(node.asked(&[&file]).0, Some(status), "{taken} {confirmed:?}");
    }
}

/// A node and its `scontrol`, which shows it so; its health.sh does this and ends so.
fn slurms(shown: &str, does: &str, status: i32) -> Node {
    let node = Node::new();
    node.program("scontrol", "case $* in *show*) cat shown ;; *) printf '%s\\n' \"$@\" >>asked ;; esac");
    fs::write(node.path("shown"), shown).unwrap();
    fs::write(node.path("health.sh"), format!("#!/bin/sh\n{does}\nexit {status}\n")).unwrap();
    node
}

/// What Slurm's program asks `scontrol` for there.
fn asked_of_slurm(node: &Node) -> String {
    let Ended { status, said } = node.run("slurm-healthcheck.sh", &[]);
    assert_eq!((status, said.as_str()), (Some(0), ""));
    let asked = fs::read_to_string(node.path("asked")).unwrap_or_default();
    let words: Vec<&str> = asked.lines().filter(|word| !word.starts_with("NodeName=")).collect();
    words.join(" ")
}

/// What Slurm 22.05 shows of a node with one GPU.
fn shown(state: &str, reason: &str) -> String {
    let reason =
        if reason.is_empty() { String::new() } else { format!("Reason={reason} [root@2026-11-26T11:58:36]") };
    format!(
        "NodeName=vm Arch=x86_64 Gres=gpu:1 NodeAddr=gpu01 State={state} Weight=1 Partitions=class  {reason}\n"
    )
}

#[test]
fn slurm_is_asked_for_no_more_than_was_seen() {
    let broken = "gpucheck: no GPU computes: nouveau-bound";
    let drain = format!("update State=DRAIN Reason={broken}");
    for (state, reason, status, asked) in [
        ("IDLE", "", 1, drain.as_str()),
        ("IDLE", "", 0, ""),
        ("IDLE", "", 2, ""),
        ("IDLE", "", 127, ""),
        // An old reason of a node that was resumed since.
        ("IDLE", broken, 0, ""),
        ("IDLE+DRAIN", broken, 0, "update State=RESUME"),
        ("IDLE+DRAIN", broken, 1, ""),
        ("IDLE+DRAIN", broken, 2, ""),
        ("IDLE+DRAIN", "gpucheck: 1 of 2 GPUs compute: gpu-fallen-off-bus", 1, drain.as_str()),
        ("IDLE+DRAIN", "new disk on Monday", 0, ""),
        ("IDLE+DRAIN", "new disk on Monday", 1, ""),
        ("IDLE+DRAIN", "Reason=gpucheck: mine", 0, ""),
        ("DOWN", "Not responding", 0, ""),
    ] {
        let node = slurms(&shown(state, reason), &format!("echo '{broken}'"), status);
        assert_eq!(asked_of_slurm(&node), asked, "{state} {reason} {status}");
    }
    let without_gpu = shown("IDLE", "").replace("gpu:1", "(null)");
    assert_eq!(asked_of_slurm(&slurms(&without_gpu, &format!("echo '{broken}'"), 1)), "");
}

/// Looking takes a while, in which an admin may drain the node, or take over our drain.
#[test]
fn a_drain_that_comes_while_the_gpu_is_looked_at_is_left_alone() {
    let broken = "gpucheck: no GPU computes: nouveau-bound";
    for (state, reason, status) in [("IDLE", "", 1), ("IDLE+DRAIN", broken, 0), ("IDLE+DRAIN", broken, 1)] {
        let does = "echo 'gpucheck: another line'\nmv drained shown";
        let node = slurms(&shown(state, reason), does, status);
        fs::write(node.path("drained"), shown("IDLE+DRAIN", "new disk on Monday")).unwrap();
        assert_eq!(asked_of_slurm(&node), "", "{state} {reason} {status}");
        assert!(!node.path("drained").exists());
    }
}
