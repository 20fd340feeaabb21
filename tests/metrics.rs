//! What `packaging/prometheus` and `packaging/grafana` say, by the programs that read it: promtool, Prometheus and
//! node_exporter themselves, and Grafana's own model of dashboards. `tests/parts/metrics.sh` brings them.

mod dashboard;
mod scraped;

use std::{
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// A folder that `tests/parts/metrics.sh` makes.
fn part(name: &str) -> PathBuf {
    let target = || Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("test-parts");
    let parts = std::env::var_os("GPUCHECK_TEST_PARTS").map_or_else(target, PathBuf::from).join("metrics");
    let part = parts.join(name);
    let parts = parts.display();
    assert!(
        part.join("gpucheck-stamp").is_file(),
        "no {name} in {parts}: run `sh tests/parts/metrics.sh {parts}` first"
    );
    part
}

/// One of Debian's programs, unpacked.
fn program(name: &str) -> Command {
    Command::new(part("debian").join("usr/bin").join(name))
}

/// A file of ours.
fn ours(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging").join(path)
}

/// The status of `promtool check metrics`, and what it has to say of these.
pub(crate) fn check(metrics: &str) -> (Option<i32>, String) {
    let mut promtool = program("promtool");
    promtool.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = promtool.spawn().unwrap();
    child.stdin.take().unwrap().write_all(metrics.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8(said).unwrap())
}

#[test]
fn promtool_takes_the_rules_their_tests_and_the_configuration() {
    for (verb, file) in [
        ("check rules", "gpucheck.rules.yml"),
        ("test rules", "gpucheck.rules.test.yml"),
        ("check config", "prometheus.yml"),
    ] {
        let ran =
            program("promtool").args(verb.split(' ')).arg(ours("prometheus").join(file)).output().unwrap();
        let said = String::from_utf8_lossy(&[ran.stdout, ran.stderr].concat()).into_owned();
        assert!(ran.status.success() && said.contains("SUCCESS"), "{verb}: {said}");
    }
}

/// Each alert is tried both ways: there is a moment at which it fires, and one at which it does not.
#[test]
fn every_alert_has_a_test_in_which_it_fires_and_one_in_which_it_does_not() {
    let read = |name: &str| std::fs::read_to_string(ours("prometheus").join(name)).unwrap();
    let (rules, tests) = (read("gpucheck.rules.yml"), read("gpucheck.rules.test.yml"));
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() >= 8, "{alerts:?}");
    for alert in alerts {
        let name = format!("alertname: {alert}\n");
        let after = tests.split(&name).skip(1);
        let fires: Vec<bool> = after.map(|after| after.trim_start().starts_with("exp_alerts:")).collect();
        assert!(fires.contains(&true) && fires.contains(&false), "{alert}: {fires:?}");
    }
}
